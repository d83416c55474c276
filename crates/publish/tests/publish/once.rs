//! A worker ends between sending and receipt: who honours keys has it once, and of any other nobody knows.

use cofounder_storage::{Delivery, StorageError};
use cofounder_testkit::receiver::{Answer, FakeReceiver};

use crate::{Bench, carry, receiver, target};

macro_rules! on_both_databases {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() { super::$name(crate::Bench::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() { if let Some(bench) = crate::Bench::postgres().await { super::$name(bench).await; } })*
        }
    };
}

on_both_databases! {
    after_a_crash_who_honours_keys_has_it_once,
    after_a_crash_nothing_is_sent_twice_to_one_that_does_not,
    an_answer_that_was_lost_is_asked_for_again_by_the_same_key,
    an_answer_that_was_lost_ends_as_unknown_without_keys,
    an_answer_full_of_bytes_that_no_database_takes_is_written_down,
}

/// Tried by a new key for each attempt: two were accepted, and the test failed.
async fn after_a_crash_who_honours_keys_has_it_once(bench: Bench) {
    let receiver = FakeReceiver::honouring_keys().await.unwrap();
    let webhooks = bench.webhooks(vec![target(receiver.url(), true)]);
    let task = bench.approved(&webhooks).await;

    let first = bench.owner();
    let due = bench.claim(&first).await.pop().unwrap();
    assert_eq!(carry(&webhooks, &due).await, Delivery::Done("204".into()));
    let second = bench.owner();
    assert_eq!(bench.db.recover_effects(&second).await.unwrap(), 0, "its worker lives");
    drop(first);

    assert_eq!(bench.db.recover_effects(&second).await.unwrap(), 1);
    let taken = bench.claim(&second).await.pop().unwrap();
    assert_eq!((taken.id.as_str(), taken.attempt), (due.id.as_str(), 2));
    let delivery = carry(&webhooks, &taken).await;
    bench.db.finish_effect(&taken, &delivery).await.unwrap();
    let late = bench.db.finish_effect(&due, &delivery).await;
    assert!(matches!(late, Err(StorageError::Stale)), "{late:?}");

    assert_eq!((receiver.seen().len(), receiver.accepted()), (2, 1));
    assert_eq!(bench.states(task).await, [("done".to_owned(), 2)]);
    assert!(bench.claim(&second).await.is_empty());
}

/// Tried by taking the receiver for one that honours keys: it saw two requests, and the test failed.
async fn after_a_crash_nothing_is_sent_twice_to_one_that_does_not(bench: Bench) {
    let receiver = receiver().await;
    let webhooks = bench.webhooks(vec![target(receiver.url(), false)]);
    let task = bench.approved(&webhooks).await;

    let first = bench.owner();
    let due = bench.claim(&first).await.pop().unwrap();
    assert_eq!(carry(&webhooks, &due).await, Delivery::Done("204".into()));
    drop(first);

    let second = bench.owner();
    assert_eq!(bench.db.recover_effects(&second).await.unwrap(), 1);
    for due in bench.claim(&second).await {
        carry(&webhooks, &due).await;
    }
    assert_eq!((receiver.seen().len(), receiver.accepted()), (1, 1));
    assert_eq!(bench.states(task).await, [("unknown".to_owned(), 1)]);
    let effects = bench.db.effects(task).await.unwrap();
    assert!(effects[0].error.as_deref().unwrap().contains("nobody knows"), "{effects:?}");
}

async fn an_answer_that_was_lost_is_asked_for_again_by_the_same_key(bench: Bench) {
    let receiver = FakeReceiver::honouring_keys().await.unwrap();
    receiver.answer([Answer::Close, Answer::body(500, "I may have it"), Answer::body(200, "I have it")]);
    let webhooks = bench.webhooks(vec![target(receiver.url(), true)]);
    let (task, owner) = (bench.approved(&webhooks).await, bench.owner());
    for _ in 0..3 {
        let due = bench.claim(&owner).await.pop().unwrap();
        bench.db.finish_effect(&due, &carry(&webhooks, &due).await).await.unwrap();
    }
    assert_eq!((receiver.seen().len(), receiver.accepted()), (3, 1));
    assert_eq!(bench.states(task).await, [("done".to_owned(), 3)]);
    assert_eq!(bench.db.effects(task).await.unwrap()[0].receipt.as_deref(), Some("200: I have it"));
}

async fn an_answer_that_was_lost_ends_as_unknown_without_keys(bench: Bench) {
    let receiver = receiver().await;
    receiver.answer([Answer::Close]);
    let webhooks = bench.webhooks(vec![target(receiver.url(), false)]);
    let (task, owner) = (bench.approved(&webhooks).await, bench.owner());
    let due = bench.claim(&owner).await.pop().unwrap();
    bench.db.finish_effect(&due, &carry(&webhooks, &due).await).await.unwrap();
    assert!(bench.claim(&owner).await.is_empty());
    assert_eq!((receiver.seen().len(), receiver.accepted()), (1, 1));
    assert_eq!(bench.states(task).await, [("unknown".to_owned(), 1)]);
}

/// Tried by keeping the answer as it came: the test failed.
async fn an_answer_full_of_bytes_that_no_database_takes_is_written_down(bench: Bench) {
    let receiver = receiver().await;
    receiver.answer([Answer::body(200, &b"a\0b\xff\x1b"[..])]);
    let webhooks = bench.webhooks(vec![target(receiver.url(), false)]);
    let (task, owner) = (bench.approved(&webhooks).await, bench.owner());
    let due = bench.claim(&owner).await.pop().unwrap();
    bench.db.finish_effect(&due, &carry(&webhooks, &due).await).await.unwrap();
    assert_eq!(bench.db.effects(task).await.unwrap()[0].receipt.as_deref(), Some("200: a b\u{fffd}"));
}
