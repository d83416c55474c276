//! What happens around a call: providers that are down, and money that runs out.

use cofounder_domain::{FaultKind, NanoUsd, Status, StepStatus};
use cofounder_executor::{Event, Finished, Progress};
use cofounder_pipeline::Strategy;
use cofounder_storage::{Act, Spend};
use cofounder_testkit::provider::Reply;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{Bench, Run, each},
    model::{self, Asked},
    oracle::honest,
};

/// The task is failed, and says why in the words of the error.
async fn failed(bench: &Bench, run: &Run, kind: FaultKind, words: &str) {
    let Finished::Failed(error) = &run.finished else { panic!("{:?}", run.finished) };
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "`{words}` is not in: {error}");
    let task = bench.db.task(bench.task).await.unwrap();
    assert_eq!((task.status, task.error), (Status::Failed, Some(run.failure())));
    let last = bench.db.history(bench.task).await.unwrap().pop().unwrap();
    assert_eq!((last.new, last.reason), (Status::Failed, run.failure()));
    assert!(run.post.is_none());
}

#[tokio::test]
async fn a_provider_that_is_down_for_two_requests_is_asked_again() {
    let hiccups = [
        Reply::error(500, "out of order", None),
        Reply::error(503, "overloaded", None),
        Reply::Garbage,
        Reply::EmptyChoices,
        Reply::CutBody,
        Reply::RateLimited { retry_after: Some("0".to_owned()) },
    ];
    each(hiccups, |hiccup| async move {
        let bench = Bench::new(Strategy::Sections).await;
        bench.fake.reply([hiccup.clone(), hiccup]);
        let run = bench.run().await;
        honest(&bench, &run).await;
        assert!(run.steps.iter().all(|s| s.status == StepStatus::Done), "{:?}", run.steps);
        assert!(run.post().degraded.is_empty(), "{:?}", run.post().degraded);
        assert_eq!(bench.fake.calls(), 8, "six questions, and two that failed");
        assert_eq!(
            bench.db.calls(bench.task).await.unwrap().len(),
            6,
            "what failed is no call of the report"
        );
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_stays_down_fails_the_task_and_keeps_what_was_done() {
    let bench = Bench::new(Strategy::Sections).await;
    bench.model(|asked| match asked {
        Asked::Outline => None,
        Asked::Section { heading, .. } if heading == crate::material::WORK => None,
        _ => Some(Reply::error(503, "out of order", None)),
    });
    let run = bench.run().await;
    failed(&bench, &run, FaultKind::Unavailable, "out of order").await;
    for kept in ["research", "outline", "draft/section-1"] {
        assert_eq!(run.step(kept).status, StepStatus::Done);
    }
    let broken = run.step("draft/section-2");
    assert_eq!((broken.status, broken.error.clone()), (StepStatus::Failed, Some(run.failure())));
    assert!(broken.attempts > 1, "it was tried again");

    // The provider is back.
    bench.fake.script(|body| model::good(&Asked::of(body)));
    let before = bench.requests();
    bench.db.by(&Act::OPERATOR).retry_task(bench.task, None).await.unwrap();
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert_eq!(run.step("draft/section-1").attempts, 1, "what was kept is not done again");
    let answered = bench.db.calls(bench.task).await.unwrap().len();
    assert_eq!(answered, 6);
    assert_eq!(bench.requests().len(), 6, "six questions; those of the first run: {before:?}");
}

#[tokio::test]
async fn a_refusal_for_good_is_not_repeated() {
    for (status, kind) in
        [(401, FaultKind::Unauthorised), (400, FaultKind::InvalidInput), (404, FaultKind::NotFound)]
    {
        let bench = Bench::new(Strategy::Sections).await;
        bench.fake.script(move |_| Reply::error(status, "no", None));
        let run = bench.run().await;
        let Finished::Failed(error) = &run.finished else { panic!("{:?}", run.finished) };
        assert_eq!(error.kind(), kind, "{error}");
        failed(&bench, &run, kind, "provider").await;
        assert_eq!(bench.fake.calls(), 1, "{status}");
    }
}

/// A good answer that was dear: a thousand tokens, two cents.
fn dear(asked: &Asked) -> Reply {
    let Reply::Text(text) = model::good(asked) else { panic!("a good answer is a text") };
    let choice =
        json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 1_000, "total_tokens": 1_010});
    Reply::Json(json!({"object": "chat.completion", "model": "large", "choices": [choice], "usage": usage}))
}

/// Tried with a meter without a cap: the test failed.
#[tokio::test]
async fn money_that_runs_out_stops_the_task_before_the_call_and_more_money_lets_it_go_on() {
    let mut bench = Bench::new(Strategy::Sections).await;
    bench.fake.script(|body| dear(&Asked::of(body)));
    bench.cap = Some(NanoUsd::from_usd(0.09));
    let run = bench.run().await;
    failed(&bench, &run, FaultKind::Budget, "budget.day_usd").await;
    let spent = bench.spent_today().await;
    assert!(spent > NanoUsd::ZERO && spent <= NanoUsd::from_usd(0.09), "{spent}");
    let (made, kept) =
        (bench.fake.calls(), run.steps.iter().filter(|s| s.status == StepStatus::Done).count());
    assert!((1..6).contains(&made) && kept >= 2, "{made} calls, {kept} steps");
    assert_eq!(
        bench.db.calls(bench.task).await.unwrap().len(),
        made,
        "each call that was made is paid and kept"
    );

    bench.cap = Some(NanoUsd::from_usd(5.0));
    bench.db.by(&Act::OPERATOR).retry_task(bench.task, None).await.unwrap();
    let run = bench.run().await;
    honest(&bench, &run).await;
    assert!(bench.requests().values().all(|n| *n == 1), "{:?}", bench.requests());
    assert_eq!(bench.fake.calls(), 6);
}

#[tokio::test]
async fn without_any_money_nothing_is_asked() {
    let mut bench = Bench::new(Strategy::Sections).await;
    bench.cap = Some(NanoUsd::from_usd(0.000_001));
    let run = bench.run().await;
    failed(&bench, &run, FaultKind::Budget, "Everything so far is kept").await;
    assert_eq!(bench.fake.calls(), 0);
    assert_eq!(run.step("research").status, StepStatus::Done);
}

/// Says when the first step is to be tried again.
struct Retried(Arc<Notify>);

impl Progress for Retried {
    fn event(&self, event: &Event) {
        if matches!(event, Event::StepRetry { .. }) {
            self.0.notify_one();
        }
    }
}

/// Tried by taking money that others have set aside for money that is spent: the test failed.
#[tokio::test]
async fn money_that_others_have_set_aside_is_waited_for() {
    let mut bench = Bench::new(Strategy::Sections).await;
    let all = NanoUsd::from_usd(5.0);
    bench.cap = Some(all);
    let today = bench.today();
    bench.db.take_slice(&today, "another", all, all, all).await.unwrap();
    let retried = Arc::new(Notify::new());
    let given_back = async {
        retried.notified().await;
        assert_eq!(bench.fake.calls(), 0, "nothing is asked without money");
        bench.db.give_back("another", &[Spend { account: today, amount: all }]).await.unwrap();
    };
    let run = bench.run_until(CancellationToken::new(), Arc::new(Retried(retried.clone())));
    let patience = Duration::from_secs(60);
    let (run, ()) = tokio::time::timeout(patience, async { tokio::join!(run, given_back) }).await.unwrap();
    honest(&bench, &run).await;
    assert_eq!(bench.fake.calls(), 6);
    assert!(run.steps.iter().all(|s| s.status == StepStatus::Done), "{:?}", run.steps);
}
