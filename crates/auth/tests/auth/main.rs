//! Tokens through the public door, on a database of their own for each test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

mod issuing;
mod remembering;
mod verifying;

use cofounder_auth::{Issued, Order, Scope, Tokens};
use cofounder_storage::{Database, Failure, Faults, Location, Moment, PoolSettings};
use cofounder_testkit::{clock::ManualClock, postgres};
use secrecy::ExposeSecret;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

/// Runs each body on SQLite and on PostgreSQL. A body that is not listed is unused, which the compiler refuses.
macro_rules! on_both_databases {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::Bench::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { if let Some(bench) = crate::Bench::postgres().await { super::$name(bench).await; } })*
        }
    };
}
pub(crate) use on_both_databases;

/// Counts what the database is asked, and can take it away.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) away: AtomicBool,
    asked: AtomicUsize,
}

impl Line {
    /// How much was asked since the last time.
    pub(crate) fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

impl Faults for Line {
    fn strike(&self, _: &str, moment: Moment) -> Option<Failure> {
        self.asked.fetch_add(usize::from(moment == Moment::Before), Ordering::SeqCst);
        self.away.load(Ordering::SeqCst).then_some(Failure::Lost)
    }
}

pub(crate) struct Bench {
    pub(crate) tokens: Tokens,
    pub(crate) db: Arc<Database>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) line: Arc<Line>,
    _folder: TempDir,
}

impl Bench {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Location::Sqlite(folder.path().join("cofounder.db"));
        Self::at(&place, folder).await
    }

    async fn postgres() -> Option<Self> {
        let place = postgres::database()?.parse().unwrap();
        Some(Self::at(&place, tempfile::tempdir().unwrap()).await)
    }

    async fn at(place: &Location, folder: TempDir) -> Self {
        let (clock, line) = (Arc::new(ManualClock::default()), Arc::new(Line::default()));
        let db = Database::migrate(place, PoolSettings::default(), clock.clone()).await.unwrap().0;
        let watched = Arc::new(db.clone().with_faults(line.clone()));
        let tokens = Tokens::new(watched, clock.clone());
        Self { tokens, db: Arc::new(db), clock, line, _folder: folder }
    }

    pub(crate) async fn issue(&self, order: &Order) -> Issued {
        let issued = self.tokens.issue(order).await.unwrap();
        self.line.asked();
        issued
    }
}

pub(crate) fn order() -> Order {
    Order { name: "ci".to_owned(), scopes: vec![Scope::Gateway], ..Order::default() }
}

pub(crate) fn text(issued: &Issued) -> &str {
    issued.secret.expose_secret()
}

/// Longer than anything that was learnt holds.
pub(crate) async fn a_second() {
    tokio::time::sleep(Duration::from_millis(1050)).await;
}
