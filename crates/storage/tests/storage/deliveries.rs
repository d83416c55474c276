//! What was told outside, of all tasks; and what came of the work, day by day.

use cofounder_domain::NanoUsd;
use cofounder_storage::{Act, Delivery, DeliveryFilter, StorageError};
use std::time::Duration;

use crate::{Bench, effects::published, on_both_databases};

on_both_databases! {
    deliveries_are_listed_the_newest_first_and_found_by_state_target_and_task,
    what_failed_is_sent_again_on_somebodys_word_with_its_key,
    days_are_counted_from_what_is_written_down,
}

const LEASE: Duration = Duration::from_secs(60);

async fn deliveries_are_listed_the_newest_first_and_found_by_state_target_and_task(bench: Bench) {
    let first = published(&bench, 1, 1).await;
    bench.clock.advance(Duration::from_secs(1));
    let second = published(&bench, 2, 0).await;
    let all = DeliveryFilter::default();
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = bench.db.deliveries(1, cursor.as_deref(), &all).await.unwrap();
        seen.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.iter().map(|d| d.task).collect::<Vec<_>>(), [second, second, first, first]);
    let ids: std::collections::HashSet<_> = seen.iter().map(|d| d.effect.id.clone()).collect();
    assert_eq!(ids.len(), 4, "none twice");
    let count =
        async |filter: DeliveryFilter| bench.db.deliveries(9, None, &filter).await.unwrap().items.len();
    assert_eq!(count(DeliveryFilter { target: Some("mail".into()), ..all.clone() }).await, 1);
    assert_eq!(count(DeliveryFilter { task: Some(second), ..all.clone() }).await, 2);
    assert_eq!(count(DeliveryFilter { state: Some("pending".into()), ..all.clone() }).await, 4);
    assert_eq!(count(DeliveryFilter { state: Some("done".into()), ..all.clone() }).await, 0);
    for cursor in ["x", "-", "1", "x-y"] {
        let error = bench.db.deliveries(1, Some(cursor), &all).await.unwrap_err();
        assert!(matches!(error, StorageError::Cursor(_)), "{cursor}: {error}");
    }
}

async fn what_failed_is_sent_again_on_somebodys_word_with_its_key(bench: Bench) {
    let (_, owner) = (published(&bench, 1, 0).await, bench.owner());
    let claim = async || bench.db.claim_effects(&owner, LEASE, &["search".to_owned()], 9).await.unwrap();
    let due = claim().await.swap_remove(0);
    let again = async || bench.db.by(&Act::OPERATOR).deliver_again(&due.id).await;
    assert!(matches!(again().await, Err(StorageError::Conflict(_))), "it is being sent");
    bench.db.finish_effect(&due, &Delivery::Failed("410 Gone".into())).await.unwrap();
    assert!(claim().await.is_empty());
    assert_eq!(again().await.unwrap().effect.state, "pending");
    let second = claim().await.swap_remove(0);
    assert_eq!((&second.id, second.attempt), (&due.id, 2));
    bench.db.finish_effect(&second, &Delivery::Done("200".into())).await.unwrap();
    assert!(matches!(again().await, Err(StorageError::Conflict(_))), "it is done");
    let missing = bench.db.by(&Act::OPERATOR).deliver_again("none").await;
    assert!(matches!(missing, Err(StorageError::NotFound { .. })));
    let lines = bench.db.audit(9, None, &Default::default()).await.unwrap().items;
    assert_eq!(lines.iter().filter(|line| line.action == "delivery.retry").count(), 1);
}

async fn days_are_counted_from_what_is_written_down(bench: Bench) {
    assert!(bench.db.days().await.unwrap().is_empty());
    published(&bench, 0, 0).await;
    bench.task().await;
    let today = bench.db.now().timestamp_millis() / 86_400_000;
    bench.clock.advance(Duration::from_secs(86_400));
    let late = bench.task().await.id;
    bench.db.by(&Act::OPERATOR).move_task(late, cofounder_domain::Status::Cancelled, "x").await.unwrap();
    let days = bench.db.days().await.unwrap();
    assert_eq!(days.keys().copied().collect::<Vec<_>>(), [today, today + 1]);
    let (one, two) = (days[&today], days[&(today + 1)]);
    assert_eq!((one.asked, one.drafted, one.published, one.cancelled), (2, 1, 1, 0));
    assert_eq!((two.asked, two.published, two.cancelled, two.calls, two.cost), (1, 0, 1, 0, NanoUsd::ZERO));
}
