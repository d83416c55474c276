//! Time-outs, deadlines and cancellation.

use crate::stand::{ask, clocked, config, free, hello, observed, router, section};
use cofounder_providers::{Outcome, ProviderError, Stage, TargetState};
use cofounder_testkit::provider::{FakeProvider, Reply};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

async fn waits_for(timeouts: &str) -> ProviderError {
    let fake = FakeProvider::start().await.unwrap();
    fake.script(|_| Reply::Hang);
    ask(&router(config(&section("acme", &fake, &format!("timeouts = {{ {timeouts} }}"))))).await.unwrap_err()
}

#[tokio::test]
async fn each_stage_has_its_own_time() {
    assert_eq!(waits_for("first_token_ms = 100").await, ProviderError::Timeout { stage: Stage::FirstToken });
    assert_eq!(waits_for("total_ms = 100").await, ProviderError::Timeout { stage: Stage::Total });
}

#[tokio::test]
async fn an_answer_that_stands_still_is_given_up() {
    let fake = FakeProvider::start().await.unwrap();
    fake.script(|_| Reply::StallBody);
    let error =
        ask(&router(config(&section("acme", &fake, "timeouts = { idle_ms = 200 }")))).await.unwrap_err();
    assert_eq!(error, ProviderError::Timeout { stage: Stage::Idle });
}

#[tokio::test]
async fn a_models_times_override_its_providers() {
    let fake = FakeProvider::start().await.unwrap();
    let text = section("acme", &fake, "timeouts = { total_ms = 100 }") + "timeouts = { total_ms = 60000 }\n";
    fake.reply([Reply::Late(1000, "late".to_owned())]);
    assert_eq!(ask(&router(config(&text))).await.unwrap().answer.text, "late");
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn the_deadline_ends_everything_and_is_not_held_against_the_target() {
    let fake = FakeProvider::start().await.unwrap();
    fake.script(|_| Reply::Hang);
    let (router, _) = clocked(&section("acme", &fake, ""));
    let begun = Instant::now();
    for _ in 0..4 {
        let deadline = Some(Instant::now() + Duration::from_millis(100));
        let outcome =
            router.chat(&free(&router), &hello(), "", deadline, &CancellationToken::new(), &mut |_| ()).await;
        assert_eq!(outcome.unwrap_err(), ProviderError::Timeout { stage: Stage::Deadline });
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!((fake.calls(), router.health()[0].targets[0].state), (4, TargetState::Ready));
}

#[tokio::test]
async fn a_deadline_that_is_too_near_for_another_round_leaves_the_real_error() {
    let fake = FakeProvider::start().await.unwrap();
    fake.script(|_| Reply::RateLimited { retry_after: Some("4".into()) });
    let router = router(config(&section("acme", &fake, "")));
    let deadline = Some(Instant::now() + Duration::from_secs(2));
    let outcome =
        router.chat(&free(&router), &hello(), "", deadline, &CancellationToken::new(), &mut |_| ()).await;
    assert_eq!(outcome.unwrap_err().retry_after(), Some(Duration::from_secs(4)));
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once_and_gives_its_connection_up() {
    let fake = FakeProvider::start().await.unwrap();
    fake.script(|_| Reply::Hang);
    let router = Arc::new(router(config(&section("acme", &fake, ""))));
    let cancel = CancellationToken::new();
    let (asking, token) = (Arc::clone(&router), cancel.clone());
    let call = tokio::spawn(async move {
        let (route, mut seen) = (free(&asking), Vec::new());
        let outcome =
            asking.chat(&route, &hello(), "", None, &token, &mut |attempt| seen.push(attempt)).await;
        (outcome, seen)
    });
    until(|| fake.open() == 1).await;
    let cancelled = Instant::now();
    cancel.cancel();
    let (outcome, seen) = call.await.unwrap();
    assert_eq!(outcome.unwrap_err(), ProviderError::Cancelled);
    assert!(cancelled.elapsed() < Duration::from_secs(1));
    assert!(matches!(&seen[0].outcome, Outcome::Failed { .. }), "the attempt that was under way is told");
    until(|| fake.open() == 0).await;
    assert_eq!(router.health()[0].targets[0].state, TargetState::Ready);
}

#[tokio::test]
async fn a_call_that_was_cancelled_before_asks_nobody() {
    let fake = FakeProvider::start().await.unwrap();
    let router = router(config(&section("acme", &fake, "")));
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = router.chat(&free(&router), &hello(), "", None, &cancel, &mut |_| ()).await;
    assert_eq!((outcome.unwrap_err(), fake.calls()), (ProviderError::Cancelled, 0));
}

#[tokio::test]
async fn a_slow_answer_within_its_time_is_an_answer() {
    let fake = FakeProvider::start().await.unwrap();
    fake.reply([Reply::Late(300, "late".to_owned())]);
    let (outcome, seen) = observed(&router(config(&section("acme", &fake, ""))), &hello()).await;
    assert_eq!(outcome.unwrap().answer.text, "late");
    assert!(seen[0].ms >= 300, "{}", seen[0].ms);
}

async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it never came to be");
}
