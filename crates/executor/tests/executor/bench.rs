//! A database with tasks, and processes that work on it, each with a handle and an owner of its own.

use cofounder_domain::{Brief, Clock, Status, SystemClock, TaskId, Timestamp};
use cofounder_executor::{
    Executor, Finished, Permits, Report, Settings, Silent, Stop, Worker, WorkerSettings,
};
use cofounder_storage::{Act, Database, Location, Owner, PoolSettings, StorageError, Task, Terms};
use cofounder_testkit::postgres;
use sea_orm::ConnectionTrait;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::toy::{Factory, Run, Toy};

/// The system's clock, which a test can set forward.
#[derive(Debug, Default)]
pub(crate) struct Ahead(Mutex<Duration>);

impl Ahead {
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().unwrap()
    }
}

pub(crate) struct Bench {
    pub(crate) db: Arc<Database>,
    pub(crate) clock: Arc<Ahead>,
    pub(crate) cancel: CancellationToken,
    pub(crate) settings: Settings,
    pub(crate) permits: Permits,
    pub(crate) folder: TempDir,
    pub(crate) notifications: bool,
}

/// A worker at work, as a process of its own would be.
pub(crate) struct Hand {
    pub(crate) stop: Stop,
    ended: JoinHandle<Result<Report, StorageError>>,
}

impl Bench {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Location::Sqlite(folder.path().join("db"));
        Self::at(&place, folder).await
    }

    pub(crate) async fn postgres() -> Option<Self> {
        Some(Self::on(&postgres::database()?).await)
    }

    /// On PostgreSQL, with workers that look by the clock alone.
    pub(crate) async fn polling() -> Option<Self> {
        Some(Self { notifications: false, ..Self::postgres().await? })
    }

    /// On this PostgreSQL database, which is empty.
    pub(crate) async fn on(url: &str) -> Self {
        Self::at(&url.parse().unwrap(), tempfile::tempdir().unwrap()).await
    }

    async fn at(place: &Location, folder: TempDir) -> Self {
        let clock = Arc::new(Ahead::default());
        let (db, _) = Database::migrate(place, PoolSettings::default(), clock.clone()).await.unwrap();
        let settings = Settings {
            retry_pause: Duration::from_millis(5),
            step_deadline: Duration::from_secs(30),
            outage: Duration::from_secs(30),
            ..Settings::default()
        };
        let (db, cancel, permits) = (Arc::new(db), CancellationToken::new(), Permits::default());
        Self { db, clock, cancel, settings, permits, folder, notifications: true }
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::new(&self.folder.path().join("owners")).unwrap()
    }

    /// The same database, as another process sees it.
    pub(crate) async fn another(&self) -> Arc<Database> {
        let opened = Database::open(self.db.location(), PoolSettings::default(), self.clock.clone());
        Arc::new(opened.await.unwrap())
    }

    pub(crate) fn executor(&self) -> Executor {
        Executor::new(self.db.clone(), self.owner(), self.settings).with_permits(self.permits.clone())
    }

    pub(crate) async fn task(&self) -> TaskId {
        self.task_on(&Terms::default()).await
    }

    pub(crate) async fn task_on(&self, terms: &Terms) -> TaskId {
        self.db.by(&Act::OPERATOR).create_task(&brief(), &[], terms).await.unwrap().id
    }

    pub(crate) async fn status(&self, task: TaskId) -> Status {
        self.stored(task).await.status
    }

    pub(crate) async fn stored(&self, task: TaskId) -> Task {
        self.db.task(task).await.unwrap()
    }

    /// Runs one task, and only that one.
    pub(crate) async fn run(&self, task: TaskId, toy: &Arc<Toy>) -> Finished {
        let run = Run(toy.clone());
        self.executor().run(task, &run, Arc::new(Silent), &self.cancel).await.unwrap()
    }

    /// What workers here are set to if a test does not say otherwise.
    pub(crate) fn work(&self) -> WorkerSettings {
        WorkerSettings {
            poll: Duration::from_millis(200),
            notifications: self.notifications,
            ..WorkerSettings::default()
        }
    }

    /// Ends when there is nothing left to do.
    pub(crate) fn until_idle(&self) -> WorkerSettings {
        WorkerSettings { until_idle: true, ..self.work() }
    }

    /// Lets another worker begin.
    pub(crate) async fn hire(&self, toy: &Arc<Toy>, settings: WorkerSettings) -> Hand {
        self.hire_for(Factory::of(toy), settings).await
    }

    pub(crate) async fn hire_for(&self, factory: Factory, settings: WorkerSettings) -> Hand {
        self.hire_on(self.another().await, factory, settings)
    }

    /// The same, on this handle.
    pub(crate) fn hire_on(&self, db: Arc<Database>, factory: Factory, settings: WorkerSettings) -> Hand {
        let executor = Executor::new(db, self.owner(), self.settings);
        let executor = executor.with_permits(self.permits.clone());
        let worker = Worker::new(executor, Arc::new(factory), settings);
        let stop = Stop::default();
        let told = stop.clone();
        Hand { stop, ended: tokio::spawn(async move { worker.run(&told).await }) }
    }

    /// Statements behind the program's back.
    pub(crate) async fn raw(&self, text: &str) {
        let url = match self.db.location() {
            Location::Sqlite(path) => format!("sqlite://{}?mode=rwc", path.display()),
            Location::Postgres(url) => url.clone(),
        };
        let raw = sea_orm::Database::connect(url).await.unwrap();
        raw.execute_unprepared(text).await.unwrap();
        raw.close().await.unwrap();
    }
}

impl Hand {
    /// Waits for the worker's end.
    pub(crate) async fn ended(self) -> Report {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.ended).await;
        ended.expect("the worker should end").unwrap().unwrap()
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn dismissed(self) -> Report {
        self.stop.drain.cancel();
        self.ended().await
    }
}

/// Waits until something is so, and fails if that takes 30 s.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !so().await {
        assert!(Instant::now() < patience, "it should be so by now: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn brief() -> Brief {
    Brief::new("Why", 600, vec![], None).unwrap()
}
