//! Effects outside: once where the receiver honours keys, and never twice where it does not.

use cofounder_domain::{Gate, TaskId};
use cofounder_storage::{Act, Delivery, DueEffect, EffectRecord, NewEffect, Owner, StorageError};
use std::{collections::HashSet, time::Duration};

use crate::{Bench, on_both_databases, posts};

fn targets() -> [String; 2] {
    ["search", "mail"].map(str::to_owned)
}

on_both_databases! {
    an_effect_is_sent_and_its_receipt_is_kept,
    what_a_receiver_says_decides_what_comes_next,
    an_effect_whose_worker_ended_is_sent_again_with_its_key_or_never,
    who_took_too_long_writes_nothing,
    two_workers_never_get_the_same_effect,
}

const LEASE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(1_500);

/// A published post with this many effects of each kind of receiver.
pub(crate) async fn published(bench: &Bench, keyed: usize, unkeyed: usize) -> TaskId {
    let task = posts::waiting(bench, Gate::Open).await;
    let effect = |keyed| NewEffect {
        kind: "webhook".to_owned(),
        target: if keyed { "search" } else { "mail" }.to_owned(),
        payload: "{\"post\": 1}".to_owned(),
        keyed,
    };
    let all = || std::iter::repeat_n(effect(true), keyed).chain(std::iter::repeat_n(effect(false), unkeyed));
    bench.db.by(&Act::OPERATOR).approve(task, None, |_| all().collect()).await.unwrap();
    task
}

async fn one(bench: &Bench, task: TaskId) -> EffectRecord {
    let effects = bench.db.effects(task).await.unwrap();
    assert_eq!(effects.len(), 1);
    effects[0].clone()
}

async fn claim(bench: &Bench, owner: &Owner, lease: Duration) -> Vec<DueEffect> {
    bench.db.claim_effects(owner, lease, &targets(), 9).await.unwrap()
}

/// What the journal says of effects.
async fn told(bench: &Bench, task: TaskId) -> Vec<String> {
    let journal = bench.db.journal(task, 0, 1000).await.unwrap();
    assert!(journal.iter().zip(1..).all(|(entry, number)| entry.seq == number));
    let effects = journal.into_iter().filter(|entry| entry.event.starts_with("effect_"));
    effects.map(|entry| format!("{} {}", entry.event, entry.detail)).collect()
}

async fn an_effect_is_sent_and_its_receipt_is_kept(bench: Bench) {
    let (task, owner) = (published(&bench, 1, 0).await, bench.owner());
    assert!(bench.db.has_open_work(&crate::queue::wants(1), &targets()).await.unwrap());
    let due = claim(&bench, &owner, LEASE).await;
    let [effect] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!((effect.task, effect.attempt, effect.effect.payload.as_str()), (task, 1, "{\"post\": 1}"));
    assert_eq!(one(&bench, task).await.state, "sending");
    assert_eq!(claim(&bench, &owner, LEASE).await, [], "once");
    bench.db.finish_effect(effect, &Delivery::Done("204".to_owned())).await.unwrap();
    let done = one(&bench, task).await;
    assert_eq!((done.state.as_str(), done.receipt.as_deref(), done.attempts), ("done", Some("204"), 1));
    assert_eq!(done.id, effect.id);
    assert_eq!(claim(&bench, &owner, LEASE).await, []);
    assert!(!bench.db.has_open_work(&crate::queue::wants(1), &targets()).await.unwrap());
    assert_eq!(
        told(&bench, task).await,
        ["effect_intended webhook search", "effect_done webhook search: 204"]
    );
}

async fn what_a_receiver_says_decides_what_comes_next(bench: Bench) {
    let (task, owner) = (published(&bench, 1, 0).await, bench.owner());
    let first = claim(&bench, &owner, LEASE).await.remove(0);
    let busy = Delivery::Again("503".to_owned(), PAUSE);
    bench.db.finish_effect(&first, &busy).await.unwrap();
    assert_eq!(claim(&bench, &owner, LEASE).await, [], "not yet");
    assert_eq!(one(&bench, task).await.error.as_deref(), Some("503"));
    tokio::time::sleep(PAUSE).await;
    let second = claim(&bench, &owner, LEASE).await.remove(0);
    assert_eq!((&second.id, second.attempt), (&first.id, 2), "the same key");
    let stale = bench.db.finish_effect(&first, &Delivery::Done("late".to_owned())).await;
    assert!(matches!(stale, Err(StorageError::Stale)), "{stale:?}");
    bench.db.finish_effect(&second, &Delivery::Failed("410".to_owned())).await.unwrap();
    assert_eq!((one(&bench, task).await.state.as_str(), one(&bench, task).await.attempts), ("failed", 2));
    tokio::time::sleep(PAUSE).await;
    assert_eq!(claim(&bench, &owner, LEASE).await, [], "never again");
    let other = published(&bench, 0, 1).await;
    let due = claim(&bench, &owner, LEASE).await.remove(0);
    bench.db.finish_effect(&due, &Delivery::Unknown("no answer".to_owned())).await.unwrap();
    assert_eq!(one(&bench, other).await.state, "unknown");
    assert_eq!(claim(&bench, &owner, LEASE).await, []);
    assert_eq!(bench.db.recover_effects(&owner).await.unwrap(), 0);
    let events = [
        "effect_intended webhook search",
        "effect_delayed webhook search: 503",
        "effect_failed webhook search: 410",
    ];
    assert_eq!(told(&bench, task).await, events);
}

/// Tried by sending every effect again whose worker ended: the test failed.
async fn an_effect_whose_worker_ended_is_sent_again_with_its_key_or_never(bench: Bench) {
    let (keyed, unkeyed) = (published(&bench, 1, 0).await, published(&bench, 0, 1).await);
    let (dead, other) = (bench.owner(), bench.owner());
    let first = claim(&bench, &dead, LEASE).await;
    assert_eq!(first.len(), 2);
    assert_eq!(bench.db.recover_effects(&other).await.unwrap(), 0, "it lives");
    drop(dead);
    assert_eq!(bench.db.recover_effects(&other).await.unwrap(), 2);
    assert_eq!(bench.db.recover_effects(&other).await.unwrap(), 0);
    let again = claim(&bench, &other, LEASE).await;
    let [again] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!((again.task, again.attempt), (keyed, 2));
    assert_eq!(Some(&again.id), first.iter().find(|due| due.task == keyed).map(|due| &due.id));
    let never = one(&bench, unkeyed).await;
    assert_eq!((never.state.as_str(), never.attempts), ("unknown", 1));
    assert!(never.error.unwrap().contains("nobody knows"));
    assert!(told(&bench, unkeyed).await[1].starts_with("effect_unknown webhook mail: "));
}

/// Tried by leaving the fence out of `finish_effect`: the test failed.
async fn who_took_too_long_writes_nothing(bench: Bench) {
    let (slow, other) = (bench.owner(), bench.owner());
    let (keyed, unkeyed) = (published(&bench, 1, 0).await, published(&bench, 0, 1).await);
    let late = claim(&bench, &slow, Duration::ZERO).await;
    assert_eq!(bench.db.recover_effects(&other).await.unwrap(), 2);
    let now = claim(&bench, &other, LEASE).await;
    let before = (told(&bench, keyed).await, told(&bench, unkeyed).await);
    for due in &late {
        let stale = bench.db.finish_effect(due, &Delivery::Done("late".to_owned())).await;
        assert!(matches!(stale, Err(StorageError::Stale)), "{stale:?}");
    }
    assert_eq!((told(&bench, keyed).await, told(&bench, unkeyed).await), before);
    assert_eq!((one(&bench, keyed).await.receipt, one(&bench, unkeyed).await.receipt), (None, None));
    bench.db.finish_effect(&now[0], &Delivery::Done("in time".to_owned())).await.unwrap();
    assert_eq!(one(&bench, keyed).await.receipt.as_deref(), Some("in time"));
}

async fn two_workers_never_get_the_same_effect(bench: Bench) {
    let mut tasks = Vec::new();
    for _ in 0..6 {
        tasks.push(published(&bench, 2, 2).await);
    }
    let handles = [bench.another().await, bench.another().await, bench.db.clone()];
    let workers = handles.map(|db| {
        let owner = bench.owner();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            while db.has_open_work(&crate::queue::wants(1), &targets()).await.unwrap() {
                for due in db.claim_effects(&owner, LEASE, &targets(), 3).await.unwrap() {
                    db.finish_effect(&due, &Delivery::Done("ok".to_owned())).await.unwrap();
                    mine.push(due.id);
                }
            }
            mine
        })
    });
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), 24);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), 24);
    for task in tasks {
        assert!(bench.db.effects(task).await.unwrap().iter().all(|e| e.state == "done" && e.attempts == 1));
    }
}
