//! A meter between a real database and a fake provider.

use cofounder_domain::{Brief, NanoUsd, Price, StepPath, TaskId};
use cofounder_metering::{
    Budgets, Call, CallError, ChatRequest, ClientCall, Document, Message, Meter, MeterParts, Metered,
    Metrics, Payer, Role, Tally, Texts, TokenTerms, Verb,
};
use cofounder_providers::{
    Abilities, Ability, Limits, ModelSection, Models, NoEngine, ProviderSection, Router, RouterConfig,
    RouterSection,
};
use cofounder_storage::{Act, Claim, Claimed, Database, Location, Owner, PoolSettings, Terms};
use cofounder_testkit::{clock::ManualClock, postgres, provider::FakeProvider};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A token in costs a thousandth of a cent, one out two of them.
pub(crate) const PRICE: Price = Price { input: 10.0, output: 20.0, ..Price::FREE };

/// What the fake's usual answer costs: 10 tokens in, 5 out.
pub(crate) const EACH: NanoUsd = NanoUsd::new(10 * 10_000 + 5 * 20_000);

pub(crate) struct Bench {
    pub(crate) fake: FakeProvider,
    pub(crate) db: Arc<Database>,
    pub(crate) place: Location,
    pub(crate) meter: Arc<Meter>,
    pub(crate) metrics: Metrics,
    pub(crate) tally: Arc<Tally>,
    pub(crate) task: TaskId,
    pub(crate) run: Claimed,
    pub(crate) owner: Owner,
    folder: TempDir,
}

impl Bench {
    /// On SQLite.
    pub(crate) async fn new(budgets: Budgets) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Location::Sqlite(folder.path().join("db"));
        Self::at(place, budgets, folder).await
    }

    /// On PostgreSQL, if a server is installed.
    pub(crate) async fn postgres(budgets: Budgets) -> Option<Self> {
        let place = postgres::database()?.parse().unwrap();
        Some(Self::at(place, budgets, tempfile::tempdir().unwrap()).await)
    }

    async fn at(place: Location, budgets: Budgets, folder: TempDir) -> Self {
        let clock = Arc::new(ManualClock::default());
        let (db, _) = Database::migrate(&place, PoolSettings::default(), clock.clone()).await.unwrap();
        let (db, fake) = (Arc::new(db), FakeProvider::start().await.unwrap());
        let owner = Owner::new(&folder.path().join("owners")).unwrap();
        let (tally, metrics) = (Arc::new(Tally::default()), Metrics::default());
        let meter = meter(&fake, db.clone(), &owner, budgets, tally.clone(), metrics.clone());
        let brief = Brief::new("Why", 600, vec![], None).unwrap();
        let task = db.by(&Act::OPERATOR).create_task(&brief, &[], &Terms::default()).await.unwrap().id;
        let Claim::Got(run) = db.claim(task, &owner, Duration::from_secs(60), 1).await.unwrap() else {
            panic!("not claimed")
        };
        Self { fake, db, place, meter, metrics, tally, task, run, owner, folder }
    }

    /// Another process's meter over the same database.
    pub(crate) async fn another(&self, budgets: Budgets) -> (Arc<Meter>, Owner) {
        let clock = Arc::new(ManualClock::default());
        let db = Arc::new(Database::open(&self.place, PoolSettings::default(), clock).await.unwrap());
        let owner = Owner::new(&self.folder.path().join("owners")).unwrap();
        (meter(&self.fake, db, &owner, budgets, Arc::default(), Metrics::default()), owner)
    }

    pub(crate) async fn ask(&self, ordinal: u32, text: &str) -> Result<Metered, CallError> {
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

    /// What is used of the site's money today.
    pub(crate) async fn used_today(&self) -> NanoUsd {
        self.db.account(&today(&self.db)).await.unwrap().used
    }

    /// What is spent of it, as far as it is written down.
    pub(crate) async fn spent_today(&self) -> NanoUsd {
        self.db.account(&today(&self.db)).await.unwrap().spent
    }
}

pub(crate) fn today(db: &Database) -> cofounder_storage::Account {
    use cofounder_metering::{day, site};
    cofounder_storage::Account { scope: site(), period: day(db.now()) }
}

fn meter(
    fake: &FakeProvider,
    db: Arc<Database>,
    owner: &Owner,
    budgets: Budgets,
    tally: Arc<Tally>,
    metrics: Metrics,
) -> Arc<Meter> {
    let model = |price| ModelSection { price, ..ModelSection::default() };
    let able = [Ability::Chat, Ability::Stream, Ability::Vision, Ability::Embeddings, Ability::Images];
    let able = ModelSection { abilities: Some(Abilities(able.to_vec())), ..model(Some(PRICE)) };
    let models = [("large", model(Some(PRICE))), ("unpriced", model(None)), ("able", able)];
    let section = ProviderSection {
        base_url: Some(fake.url().parse().unwrap()),
        model: Models(models.map(|(name, section)| (name.to_owned(), section)).into()),
        limits: Limits { concurrency: Some(64), queue: Some(10_000), ..Limits::default() },
        ..ProviderSection::default()
    };
    let config = RouterConfig {
        providers: vec![("acme".to_owned(), section)],
        router: RouterSection {
            allow_paid: true,
            prefer: vec!["acme/large".to_owned()],
            ..RouterSection::default()
        },
        budget_enforced: budgets.any(),
        ..RouterConfig::default()
    };
    let router = Router::new(config, Arc::new(NoEngine), Arc::new(ManualClock::default())).unwrap();
    let (router, owner, texts) = (Arc::new(router), owner.id().to_owned(), Texts::default());
    Arc::new(Meter::new(MeterParts { db, router, owner, budgets, texts, tally, metrics }))
}

/// A day's cap alone.
pub(crate) fn daily(usd: f64) -> Budgets {
    Budgets { day: Some(NanoUsd::from_usd(usd)), ..Budgets::default() }
}

/// A client's question with this body.
pub(crate) fn client(body: &str, token: Option<TokenTerms>) -> ClientCall {
    ClientCall {
        verb: Verb::Chat,
        document: Arc::new(Document::parse(body.as_bytes()).unwrap()),
        role: Role::Chat,
        pin: Some("acme/large".to_owned()),
        payer: Payer { task: None, token },
        step: "gateway",
        deadline: None,
        patience: Duration::from_secs(60),
        stall: Duration::from_secs(30),
        cancel: CancellationToken::new(),
    }
}

pub(crate) const HELLO: &str =
    r#"{"model":"acme/large","messages":[{"role":"user","content":"hello"}],"max_tokens":100}"#;
