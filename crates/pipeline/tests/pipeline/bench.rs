//! One task on a real database, with a fake provider behind a real router and meter.

use cofounder_domain::{Brief, NanoUsd, Post, Price, Report, SystemClock, TaskId};
use cofounder_executor::{Event, Executor, Finished, Progress, Settings as Times, Trial};
use cofounder_metering::{Budgets, Meter, MeterParts, Metrics, Tally, Texts, day, site};
use cofounder_pipeline::{Settings, Strategy, WritePost};
use cofounder_providers::{
    ModelSection, Models, NoEngine, ProviderSection, Router, RouterConfig, RouterSection,
};
use cofounder_research::{Fetcher, Limits, read_path};
use cofounder_storage::{
    Account, Act, Database, Location, NewSource, Owner, PoolSettings, StepRecord, Terms,
};
use cofounder_testkit::provider::{FakeProvider, Reply};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{material, model, model::Asked};

/// What a model costs here, in dollars per million tokens.
const PRICE: Price = Price { input: 10.0, output: 20.0, ..Price::FREE };

/// One task and all that it needs.
pub(crate) struct Bench {
    pub(crate) fake: FakeProvider,
    pub(crate) db: Arc<Database>,
    pub(crate) task: TaskId,
    pub(crate) strategy: Strategy,
    /// The day's money.
    pub(crate) cap: Option<NanoUsd>,
    folder: TempDir,
}

impl Bench {
    /// A task of 150 words on the mill, from its guide.
    pub(crate) async fn new(strategy: Strategy) -> Self {
        Self::with(strategy, 150, &[("guide.md", &material::source())]).await
    }

    /// A task with these files as its sources. The model behind it is a good one.
    pub(crate) async fn with(strategy: Strategy, words: u64, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut sources = Vec::new();
        let mut named = Vec::new();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let reading = read_path(&path, &Limits::default()).await.unwrap();
            sources.extend(
                reading
                    .documents
                    .into_iter()
                    .map(|d| NewSource { source: d.source, bytes: d.bytes.to_vec() }),
            );
            named.push(path.display().to_string());
        }
        let db = Database::open(
            &Location::Sqlite(folder.path().join("db")),
            PoolSettings::default(),
            Arc::new(SystemClock),
        )
        .await
        .unwrap();
        let brief = Brief::new(material::TOPIC, words, named, None).unwrap();
        let task = db.by(&Act::OPERATOR).create_task(&brief, &sources, &Terms::default()).await.unwrap().id;
        let fake = FakeProvider::start().await.unwrap();
        fake.script(|body| model::good(&Asked::of(body)));
        Self { fake, db: Arc::new(db), task, strategy, cap: None, folder }
    }

    /// Answers what `answer` has an answer for; the rest is left to a good model.
    pub(crate) fn model(&self, mut answer: impl FnMut(&Asked) -> Option<Reply> + Send + 'static) {
        self.fake.script(move |body| {
            let asked = Asked::of(body);
            answer(&asked).unwrap_or_else(|| model::good(&asked))
        });
    }

    /// Runs the task as a fresh process would: with an owner, a router and a meter of its own.
    pub(crate) async fn run(&self) -> Run {
        self.run_until(CancellationToken::new(), Arc::new(cofounder_executor::Silent)).await
    }

    /// As [`Self::run`]; stops when `cancel` says so.
    pub(crate) async fn run_until(&self, cancel: CancellationToken, progress: Arc<dyn Progress>) -> Run {
        self.run_on_trial(cancel, progress, None).await
    }

    /// As [`Self::run_until`], with somebody who interferes with its steps.
    pub(crate) async fn run_on_trial(
        &self,
        cancel: CancellationToken,
        progress: Arc<dyn Progress>,
        trial: Option<Arc<dyn Trial>>,
    ) -> Run {
        let times = Times { retry_pause: Duration::from_millis(5), ..Times::default() };
        let owner = Owner::new(&self.folder.path().join("owners")).unwrap();
        let owner_name = owner.id().to_owned();
        let executor = Executor::new(self.db.clone(), owner, times);
        let executor = match trial {
            Some(trial) => executor.with_trial(trial),
            None => executor,
        };
        let workflow = self.workflow(owner_name);
        let finished = executor.run(self.task, &workflow, progress, &cancel).await.unwrap();
        workflow.meter.close().await.unwrap();
        let post = self.db.task_post(self.task).await.unwrap();
        let report = match &post {
            Some(post) => Some(self.db.report(post).await.unwrap()),
            None => None,
        };
        let steps = self.db.steps(self.task).await.unwrap();
        Run { finished, post, report, steps }
    }

    /// Runs until the step of this path ended.
    pub(crate) async fn run_until_step(&self, path: &str) -> Run {
        let cancel = CancellationToken::new();
        let stop = StopAfter { path: path.to_owned(), cancel: cancel.clone() };
        self.run_until(cancel, Arc::new(stop)).await
    }

    fn workflow(&self, owner: String) -> WritePost {
        let model = ModelSection { price: Some(PRICE), ..ModelSection::default() };
        let section = ProviderSection {
            base_url: Some(self.fake.url().parse().unwrap()),
            model: Models(vec![("large".to_owned(), model)]),
            ..ProviderSection::default()
        };
        let config = RouterConfig {
            providers: vec![("acme".to_owned(), section)],
            router: RouterSection { allow_paid: true, ..RouterSection::default() },
            budget_enforced: self.cap.is_some(),
            ..RouterConfig::default()
        };
        let router = Arc::new(Router::new(config, Arc::new(NoEngine), Arc::new(SystemClock)).unwrap());
        let meter = Meter::new(MeterParts {
            db: self.db.clone(),
            router,
            owner,
            budgets: Budgets { day: self.cap, ..Budgets::default() },
            texts: Texts::default(),
            tally: Arc::new(Tally::default()),
            metrics: Metrics::default(),
        });
        WritePost {
            db: self.db.clone(),
            meter: Arc::new(meter),
            fetcher: Arc::new(Fetcher::new(Default::default())),
            settings: Settings { strategy: self.strategy, rails: Default::default() },
        }
    }

    /// What is spent of today's money.
    pub(crate) async fn spent_today(&self) -> NanoUsd {
        self.db.account(&self.today()).await.unwrap().spent
    }

    /// Today's money.
    pub(crate) fn today(&self) -> Account {
        Account { scope: site(), period: day(self.db.now()) }
    }

    /// Everything that the model was shown.
    pub(crate) fn shown(&self) -> String {
        self.fake.seen().iter().map(|seen| seen.body.to_string() + "\n").collect()
    }

    /// How often each request was made, by its key.
    pub(crate) fn requests(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for seen in self.fake.seen().iter().filter(|s| s.path.ends_with("/chat/completions")) {
            *counts.entry(seen.headers["idempotency-key"].clone()).or_default() += 1;
        }
        counts
    }

    /// How many questions were of this kind.
    pub(crate) fn asked(&self, kind: impl Fn(&Asked) -> bool) -> usize {
        model::questions(&self.fake.seen()).iter().filter(|asked| kind(asked)).count()
    }
}

/// How a run ended, and what is stored then.
pub(crate) struct Run {
    pub(crate) finished: Finished,
    pub(crate) post: Option<Post>,
    pub(crate) report: Option<Report>,
    pub(crate) steps: Vec<StepRecord>,
}

impl Run {
    pub(crate) fn post(&self) -> &Post {
        self.post.as_ref().unwrap_or_else(|| panic!("no post: {:?}", self.finished))
    }

    pub(crate) fn report(&self) -> &Report {
        self.report.as_ref().unwrap_or_else(|| panic!("no report: {:?}", self.finished))
    }

    /// The step of this path.
    pub(crate) fn step(&self, path: &str) -> &StepRecord {
        let found = self.steps.iter().find(|s| s.name.as_str() == path);
        found.unwrap_or_else(|| panic!("no step {path}: {:?}", self.finished))
    }

    /// Why a run failed.
    pub(crate) fn failure(&self) -> String {
        match &self.finished {
            Finished::Failed(error) => error.to_string(),
            other => panic!("it should fail: {other:?}"),
        }
    }
}

/// Stops the run when a step ended.
struct StopAfter {
    path: String,
    cancel: CancellationToken,
}

impl Progress for StopAfter {
    fn event(&self, event: &Event) {
        if matches!(event, Event::StepFinished { path, .. } if path.as_str() == self.path) {
            self.cancel.cancel();
        }
    }
}

/// Checks every case, all at the same time, and names those that fail.
pub(crate) async fn each<T, F>(cases: impl IntoIterator<Item = T>, check: impl Fn(T) -> F)
where
    T: std::fmt::Debug,
    F: Future<Output = ()> + Send + 'static,
{
    let begun: Vec<_> =
        cases.into_iter().map(|case| (format!("{case:?}"), tokio::spawn(check(case)))).collect();
    let mut failed = Vec::new();
    for (name, running) in begun {
        if running.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{} failed, see above:\n{}", failed.len(), failed.join("\n"));
}
