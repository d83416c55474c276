//! How much there is to do.

use cofounder_domain::Status;
use cofounder_storage::Act;
use std::time::Duration;

use crate::{Bench, effects, on_both_databases};

on_both_databases! {
    what_is_to_be_done_is_counted_by_status,
}

async fn what_is_to_be_done_is_counted_by_status(bench: Bench) {
    let of = |depths: &cofounder_storage::Depths, wanted: Status| {
        depths.tasks.iter().find(|(status, _)| *status == wanted).map(|(_, count)| *count)
    };
    let none = bench.db.depths().await.unwrap();
    assert_eq!(
        (of(&none, Status::Pending), of(&none, Status::OnHold)),
        (Some(0), Some(0)),
        "none is told as none"
    );
    assert_eq!(none.effects, [("pending", 0), ("sending", 0)]);
    let before = bench.db.begun();
    for _ in 0..3 {
        bench.task().await;
    }
    let not_needed = bench.task().await.id;
    bench.db.by(&Act::OPERATOR).move_task(not_needed, Status::Cancelled, "no more").await.unwrap();
    effects::published(&bench, 2, 0).await;
    let owner = bench.owner();
    let claimed =
        bench.db.claim_effects(&owner, Duration::from_secs(60), &["search".to_owned()], 1).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let some = bench.db.depths().await.unwrap();
    assert_eq!(of(&some, Status::Pending), Some(3));
    assert_eq!((of(&some, Status::Cancelled), of(&some, Status::Published)), (None, None), "what has ended");
    assert_eq!(some.effects, [("pending", 1), ("sending", 1)]);
    let after = bench.db.begun();
    assert!(after.transactions >= before.transactions + 6, "{before:?} {after:?}");
    assert!(after.waited > before.waited);
}
