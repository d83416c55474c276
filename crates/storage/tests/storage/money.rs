//! Reservations and the journal of calls.

use cofounder_domain::NanoUsd;
use cofounder_storage::{CallStart, FinishedCall, Reserved};
use serde_json::json;
use std::time::Duration;

use crate::{Bench, got, on_both_databases};

on_both_databases! {
    a_cap_is_not_passed_by_calls_at_the_same_time,
    settling_frees_what_was_not_spent_and_a_new_day_begins_at_nothing,
    a_finished_call_is_found_by_its_key_and_an_unfinished_one_is_counted,
}

const CENT: NanoUsd = NanoUsd::new(10_000_000);

/// Tried by reading the sum first and inserting after: the test failed.
async fn a_cap_is_not_passed_by_calls_at_the_same_time(bench: Bench) {
    let cap = NanoUsd::new(70_000_000);
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let db = bench.db.clone();
            tokio::spawn(async move { matches!(db.reserve(CENT, cap).await.unwrap(), Reserved::Yes(_)) })
        })
        .collect();
    let mut granted = 0;
    for attempt in tries {
        granted += u32::from(attempt.await.unwrap());
    }
    assert_eq!(granted, 7);
    assert_eq!(bench.db.spent_today().await.unwrap(), cap);
}

async fn settling_frees_what_was_not_spent_and_a_new_day_begins_at_nothing(bench: Bench) {
    let Reserved::Yes(held) = bench.db.reserve(CENT, CENT).await.unwrap() else { panic!("refused") };
    assert_eq!(bench.db.reserve(NanoUsd::new(1), CENT).await.unwrap(), Reserved::No { used: CENT });
    bench.db.settle(held, NanoUsd::new(4)).await.unwrap();
    bench.db.settle(held, CENT).await.unwrap();
    assert_eq!(bench.db.spent_today().await.unwrap(), NanoUsd::new(4), "settled once");
    bench.clock.advance(Duration::from_secs(86_400));
    assert_eq!(bench.db.spent_today().await.unwrap(), NanoUsd::ZERO);
}

async fn a_finished_call_is_found_by_its_key_and_an_unfinished_one_is_counted(bench: Bench) {
    let task = bench.task().await.id;
    let run = got(bench.db.claim(task, &bench.owner(), Duration::from_secs(9), 1).await.unwrap());
    let request = json!({"q": 1});
    let start =
        CallStart { key: "k", run: Some(&run), step: "outline", ordinal: 0, model: "a/b", request: &request };
    bench.db.begin_call(&start).await.unwrap();
    assert_eq!(bench.db.journalled_call("k").await.unwrap(), None);
    let entry = bench.db.begin_call(&start).await.unwrap();
    let answer = json!("yes");
    let end = FinishedCall {
        model: "a/b",
        answer: &answer,
        tokens_in: 5,
        tokens_cached: 2,
        tokens_out: 3,
        cost: CENT,
        ms: 7,
    };
    bench.db.finish_call(entry, Some(&run), &end).await.unwrap();
    assert_eq!(bench.db.journalled_call("k").await.unwrap().unwrap().answer, answer);
    let spent = bench.db.spent(task).await.unwrap();
    assert_eq!((spent.calls, spent.unfinished, spent.tokens_in, spent.cost), (1, 1, 5, CENT));
    assert_eq!(bench.db.calls(task).await.unwrap().len(), 1);
}
