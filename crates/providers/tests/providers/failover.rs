//! Another target first, then the same once more.

use crate::stand::{ask, clocked, config, free, hello, observed, pinned, router, section};
use async_trait::async_trait;
use cofounder_domain::FaultKind;
use cofounder_providers::{Attempt, Call, Document, ProviderError, Question, Router, Target, Verb, Witness};
use cofounder_testkit::{
    clock::ManualClock,
    provider::{FakeProvider, Reply, Wire},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Remembers each attempt.
#[derive(Default)]
struct Seen(Vec<Attempt>);

#[async_trait]
impl Witness for Seen {
    async fn before(&mut self, _target: &Target) -> Result<(), ProviderError> {
        Ok(())
    }

    fn after(&mut self, attempt: &Attempt) {
        self.0.push(attempt.clone());
    }
}

async fn pair() -> (FakeProvider, FakeProvider, Router, Arc<ManualClock>) {
    let (a, b) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
    let text = section("a", &a, "") + &section("b", &b, "") + "[router]\nprefer = [\"a\", \"b\"]\n";
    let (router, clock) = clocked(&text);
    (a, b, router, clock)
}

fn down() -> Reply {
    Reply::error(503, "down", None)
}

#[tokio::test]
async fn another_target_is_asked_before_the_same_one_twice() {
    let (a, b, router, _) = pair().await;
    a.reply([down(), Reply::text("at last")]);
    b.reply([down()]);
    let answered = ask(&router).await.unwrap();
    let order: Vec<_> = answered.attempts.iter().map(|attempt| attempt.target.as_str()).collect();
    assert_eq!(order, ["a/m", "b/m", "a/m"]);
    assert_eq!((answered.answer.text.as_str(), answered.target.id().as_str()), ("at last", "a/m"));
}

#[tokio::test]
async fn two_rounds_are_all() {
    let (a, b, router, _) = pair().await;
    a.script(|_| down());
    b.script(|_| down());
    let (outcome, seen) = observed(&router, &hello()).await;
    assert_eq!(outcome.unwrap_err().kind(), FaultKind::Unavailable);
    assert_eq!((seen.len(), a.calls(), b.calls()), (4, 2, 2));
}

#[tokio::test]
async fn a_refused_key_moves_on_and_is_not_tried_again() {
    let (a, b, router, _) = pair().await;
    a.script(|_| Reply::error(401, "who?", None));
    b.reply([down(), Reply::text("ok")]);
    assert_eq!(ask(&router).await.unwrap().target.id(), "b/m");
    assert_eq!((a.calls(), b.calls()), (1, 2));
}

#[tokio::test]
async fn what_waiting_can_mend_is_told_before_what_it_cannot() {
    let (a, b, router, _) = pair().await;
    a.script(|_| down());
    b.script(|_| Reply::error(401, "who?", None));
    assert_eq!(ask(&router).await.unwrap_err().kind(), FaultKind::Unavailable);
}

#[tokio::test]
async fn a_request_that_is_wrong_is_wrong_everywhere() {
    let (a, b, router, _) = pair().await;
    a.reply([Reply::error(400, "no such parameter", None)]);
    assert!(matches!(ask(&router).await, Err(ProviderError::InvalidRequest { .. })));
    assert_eq!((a.calls(), b.calls()), (1, 0));
}

#[tokio::test]
async fn a_request_too_long_for_one_may_fit_another() {
    let (a, b, router, _) = pair().await;
    a.reply([Reply::error(400, "context length exceeded", Some("context_length_exceeded"))]);
    assert_eq!(ask(&router).await.unwrap().target.id(), "b/m");
    assert_eq!((a.calls(), b.calls()), (1, 1));
}

#[tokio::test]
async fn a_limited_target_is_left_alone_until_its_time_has_come() {
    let (a, b, router, clock) = pair().await;
    a.reply([Reply::RateLimited { retry_after: Some("30".into()) }]);
    for _ in 0..3 {
        assert_eq!(ask(&router).await.unwrap().target.id(), "b/m");
    }
    assert_eq!((a.calls(), b.calls()), (1, 3));
    clock.advance(Duration::from_secs(30));
    assert_eq!(ask(&router).await.unwrap().target.id(), "a/m");
}

#[tokio::test]
async fn limits_do_not_open_the_breaker() {
    let (a, b, router, clock) = pair().await;
    b.script(|_| Reply::error(401, "who?", None));
    a.script(|_| Reply::RateLimited { retry_after: None });
    for _ in 0..5 {
        let error = ask(&router).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::Limited);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(a.calls(), 5);
}

#[tokio::test]
async fn a_short_pause_is_waited_for() {
    let fake = FakeProvider::start().await.unwrap();
    let config = config(&section("acme", &fake, ""));
    let clock = Arc::new(cofounder_domain::SystemClock);
    let router = Router::new(config, Arc::new(cofounder_providers::NoEngine), clock).unwrap();
    fake.reply([Reply::RateLimited { retry_after: Some("1".into()) }]);
    assert_eq!(ask(&router).await.unwrap().answer.text, "ok");
    assert_eq!(fake.calls(), 2);
}

#[tokio::test]
async fn another_model_of_the_same_provider_gets_a_key_of_its_own() {
    let fake = FakeProvider::start().await.unwrap();
    let router = router(config(&(section("acme", &fake, "") + "[provider.acme.model.n]\n")));
    fake.reply([down(), down()]);
    ask(&router).await.unwrap();
    let keys: Vec<_> = fake.seen().iter().map(|seen| seen.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys, ["key-1", "key-1/n", "key-1"]);
}

#[tokio::test]
async fn a_pinned_model_that_fails_is_not_replaced() {
    let (a, b, router, _) = pair().await;
    a.script(|_| down());
    let route = pinned(&router, "a/m").unwrap();
    let error =
        router.chat(&route, &hello(), "", None, &CancellationToken::new(), &mut |_| ()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }));
    assert_eq!((a.calls(), b.calls()), (2, 0));
    assert!(!a.seen()[0].headers.contains_key("idempotency-key"));
}

/// Tried by ending the call at a question that only one protocol cannot express: the test failed.
#[tokio::test]
async fn what_one_protocol_cannot_express_another_can() {
    let (a, b) =
        (FakeProvider::start_as(Wire::Anthropic).await.unwrap(), FakeProvider::start().await.unwrap());
    let text = section("a", &a, "dialect = \"anthropic\"") + &section("b", &b, "");
    let router = router(config(&text));
    let document =
        Document::parse(br#"{"model":"x","messages":[{"role":"user","content":"?"}],"logprobs":true}"#)
            .unwrap();
    let (route, cancel) = (free(&router), CancellationToken::new());
    let call = Call {
        route: &route,
        question: Question::Document(Verb::Chat, &document),
        key: "",
        caller: "me".into(),
        bound: None,
        deadline: None,
        patience: Duration::from_secs(1),
        waits_it_out: true,
        cancel: &cancel,
    };
    let mut seen = Seen::default();
    let answered = router.ask(&call, &mut seen).await.unwrap();
    assert_eq!(answered.target.id(), "b/m");
    assert_eq!((a.seen().len(), seen.0.len()), (0, 1), "nobody was asked what he does not understand");
}

/// Tried by letting any caller with patience wait for its deadline: it waited for ten minutes.
#[tokio::test]
async fn who_does_not_wait_it_out_waits_as_long_as_its_patience_for_the_only_target() {
    let a = FakeProvider::start().await.unwrap();
    a.script(|_| Reply::Hang);
    let router = router(config(&section("a", &a, "limits = { concurrency = 1 }")));
    let (route, cancel) = (free(&router), CancellationToken::new());
    let document = Document::parse(br#"{"messages":[{"role":"user","content":"?"}]}"#).unwrap();
    let call = || Call {
        route: &route,
        question: Question::Document(Verb::Chat, &document),
        key: "",
        caller: "me".into(),
        bound: None,
        deadline: Some(Instant::now() + Duration::from_mins(10)),
        patience: Duration::from_secs(3),
        waits_it_out: false,
        cancel: &cancel,
    };
    let (held, waits) = (call(), call());
    let (mut one, mut two) = (Seen::default(), Seen::default());
    let begun = Instant::now();
    let told = tokio::select! {
        _ = router.ask(&held, &mut one) => panic!("it hangs"),
        told = async {
            while a.open() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            router.ask(&waits, &mut two).await
        } => told.unwrap_err(),
    };
    assert!(matches!(told, ProviderError::Limited { .. }), "{told}");
    assert!(begun.elapsed() < Duration::from_mins(1));
}
