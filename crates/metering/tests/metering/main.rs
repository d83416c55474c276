//! The meter between a real database and a fake provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

use cofounder_domain::{Brief, FaultKind, NanoUsd, Price, StepPath, TaskId};
use cofounder_metering::{Call, CallError, ChatRequest, Message, Meter, Metered, Role, Tally};
use cofounder_providers::{
    ModelSection, Models, NoEngine, ProviderSection, Router, RouterConfig, RouterSection,
};
use cofounder_storage::{Claim, Claimed, Database, Location, Owner, PoolSettings, Terms};
use cofounder_testkit::{
    clock::ManualClock,
    provider::{FakeProvider, Reply},
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

struct Bench {
    fake: FakeProvider,
    db: Arc<Database>,
    meter: Meter,
    tally: Arc<Tally>,
    task: TaskId,
    run: Claimed,
    _folder: TempDir,
}

/// A token in costs a thousandth of a cent, one out two of them.
const PRICE: Price = Price { input: 10.0, cached_input: None, output: 20.0 };

impl Bench {
    async fn new(cap: Option<NanoUsd>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let place = Location::Sqlite(folder.path().join("db"));
        let db = Arc::new(Database::open(&place, PoolSettings::default(), clock.clone()).await.unwrap());
        let fake = FakeProvider::start().await.unwrap();
        let model = ModelSection { price: Some(PRICE), ..ModelSection::default() };
        let section = ProviderSection {
            base_url: Some(fake.url().parse().unwrap()),
            model: Models(vec![("large".to_owned(), model)]),
            ..ProviderSection::default()
        };
        let config = RouterConfig {
            providers: vec![("acme".to_owned(), section)],
            router: RouterSection { allow_paid: true, ..RouterSection::default() },
            budget_enforced: cap.is_some(),
            ..RouterConfig::default()
        };
        let router = Arc::new(Router::new(config, Arc::new(NoEngine), clock).unwrap());
        let tally = Arc::new(Tally::default());
        let meter = Meter::new(db.clone(), router, cap, tally.clone());
        let brief = Brief::new("Why", 600, vec![], None).unwrap();
        let task = db.create_task(&brief, &[], &Terms::default()).await.unwrap().id;
        let owner = Owner::new(&folder.path().join("owners")).unwrap();
        let Claim::Got(run) = db.claim(task, &owner, Duration::from_secs(60), 1).await.unwrap() else {
            panic!("not claimed")
        };
        Self { fake, db, meter, tally, task, run, _folder: folder }
    }

    async fn ask(&self, ordinal: u32, text: &str) -> Result<Metered, CallError> {
        let request = ChatRequest {
            messages: vec![Message::user(text)],
            max_tokens: Some(100),
            ..ChatRequest::default()
        };
        let call = Call {
            run: Some(&self.run),
            step: &StepPath::new("outline"),
            ordinal,
            role: Role::Outline,
            pin: None,
            request,
            cancel: CancellationToken::new(),
            deadline: None,
        };
        self.meter.chat(call).await
    }
}

/// Tried by leaving out the look into the journal: the test failed.
#[tokio::test]
async fn the_same_question_is_asked_once_and_another_one_again() {
    let bench = Bench::new(None).await;
    bench.fake.reply([Reply::text("one"), Reply::text("two"), Reply::text("three")]);
    let first = bench.ask(0, "q").await.unwrap();
    let again = bench.ask(0, "q").await.unwrap();
    assert_eq!((again.text.as_str(), again.replayed, again.cost), ("one", true, first.cost));
    assert_eq!(bench.ask(1, "q").await.unwrap().text, "two", "another ordinal is another question");
    assert_eq!(bench.ask(0, "r").await.unwrap().text, "three");
    assert_eq!(bench.fake.calls(), 3);
    let keys: std::collections::HashSet<_> =
        bench.fake.seen().iter().map(|s| s.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 3);
    let took = bench.tally.of(&StepPath::new("outline"));
    assert_eq!((took.calls, took.replayed), (3, 1));
}

#[tokio::test]
async fn a_call_is_paid_by_its_tokens_and_the_ledger_has_it() {
    let bench = Bench::new(None).await;
    bench.fake.reply([Reply::text("four words are here")]);
    let answer = bench.ask(0, "q").await.unwrap();
    assert_eq!(answer.cost, PRICE.cost(answer.usage.tokens_in, 0, answer.usage.tokens_out));
    assert!(answer.cost > NanoUsd::ZERO && answer.usage.measured);
    let calls = bench.db.calls(bench.task).await.unwrap();
    assert_eq!((calls.len(), calls[0].model.as_str()), (1, "acme/large"));
    assert_eq!(bench.db.spent(bench.task).await.unwrap().cost, answer.cost);
}

/// Tried by settling with the worst case: the second call was refused, and the test failed.
#[tokio::test]
async fn a_budget_refuses_before_the_call_and_gives_back_what_was_not_spent() {
    // The worst case of a call is about 17 + 100 tokens: 0.0022 dollars.
    let bench = Bench::new(Some(NanoUsd::from_usd(0.0025))).await;
    bench.fake.reply([Reply::text("short"), Reply::text("short")]);
    bench.ask(0, "q").await.unwrap();
    bench.ask(1, "q").await.unwrap();
    let poor = Bench::new(Some(NanoUsd::from_usd(0.001))).await;
    let error = poor.ask(0, "q").await.unwrap_err();
    assert_eq!((error.kind(), poor.fake.calls()), (FaultKind::Budget, 0));
    assert!(error.to_string().contains("budget.day_usd"), "{error}");
    assert_eq!(poor.db.spent_today().await.unwrap(), NanoUsd::ZERO);
}

#[tokio::test]
async fn a_failed_call_costs_nothing_and_is_asked_again() {
    let bench = Bench::new(Some(NanoUsd::from_usd(0.01))).await;
    bench.fake.reply([Reply::error(400, "no", None), Reply::text("yes")]);
    assert_eq!(bench.ask(0, "q").await.unwrap_err().kind(), FaultKind::InvalidInput);
    assert_eq!(bench.db.spent_today().await.unwrap(), NanoUsd::ZERO);
    assert_eq!(bench.ask(0, "q").await.unwrap().text, "yes");
    assert_eq!(bench.db.spent(bench.task).await.unwrap().calls, 1);
}

#[tokio::test]
async fn a_call_that_was_dropped_counts_as_unfinished_and_its_money_as_spent() {
    let bench = Bench::new(Some(NanoUsd::from_usd(0.01))).await;
    bench.fake.reply([Reply::Hang]);
    let gone = tokio::time::timeout(Duration::from_millis(300), bench.ask(0, "q")).await;
    assert!(gone.is_err());
    assert_eq!(bench.db.spent(bench.task).await.unwrap().unfinished, 1);
    assert!(bench.db.spent_today().await.unwrap() > NanoUsd::ZERO);
}
