//! The breaker, by a clock that is set by hand, and what a person is told of it.

use crate::stand::{ask, clocked, hello, pinned, section};
use cofounder_domain::FaultKind;
use cofounder_providers::{Router, TargetState};
use cofounder_testkit::provider::{FakeProvider, Reply};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn state(router: &Router) -> TargetState {
    router.health()[0].targets[0].state
}

fn resting(seconds: u64) -> TargetState {
    TargetState::Resting(Duration::from_secs(seconds))
}

#[tokio::test]
async fn three_failures_open_it_and_each_failed_probe_doubles_the_rest() {
    let fake = FakeProvider::start().await.unwrap();
    let (router, clock) = clocked(&section("acme", &fake, ""));
    fake.script(|_| Reply::error(500, "broken", None));
    ask(&router).await.unwrap_err();
    assert_eq!((fake.calls(), state(&router)), (2, TargetState::Ready));
    ask(&router).await.unwrap_err();
    assert_eq!((fake.calls(), state(&router)), (3, resting(5)), "the third failure opens it");

    let error = ask(&router).await.unwrap_err();
    assert_eq!((fake.calls(), error.kind()), (3, FaultKind::Unavailable), "nobody is asked while it is open");
    assert!(error.to_string().contains("rests for 5 s") && error.to_string().contains("broken"), "{error}");

    clock.advance(Duration::from_secs(5));
    ask(&router).await.unwrap_err();
    assert_eq!((fake.calls(), state(&router)), (4, resting(10)), "one probe");

    clock.advance(Duration::from_secs(10));
    fake.script(|_| Reply::text("back"));
    assert_eq!(ask(&router).await.unwrap().answer.text, "back");
    assert_eq!(state(&router), TargetState::Ready);
    assert_eq!(router.health()[0].targets[0].last_error, None);
}

#[tokio::test]
async fn an_answer_in_between_starts_the_count_again() {
    let fake = FakeProvider::start().await.unwrap();
    let (router, _) = clocked(&section("acme", &fake, ""));
    for _ in 0..3 {
        fake.reply([Reply::error(500, "broken", None)]);
        ask(&router).await.unwrap();
    }
    assert_eq!((fake.calls(), state(&router)), (6, TargetState::Ready));
}

#[tokio::test]
async fn refusals_say_nothing_about_health() {
    let fake = FakeProvider::start().await.unwrap();
    let (router, _) = clocked(&section("acme", &fake, ""));
    for status in [400, 401, 404, 400, 401, 404] {
        fake.reply([Reply::error(status, "no", None)]);
        ask(&router).await.unwrap_err();
    }
    assert_eq!((fake.calls(), state(&router)), (6, TargetState::Ready));
}

#[tokio::test]
async fn a_pause_is_shown() {
    let fake = FakeProvider::start().await.unwrap();
    let (router, _) = clocked(&section("acme", &fake, ""));
    fake.reply([Reply::RateLimited { retry_after: Some("40".into()) }]);
    ask(&router).await.unwrap_err();
    assert_eq!(state(&router), TargetState::Cooling(Duration::from_secs(40)));
    let shown = serde_json::to_value(router.health()).unwrap();
    assert_eq!(shown[0]["targets"][0]["target"], "acme/m");
}

/// Tried by probing targets that do not rest: the test failed.
#[tokio::test]
async fn a_probe_brings_a_target_back_without_a_call_and_leaves_others_alone() {
    let fake = FakeProvider::start().await.unwrap();
    let (router, clock) = clocked(&section("acme", &fake, ""));
    let lists = || fake.seen().iter().filter(|seen| seen.path.ends_with("/models")).count();
    router.probe().await;
    assert_eq!(lists(), 0, "nobody rests");
    fake.script(|_| Reply::error(500, "broken", None));
    ask(&router).await.unwrap_err();
    ask(&router).await.unwrap_err();
    router.probe().await;
    assert_eq!((lists(), state(&router)), (0, resting(5)), "the rest is not over");
    clock.advance(Duration::from_secs(5));
    router.probe().await;
    assert_eq!((lists(), fake.calls(), state(&router)), (1, 3, TargetState::Ready));
}

/// Tried by keeping a breaker for each name that was asked for: the test failed.
#[tokio::test]
async fn of_names_that_nobody_configured_only_those_that_fail_are_known() {
    let fake = FakeProvider::start().await.unwrap();
    let (router, _) = clocked(&format!("[provider.acme]\nbase_url = \"{}\"\n", fake.url()));
    let ask = async |model: &str| {
        let route = pinned(&router, &format!("acme/{model}")).unwrap();
        router.chat(&route, &hello(), "", None, &CancellationToken::new(), &mut |_| ()).await
    };
    ask("works").await.unwrap();
    fake.reply([Reply::error(404, "no such model", None)]);
    ask("nobody-knows").await.unwrap_err();
    fake.script(|_| Reply::error(500, "broken", None));
    ask("fails").await.unwrap_err();
    let known: Vec<_> = router.health().remove(0).targets.into_iter().map(|t| t.target).collect();
    assert_eq!(known, ["acme/fails"]);
}
