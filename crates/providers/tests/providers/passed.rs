//! What is told of the targets that a call went past.

use crate::stand::{ask, call, clocked, free, hello, section};
use async_trait::async_trait;
use cofounder_providers::{
    Answered, Attempt, Call, Document, Opened, ProviderError, Question, Router, Target, Verb, Witness,
};
use cofounder_testkit::{
    clock::ManualClock,
    provider::{FakeProvider, Reply},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Remembers what it is told of a call that failed; may have no money for a second request.
#[derive(Default)]
struct Ledger {
    passed: Vec<(String, String)>,
    poor: bool,
}

#[async_trait]
impl Witness for Ledger {
    async fn before(&mut self, _target: &Target) -> Result<(), ProviderError> {
        if self.poor { Err(ProviderError::Budget { why: "all is spent".to_owned() }) } else { Ok(()) }
    }

    fn after(&mut self, _attempt: &Attempt) {}

    fn passed(&mut self, target: &Target, why: &str) {
        self.passed.push((target.id(), why.to_owned()));
    }
}

struct Three {
    fakes: [FakeProvider; 3],
    router: Router,
    clock: Arc<ManualClock>,
}

/// `a`, `b` and `c`, in this order, the first with more lines.
async fn three(more: &str) -> Three {
    let start = async || FakeProvider::start().await.unwrap();
    let fakes = [start().await, start().await, start().await];
    let [a, b, c] = &fakes;
    let text = section("a", a, more) + &section("b", b, "") + &section("c", c, "");
    let (router, clock) = clocked(&(text + "[router]\nprefer = [\"a\", \"b\", \"c\"]\n"));
    Three { fakes, router, clock }
}

impl Three {
    /// Asks without patience.
    async fn ask(&self, ledger: &mut Ledger) -> Result<Answered, ProviderError> {
        let (route, request, cancel) = (free(&self.router), hello(), CancellationToken::new());
        self.router.ask(&call(&route, Question::Chat(&request), &cancel), ledger).await
    }

    async fn open(&self, ledger: &mut Ledger) -> Result<Opened, ProviderError> {
        let (route, cancel) = (free(&self.router), CancellationToken::new());
        let document = Document::parse(br#"{"messages":[{"role":"user","content":"Hello?"}]}"#).unwrap();
        self.router.open(&call(&route, Question::Document(Verb::Chat, &document), &cancel), ledger).await
    }
}

fn names(passed: &[(String, String)]) -> Vec<&str> {
    passed.iter().map(|(name, _)| name.as_str()).collect()
}

fn broken() -> Reply {
    Reply::error(500, "broken", None)
}

/// Tried by telling nothing of targets that rest: the test failed.
#[tokio::test]
async fn an_answer_says_which_targets_it_went_past_and_why() {
    let three = three("").await;
    let [a, b, _] = &three.fakes;
    a.script(|_| broken());
    b.reply([Reply::RateLimited { retry_after: Some("30".into()) }]);
    let answered = three.ask(&mut Ledger::default()).await.unwrap();
    assert_eq!(names(&answered.passed_over), ["a/m", "b/m"]);
    let whys = [&answered.passed_over[0].1, &answered.passed_over[1].1];
    assert!(whys[0].contains("broken") && whys[1].contains("slow down"), "{whys:?}");

    for _ in 0..2 {
        three.ask(&mut Ledger::default()).await.unwrap();
    }
    three.clock.advance(Duration::from_millis(1_500));
    let opened = three.open(&mut Ledger::default()).await.unwrap();
    let expected = [("a/m", "rests for 4 s after failures"), ("b/m", "asked for a pause of 29 s")];
    assert_eq!(opened.passed_over, expected.map(|(name, why)| (name.to_owned(), why.to_owned())));
}

/// Tried by telling of the target that answered, too: the test failed.
#[tokio::test]
async fn who_answers_in_the_end_was_not_passed_over() {
    let three = three("").await;
    let [a, b, c] = &three.fakes;
    assert_eq!(three.ask(&mut Ledger::default()).await.unwrap().passed_over, []);
    a.reply([broken(), Reply::text("at last")]);
    b.script(|_| broken());
    c.script(|_| Reply::error(401, "who?", None));
    let answered = ask(&three.router).await.unwrap();
    assert_eq!((answered.target.id().as_str(), names(&answered.passed_over)), ("a/m", vec!["b/m", "c/m"]));
}

/// Tried by telling it in the words of a failed request: the test failed.
#[tokio::test]
async fn a_busy_target_had_no_place() {
    let three = three("limits = { requests_per_minute = 1 }").await;
    three.ask(&mut Ledger::default()).await.unwrap();
    let answered = three.ask(&mut Ledger::default()).await.unwrap();
    assert_eq!(names(&answered.passed_over), ["a/m"]);
    let why = &answered.passed_over[0].1;
    assert!(why.starts_with("no place was free: the requests or tokens"), "{why}");
}

/// Tried by telling the witness nothing: the test failed.
#[tokio::test]
async fn of_a_call_that_fails_the_witness_is_told() {
    let three = three("").await;
    let mut ledger = Ledger::default();
    three.fakes[0].reply([broken()]);
    three.ask(&mut ledger).await.unwrap();
    assert_eq!(ledger.passed, []);
    three.fakes.iter().for_each(|fake| fake.script(|_| broken()));
    three.ask(&mut ledger).await.unwrap_err();
    assert_eq!(names(&ledger.passed), ["a/m", "b/m", "c/m"], "each once");
    assert!(ledger.passed.iter().all(|(_, why)| why.contains("broken")), "{:?}", ledger.passed);

    let mut poor = Ledger { poor: true, ..Ledger::default() };
    three.open(&mut poor).await.unwrap_err();
    assert_eq!(names(&poor.passed), ["a/m", "b/m", "c/m"]);
    assert!(poor.passed[0].1.contains("broken") && poor.passed[1].1.contains("all is spent"));
}

/// Tried by telling of a rest what a request of the same call had told before: the test failed.
#[tokio::test]
async fn a_failed_request_says_more_than_the_rest_that_it_leads_to() {
    let three = three("").await;
    three.fakes[0].script(|_| broken());
    for _ in 0..2 {
        three.ask(&mut Ledger::default()).await.unwrap();
    }
    three.fakes.iter().for_each(|fake| fake.script(|_| broken()));
    let (route, request, cancel) = (free(&three.router), hello(), CancellationToken::new());
    let patient = Duration::from_secs(2);
    let call = Call { patience: patient, ..call(&route, Question::Chat(&request), &cancel) };
    let mut ledger = Ledger::default();
    three.router.ask(&call, &mut ledger).await.unwrap_err();
    assert!(ledger.passed.iter().all(|(_, why)| why.contains("broken")), "{:?}", ledger.passed);
    let calls = [&three.fakes[0], &three.fakes[1]].map(FakeProvider::calls);
    assert_eq!(calls, [3, 4], "the first one rests in the second round");
}
