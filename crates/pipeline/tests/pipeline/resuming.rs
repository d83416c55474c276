//! A run that is stopped goes on where it stopped, and comes to the same article.

use cofounder_domain::{Post, Report, Status, StepStatus};
use cofounder_executor::{Finished, Silent};
use cofounder_pipeline::Strategy;
use cofounder_storage::Act;
use cofounder_testkit::provider::Reply;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{Bench, each},
    material::HISTORY,
    model::{self, Asked},
    oracle::honest,
};

/// What must not depend on where a run was stopped.
fn told(post: &Post, report: &Report) -> (String, String, Vec<String>, String, usize) {
    let claims =
        report.claims.iter().chain(&report.removed).map(|c| c.text.as_str()).collect::<Vec<_>>().join("\n");
    (post.markdown.clone(), post.description.clone(), post.degraded.clone(), claims, report.rails.len())
}

/// A model with some of everything: a lie, a review of no use.
pub(crate) fn mixed(asked: &Asked) -> Reply {
    match asked {
        Asked::Section { heading, passages, .. } if heading == HISTORY => {
            let text = model::section(heading, passages);
            Reply::text(format!(
                "{text} The Rockefeller Foundation paid for it. [S1] It cost 9,900 pounds. [S1]"
            ))
        }
        Asked::Rewrite { .. } => Reply::text("The Rockefeller Foundation paid 9,900 pounds. [S1]"),
        Asked::Review => Reply::text("no JSON"),
        other => model::good(other),
    }
}

async fn bench(strategy: Strategy) -> Bench {
    let bench = Bench::new(strategy).await;
    bench.fake.script(|body| mixed(&Asked::of(body)));
    bench
}

/// Tried by not reading the journal in `RunContext::step`: the test failed.
#[tokio::test]
async fn a_run_that_is_stopped_after_any_step_asks_nothing_twice() {
    for strategy in [Strategy::Sections, Strategy::Sentences] {
        let whole = bench(strategy).await;
        let run = whole.run().await;
        honest(&whole, &run).await;
        let expected = told(run.post(), run.report());
        let questions = whole.fake.calls();
        let steps: Vec<String> = run.steps.iter().map(|s| s.name.to_string()).collect();
        assert!(steps.len() >= 7, "{steps:?}");
        let last = steps.len() - 1;
        each(steps.into_iter().take(last), |step| {
            let expected = expected.clone();
            async move {
                let bench = bench(strategy).await;
                let stopped = bench.run_until_step(&step).await;
                assert!(matches!(stopped.finished, Finished::Interrupted), "{:?}", stopped.finished);
                assert!(stopped.post.is_none());
                assert_eq!(bench.db.task(bench.task).await.unwrap().status, Status::Pending);
                let run = bench.run().await;
                honest(&bench, &run).await;
                assert_eq!(told(run.post(), run.report()), expected);
                assert!(bench.requests().values().all(|n| *n == 1), "{:?}", bench.requests());
                assert_eq!(bench.fake.calls(), questions);
                assert!(run.steps.iter().all(|s| s.attempts == 1), "{:?}", run.steps);
            }
        })
        .await;
    }
}

/// What was in flight may be asked again, and nothing else.
#[tokio::test]
async fn a_run_that_is_stopped_in_any_call_asks_only_that_one_again() {
    let whole = bench(Strategy::Sections).await;
    let run = whole.run().await;
    let expected = told(run.post(), run.report());
    let questions = whole.fake.calls();
    assert!(questions >= 8);
    each(1..=questions, |stop_at| {
        let expected = expected.clone();
        async move {
            let bench = bench(Strategy::Sections).await;
            let cancel = CancellationToken::new();
            let (seen, token) = (AtomicUsize::new(0), cancel.clone());
            bench.fake.script(move |body| {
                if seen.fetch_add(1, Ordering::SeqCst) + 1 == stop_at {
                    token.cancel();
                    return Reply::Hang;
                }
                mixed(&Asked::of(body))
            });
            let stopped = bench.run_until(cancel, Arc::new(Silent)).await;
            assert!(matches!(stopped.finished, Finished::Interrupted), "{:?}", stopped.finished);
            let run = bench.run().await;
            honest(&bench, &run).await;
            assert_eq!(told(run.post(), run.report()), expected);
            let again: usize = bench.requests().values().map(|n| n - 1).sum();
            assert_eq!((again, bench.requests().len()), (1, questions));
        }
    })
    .await;
}

#[tokio::test]
async fn a_task_that_is_done_is_not_run_again() {
    let bench = bench(Strategy::Sections).await;
    let first = bench.run().await;
    let calls = bench.fake.calls();
    let second = bench.run().await;
    assert!(matches!(second.finished, Finished::Settled(Status::AwaitingApproval)), "{:?}", second.finished);
    assert_eq!(bench.fake.calls(), calls);
    assert_eq!(second.post, first.post);
}

/// A draft that a person sends back is written anew from the step that they name; what stood before it is kept.
#[tokio::test]
async fn a_task_that_is_retried_from_a_step_asks_anew_from_there() {
    let bench = bench(Strategy::Sections).await;
    bench.run().await;
    let before = bench.asked(|a| matches!(a, Asked::Outline));
    bench.db.by(&Act::OPERATOR).move_task(bench.task, Status::Rejected, "too dull").await.unwrap();
    bench.db.by(&Act::OPERATOR).retry_task(bench.task, Some("draft/section-2")).await.unwrap();
    let calls = bench.fake.calls();
    bench.fake.script(|body| model::good(&Asked::of(body)));
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert_eq!(bench.asked(|a| matches!(a, Asked::Outline)), before);
    assert_eq!(run.step("draft/section-1").attempts, 1);
    assert!(bench.fake.calls() > calls, "the second section is asked for again");
    assert_eq!(run.post().revision, 2);
    assert!(run.steps.iter().all(|s| s.status != StepStatus::Failed));
}
