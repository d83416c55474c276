//! Each kind of failure becomes its own error, asked for whole and in pieces.

use super::{Bench, hello, on_every_wire};
use cofounder_providers::ProviderError as E;
use cofounder_testkit::provider::{Reply, Wire};
use std::time::Duration;

on_every_wire! {
    limits_say_until_when,
    each_refusal_becomes_its_own_error,
    answers_that_are_none_are_told_apart,
    a_model_that_is_loaded_is_waited_for,
}

async fn limits_say_until_when(wire: Wire) {
    let bench = Bench::new(wire).await;
    // The clock shows 2026-01-02T03:04:05Z; time passes between two tries, so that a date is tried first.
    let date = Reply::RateLimited { retry_after: Some("Fri, 02 Jan 2026 03:05:05 GMT".into()) };
    bench.fake.reply([date]);
    let error = bench.ask(&hello()).await.unwrap_err();
    assert!(matches!(&error, E::Limited { why, .. } if why.contains("slow down")), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    bench.rest();
    for (retry_after, wait) in [("60", 60_000), ("0.5", 500)] {
        for error in bench.errors(&Reply::RateLimited { retry_after: Some(retry_after.into()) }).await {
            assert!(matches!(error, E::Limited { .. }), "{error}");
            assert_eq!(error.retry_after(), Some(Duration::from_millis(wait)), "{retry_after}");
        }
    }
    for error in bench.errors(&Reply::RateLimited { retry_after: None }).await {
        assert!(matches!(error, E::Limited { .. }), "{error}");
    }
}

/// Whether an error is the one that is due.
type Expected = fn(&E) -> bool;

async fn each_refusal_becomes_its_own_error(wire: Wire) {
    let bench = Bench::new(wire).await;
    let refusals: [(Reply, Expected); 10] = [
        (Reply::Unauthorised, |e| matches!(e, E::Unauthorised { .. })),
        (Reply::error(403, "because", None), |e| matches!(e, E::Unauthorised { .. })),
        (
            Reply::error(400, "because", None),
            |e| matches!(e, E::InvalidRequest { why } if why.contains("because")),
        ),
        (Reply::error(404, "because", None), |e| matches!(e, E::NotThere { why } if why.contains("because"))),
        (Reply::TooLong, |e| matches!(e, E::ContextTooLong { .. })),
        (Reply::Overloaded, |e| matches!(e, E::Unavailable { .. })),
        (
            Reply::error(500, "because", None),
            |e| matches!(e, E::Unavailable { why, .. } if why.contains("because")),
        ),
        (Reply::error(502, "because", None), |e| matches!(e, E::Unavailable { .. })),
        (Reply::error(504, "because", None), |e| matches!(e, E::Unavailable { .. })),
        (Reply::Loading { seconds: 20.0 }, |e| matches!(e, E::Loading { .. })),
    ];
    for (reply, expected) in refusals {
        for error in bench.errors(&reply).await {
            assert!(expected(&error), "{reply:?}: {error:?}");
        }
    }
    if wire == Wire::Huggingface {
        let [error, _] = bench.errors(&Reply::Loading { seconds: 20.0 }).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
    }
}

/// Tried by letting an answer without a word pass: it was complete in Anthropic's and Ollama's protocol.
async fn answers_that_are_none_are_told_apart(wire: Wire) {
    let bench = Bench::new(wire).await;
    for reply in
        [Reply::Garbage, Reply::WrongShape, Reply::EmptyChoices, Reply::Huge(9 << 20), Reply::CutBody]
    {
        let [whole, streamed] = bench.errors(&reply).await;
        let expected = if reply == Reply::CutBody {
            whole == E::Truncated
        } else {
            matches!(whole, E::Malformed { .. })
        };
        assert!(expected, "{reply:?}: {whole:?}");
        assert!(matches!(streamed, E::Malformed { .. } | E::Truncated), "{reply:?}: {streamed:?}");
        assert!(reply != Reply::Garbage || streamed != E::Truncated, "no stream is not one that broke off");
    }
}

/// Tried by giving a target up that loads its model: nobody answered.
async fn a_model_that_is_loaded_is_waited_for(wire: Wire) {
    let bench = Bench::new(wire).await;
    if wire != Wire::Huggingface {
        return; // The others give no estimate.
    }
    bench.fake.reply([
        Reply::Loading { seconds: 0.2 },
        Reply::Loading { seconds: 0.1 },
        Reply::text("Here I am."),
    ]);
    let begun = std::time::Instant::now();
    assert_eq!(bench.ask_patiently(&hello()).await.unwrap().text, "Here I am.");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(bench.fake.calls(), 3);
}
