//! What was agreed when a task was asked for: from when, until when, and once only; and what a person sets aside.

use cofounder_domain::{Brief, Gate, Status, TaskId, Timestamp};
use cofounder_storage::{Act, Database, PoolSettings, StorageError, Terms};
use cofounder_testkit::clock::ManualClock;
use std::{sync::Arc, time::Duration};

use crate::{
    Bench, brief, on_both_databases, posts,
    queue::{task, wants},
    source,
};

on_both_databases! {
    a_task_begins_at_its_time_and_not_before,
    a_deadline_that_passes_while_a_task_waits_fails_it_with_the_reason,
    a_deadline_in_the_past_or_before_the_start_is_refused,
    the_same_wish_with_the_same_key_is_the_same_task,
    twenty_wishes_with_one_key_at_the_same_time_are_one_task,
    what_is_set_aside_goes_back_to_where_it_was,
}

const LEASE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn later(bench: &Bench, by: Duration) -> Option<Timestamp> {
    Some(bench.db.now() + by)
}

async fn claimed(bench: &Bench) -> Vec<TaskId> {
    let claimed = bench.db.claim_next(&bench.owner(), LEASE, &wants(9)).await.unwrap();
    claimed.iter().map(|claimed| claimed.task).collect()
}

/// Tried by claiming whatever is `pending`: the test failed.
async fn a_task_begins_at_its_time_and_not_before(bench: Bench) {
    let task = task(&bench, Terms { start: later(&bench, HOUR), ..Terms::default() }).await;
    assert_eq!(bench.db.promote().await.unwrap(), 0);
    assert_eq!(claimed(&bench).await, []);
    assert!(!bench.db.has_open_work(&crate::queue::wants(1), &[]).await.unwrap(), "it is not for now");
    bench.clock.advance(HOUR);
    assert_eq!(bench.db.promote().await.unwrap(), 1);
    assert_eq!(bench.db.promote().await.unwrap(), 0);
    assert!(bench.db.has_open_work(&crate::queue::wants(1), &[]).await.unwrap());
    // Its time has come, and does not go again if a clock is set back.
    let back = Arc::new(ManualClock::at(1_000_000_000_000));
    let slow = Database::open(bench.db.location(), PoolSettings::default(), back).await.unwrap();
    let got = slow.claim_next(&bench.owner(), LEASE, &wants(9)).await.unwrap();
    assert_eq!(got[0].task, task);
}

/// Tried by leaving the overdue ones out of `promote`: the test failed.
async fn a_deadline_that_passes_while_a_task_waits_fails_it_with_the_reason(bench: Bench) {
    let deadline = later(&bench, HOUR);
    let overdue = task(&bench, Terms { deadline, ..Terms::default() }).await;
    let never =
        task(&bench, Terms { deadline: later(&bench, HOUR * 2), start: deadline, ..Terms::default() }).await;
    let other = task(&bench, Terms::default()).await;
    bench.db.promote().await.unwrap();
    assert_eq!(bench.db.task(overdue).await.unwrap().status, Status::Pending, "not yet");
    bench.clock.advance(HOUR);
    bench.db.promote().await.unwrap();
    let failed = bench.db.task(overdue).await.unwrap();
    assert_eq!(failed.status, Status::Failed);
    assert!(failed.error.as_deref().unwrap().contains("deadline"), "{failed:?}");
    assert!(bench.db.history(overdue).await.unwrap().last().unwrap().reason.contains("deadline"));
    assert_eq!(claimed(&bench).await, [other, never]);
    bench.clock.advance(HOUR * 9);
    bench.db.promote().await.unwrap();
    assert_eq!(bench.db.task(never).await.unwrap().status, Status::InProgress, "its worker sees to that");
    let again = bench.db.by(&Act::OPERATOR).retry_task(overdue, None).await.unwrap();
    assert_eq!((again.status, again.deadline_at), (Status::Pending, None));
}

async fn a_deadline_in_the_past_or_before_the_start_is_refused(bench: Bench) {
    let before = later(&bench, Duration::ZERO);
    bench.clock.advance(HOUR);
    let wrong = [
        Terms { deadline: before, ..Terms::default() },
        Terms { deadline: later(&bench, Duration::ZERO), ..Terms::default() },
        Terms { deadline: later(&bench, HOUR), start: later(&bench, HOUR * 2), ..Terms::default() },
        Terms { key: Some(String::new()), ..Terms::default() },
        Terms { key: Some("k".repeat(201)), ..Terms::default() },
    ];
    for terms in wrong {
        let error = bench.db.by(&Act::OPERATOR).create_task(&brief(), &[], &terms).await.unwrap_err();
        assert!(matches!(error, StorageError::Invalid(_)), "{error}");
        assert!(error.to_string().ends_with("Nothing was stored"), "{error}");
    }
    assert_eq!(bench.db.list_tasks(9, None, None).await.unwrap().items, []);
    let start = later(&bench, Duration::ZERO);
    task(&bench, Terms { start, deadline: later(&bench, HOUR), ..Terms::default() }).await;
    assert_eq!(claimed(&bench).await.len(), 1);
}

async fn the_same_wish_with_the_same_key_is_the_same_task(bench: Bench) {
    let key = |key: &str| Terms { key: Some(key.to_owned()), ..Terms::default() };
    let first = bench.db.by(&Act::OPERATOR).create_task(&brief(), &[], &key("monday")).await.unwrap();
    assert_eq!(
        bench.db.by(&Act::OPERATOR).create_task(&brief(), &[], &key("monday")).await.unwrap().id,
        first.id
    );
    assert_ne!(
        bench.db.by(&Act::OPERATOR).create_task(&brief(), &[], &key("tuesday")).await.unwrap().id,
        first.id
    );
    assert_ne!(bench.task().await.id, first.id, "without a key every wish is its own");
    let other = Brief::new("Why PostgreSQL", 600, vec!["a.md".into()], None).unwrap();
    let new = cofounder_storage::NewSource { source: source("text"), bytes: b"text".to_vec() };
    let error = bench.db.by(&Act::OPERATOR).create_task(&other, &[new], &key("monday")).await.unwrap_err();
    assert!(matches!(error, StorageError::Conflict(_)), "{error}");
    assert!(
        error.to_string().contains("monday") && error.to_string().contains(&first.id.to_string()),
        "{error}"
    );
    assert_eq!(bench.db.list_tasks(9, None, None).await.unwrap().items.len(), 3);
    assert_eq!(bench.db.list_sources(9, None).await.unwrap().items.len(), 0, "nothing was stored");
    assert_eq!(bench.db.journal(first.id, 0, 9).await.unwrap().len(), 1, "asked for once");
}

/// Tried by letting the index `tasks_by_key` take a key twice: the test failed on PostgreSQL.
async fn twenty_wishes_with_one_key_at_the_same_time_are_one_task(bench: Bench) {
    let other = bench.another().await;
    let wishes: Vec<_> = (0..20)
        .map(|number| {
            let db = if number % 2 == 0 { bench.db.clone() } else { other.clone() };
            let terms = Terms { key: Some("once".to_owned()), ..Terms::default() };
            tokio::spawn(
                async move { db.by(&Act::OPERATOR).create_task(&brief(), &[], &terms).await.unwrap().id },
            )
        })
        .collect();
    let mut ids = std::collections::HashSet::new();
    for wish in wishes {
        ids.insert(wish.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(bench.db.list_tasks(99, None, None).await.unwrap().items.len(), 1);
}

/// Tried by always releasing to `pending`: the test failed.
async fn what_is_set_aside_goes_back_to_where_it_was(bench: Bench) {
    let draft = posts::waiting(&bench, Gate::Open).await;
    let waiting = bench.task().await.id;
    for task in [draft, waiting] {
        let error = bench.db.by(&Act::OPERATOR).release_task(task).await.unwrap_err();
        assert!(error.to_string().contains("not on hold"), "{error}");
        bench.db.by(&Act::OPERATOR).move_task(task, Status::OnHold, "later").await.unwrap();
    }
    bench.db.promote().await.unwrap();
    assert_eq!(claimed(&bench).await, [], "nobody works on what is set aside");
    assert_eq!(
        bench.db.by(&Act::OPERATOR).release_task(draft).await.unwrap().status,
        Status::AwaitingApproval
    );
    assert_eq!(bench.db.by(&Act::OPERATOR).release_task(waiting).await.unwrap().status, Status::Pending);
    assert_eq!(claimed(&bench).await, [waiting]);
    bench.db.by(&Act::OPERATOR).move_task(waiting, Status::OnHold, "while it ran").await.unwrap();
    assert_eq!(
        bench.db.by(&Act::OPERATOR).release_task(waiting).await.unwrap().status,
        Status::Pending,
        "it runs again"
    );
    bench.db.by(&Act::OPERATOR).approve(draft, None, |_| vec![]).await.unwrap();
}
