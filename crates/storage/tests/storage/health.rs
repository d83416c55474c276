//! What processes saw of the models they call.

use cofounder_storage::TargetHealth;
use std::time::Duration;

use crate::{Bench, on_both_databases};

on_both_databases! {
    each_process_has_its_own_view_and_its_last_word_counts,
}

pub(crate) fn seen(bench: &Bench, target: &str, state: &str, failures: u64) -> TargetHealth {
    let open = state == "open";
    TargetHealth {
        target: target.to_owned(),
        state: state.to_owned(),
        failures,
        until: open.then(|| bench.db.now() + Duration::from_secs(5)),
        last_error: open.then(|| "no answer".to_owned()),
        updated_at: bench.db.now(),
    }
}

async fn each_process_has_its_own_view_and_its_last_word_counts(bench: Bench) {
    let db = &bench.db;
    assert_eq!(db.health().await.unwrap(), []);
    db.save_health("one", &[]).await.unwrap();
    let first =
        [seen(&bench, "b/x", "open", 3), seen(&bench, "a/x", "closed", 0), seen(&bench, "b/x", "closed", 9)];
    db.save_health("one", &first).await.unwrap();
    db.save_health("two", &first[..1]).await.unwrap();
    let row = |owner: &str, seen: &TargetHealth| (owner.to_owned(), seen.clone());
    let expected = [row("one", &first[1]), row("one", &first[2]), row("two", &first[0])];
    assert_eq!(db.health().await.unwrap(), expected);
    bench.clock.advance(Duration::from_secs(60));
    let now = [seen(&bench, "b/x", "half_open", 3)];
    db.save_health("two", &now).await.unwrap();
    assert_eq!(db.health().await.unwrap()[2], row("two", &now[0]));
    db.forget_target("one", "b/x").await.unwrap();
    db.forget_target("two", "a/x").await.unwrap();
    assert_eq!(db.health().await.unwrap(), [row("one", &first[1]), row("two", &now[0])]);
    db.forget_health("one").await.unwrap();
    db.forget_health("nobody").await.unwrap();
    assert_eq!(db.health().await.unwrap(), [row("two", &now[0])]);
}
