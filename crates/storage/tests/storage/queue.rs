//! Who gets which task, and when.

use cofounder_domain::TaskId;
use cofounder_storage::{Act, Claimed, Database, Owner, Task, Terms, Wants};
use std::{collections::HashSet, time::Duration};

use crate::{Bench, brief, on_both_databases};

on_both_databases! {
    the_highest_priority_comes_first_and_the_oldest_of_it,
    a_task_of_low_priority_is_claimed_within_its_bound_whatever_flood_comes,
    what_a_task_needs_its_worker_has,
    a_capability_that_is_named_twice_claims_nothing_twice,
    two_programs_that_claim_at_the_same_time_get_each_task_once,
    a_payload_of_a_newer_version_is_left_alone_and_hides_nothing,
    a_task_that_began_with_a_newer_workflow_is_left_to_newer_workers,
}

const LEASE: Duration = Duration::from_secs(60);
/// What a worker does: every fourth claim takes the oldest.
const OLDEST_EVERY: u64 = 4;

pub(crate) fn wants(limit: u64) -> Wants {
    Wants { capabilities: vec![], workflow: 1, oldest: false, limit }
}

pub(crate) async fn task(bench: &Bench, terms: Terms) -> TaskId {
    let task = bench.db.by(&Act::OPERATOR).create_task(&brief(), &[], &terms).await.unwrap();
    bench.clock.advance(Duration::from_millis(1));
    task.id
}

async fn prior(bench: &Bench, priority: i32) -> TaskId {
    task(bench, Terms { priority, ..Terms::default() }).await
}

async fn claim(db: &Database, owner: &Owner, wants: &Wants) -> Vec<TaskId> {
    let claimed = db.claim_next(owner, LEASE, wants).await.unwrap();
    claimed.iter().map(|claimed| claimed.task).collect()
}

/// Tried by ordering by age alone: the test failed.
async fn the_highest_priority_comes_first_and_the_oldest_of_it(bench: Bench) {
    let owner = bench.owner();
    let mut made = Vec::new();
    for priority in [0, 5, -1, 5, 0, -1] {
        made.push(prior(&bench, priority).await);
    }
    let oldest = Wants { oldest: true, ..wants(1) };
    assert_eq!(claim(&bench.db, &owner, &wants(1)).await, [made[1]]);
    assert_eq!(claim(&bench.db, &owner, &oldest).await, [made[0]]);
    assert_eq!(claim(&bench.db, &owner, &oldest).await, [made[2]]);
    assert_eq!(claim(&bench.db, &owner, &wants(2)).await, [made[3], made[4]]);
    assert_eq!(claim(&bench.db, &owner, &wants(9)).await, [made[5]]);
    assert_eq!(claim(&bench.db, &owner, &wants(9)).await, [], "nothing is left");
}

/// Tried by never taking the oldest: the test failed.
async fn a_task_of_low_priority_is_claimed_within_its_bound_whatever_flood_comes(bench: Bench) {
    let owner = bench.owner();
    let older = 2;
    for _ in 0..older {
        prior(&bench, 9).await;
    }
    let low = prior(&bench, -9).await;
    let bound = OLDEST_EVERY * (older + 1);
    for claims in 0..bound {
        for _ in 0..2 {
            prior(&bench, 9).await;
        }
        let oldest = claims % OLDEST_EVERY == OLDEST_EVERY - 1;
        if claim(&bench.db, &owner, &Wants { oldest, ..wants(1) }).await == [low] {
            return;
        }
    }
    panic!("not among {bound} claims");
}

/// Tried by leaving out `needs` in `ready`, then by always sorting by priority: the test failed each time.
async fn what_a_task_needs_its_worker_has(bench: Bench) {
    let owner = bench.owner();
    let of = |needs: &str, priority| Terms { needs: needs.to_owned(), priority, ..Terms::default() };
    let gpu = task(&bench, of("gpu", 1)).await;
    let plain = task(&bench, of("", 0)).await;
    let late = task(&bench, of("", 2)).await;
    let disk = task(&bench, of("disk", 9)).await;
    assert_eq!(claim(&bench.db, &owner, &wants(1)).await, [late]);
    let able = Wants { capabilities: vec!["gpu".to_owned(), "tape".to_owned()], ..wants(9) };
    assert_eq!(claim(&bench.db, &owner, &able).await, [gpu, plain], "in one order");
    assert_eq!(claim(&bench.db, &owner, &able).await, []);
    let able = Wants { capabilities: vec!["disk".to_owned()], ..wants(9) };
    assert_eq!(claim(&bench.db, &owner, &able).await, [disk]);
    let older = task(&bench, of("disk", 0)).await;
    let higher = task(&bench, of("", 5)).await;
    assert_eq!(claim(&bench.db, &owner, &Wants { oldest: true, ..able.clone() }).await, [older, higher]);
}

/// Tried by looking for tasks once for each word, as it was at first: the test failed.
async fn a_capability_that_is_named_twice_claims_nothing_twice(bench: Bench) {
    let made =
        [task(&bench, Terms { needs: "gpu".to_owned(), ..Terms::default() }).await, prior(&bench, 0).await];
    let words = ["gpu", "", "gpu"].map(str::to_owned);
    let claimed = claim(&bench.db, &bench.owner(), &Wants { capabilities: words.to_vec(), ..wants(9) }).await;
    assert_eq!(claimed, made);
}

/// Tried by leaving out the lock in `ready`: the test failed on PostgreSQL.
async fn two_programs_that_claim_at_the_same_time_get_each_task_once(bench: Bench) {
    let mut made = HashSet::new();
    for number in 0..200 {
        made.insert(prior(&bench, number % 3).await);
    }
    let work = |db: std::sync::Arc<Database>, owner: Owner| async move {
        let mut mine: Vec<Claimed> = Vec::new();
        loop {
            let claimed = db.claim_next(&owner, LEASE, &wants(3)).await.unwrap();
            if claimed.is_empty()
                && db
                    .list_tasks(1, None, Some(cofounder_domain::Status::Pending))
                    .await
                    .unwrap()
                    .items
                    .is_empty()
            {
                return (owner, mine);
            }
            mine.extend(claimed);
        }
    };
    let (one, two) = (bench.another().await, bench.another().await);
    let workers = [one.clone(), one, two.clone(), two].map(|db| tokio::spawn(work(db, bench.owner())));
    let mut all = Vec::new();
    for worker in workers {
        let (owner, claimed) = worker.await.unwrap();
        for claimed in &claimed {
            assert_eq!(bench.db.task(claimed.task).await.unwrap().owner.as_deref(), Some(owner.id()));
            assert_eq!(claimed.fence, 1);
        }
        all.extend(claimed.iter().map(|claimed| claimed.task));
    }
    assert_eq!(all.len(), 200, "none twice");
    assert_eq!(all.into_iter().collect::<HashSet<_>>(), made, "none left");
}

/// Tried by leaving out the payload's version in `ready`: the test failed.
async fn a_payload_of_a_newer_version_is_left_alone_and_hides_nothing(bench: Bench) {
    let (owner, newer) = (bench.owner(), prior(&bench, 9).await);
    bench
        .raw(&format!("UPDATE tasks SET payload_version = 99, brief = '???' WHERE id = '{newer}'"))
        .await
        .unwrap();
    let ours = prior(&bench, 0).await;
    assert_eq!(claim(&bench.db, &owner, &wants(9)).await, [ours]);
    assert_eq!(claim(&bench.db, &owner, &Wants { oldest: true, ..wants(9) }).await, []);
    for told in
        [bench.db.task(newer).await.unwrap_err(), bench.db.claim(newer, &owner, LEASE, 1).await.unwrap_err()]
    {
        assert!(told.to_string().contains("newer version of cofounder"), "{told}");
        assert!(told.to_string().contains("99"), "{told}");
    }
    assert_eq!(
        bench.lines("SELECT status || brief AS line FROM tasks WHERE payload_version = 99").await,
        ["pending???"]
    );
}

async fn a_task_that_began_with_a_newer_workflow_is_left_to_newer_workers(bench: Bench) {
    let owner = bench.owner();
    let (newer, older) = (prior(&bench, 9).await, prior(&bench, 0).await);
    for (task, version) in [(newer, 3), (older, 1)] {
        let text = format!("UPDATE tasks SET workflow_version = {version} WHERE id = '{task}'");
        bench.raw(&text).await.unwrap();
    }
    let version = |task: Task| task.version;
    assert_eq!(claim(&bench.db, &owner, &Wants { workflow: 2, ..wants(9) }).await, [older]);
    assert_eq!(version(bench.db.task(older).await.unwrap()), Some(1), "it goes on as it began");
    assert_eq!(claim(&bench.db, &owner, &Wants { workflow: 3, ..wants(9) }).await, [newer]);
    let fresh = prior(&bench, 0).await;
    assert_eq!(claim(&bench.db, &owner, &Wants { workflow: 2, ..wants(9) }).await, [fresh]);
    assert_eq!(version(bench.db.task(fresh).await.unwrap()), Some(2));
}
