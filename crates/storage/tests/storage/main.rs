//! The database, through its public door, in a folder of its own for each test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

mod access_tokens;
mod accounts;
mod approve;
mod audit;
mod calls;
mod deliveries;
mod depths;
mod editing;
mod effects;
mod failures;
mod feed;
mod health;
mod identities;
mod keeping;
mod keeping_faults;
mod ledger;
mod links;
mod migrations;
mod opening;
mod outage;
mod people;
mod posts;
mod promises;
mod publication;
mod queue;
mod recovery;
mod rework;
mod schedules;
mod schema;
mod sessions;
mod slices;
mod steps;
mod tasks;
mod taxonomy;
mod tokens;

use cofounder_domain::{Brief, Gate, Report, Source, SourceId, content_hash};
use cofounder_storage::{Act, Claim, Claimed, Database, Draft, Location, Owner, PoolSettings, Terms};
use cofounder_testkit::{clock::ManualClock, postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// Runs each body on SQLite, on PostgreSQL, and on a PostgreSQL that undoes changes now and then as a distributed one
/// does. A body that is not listed is unused, which the compiler refuses.
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
        mod contended {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { if let Some(bench) = crate::Bench::contended().await { super::$name(bench).await; } })*
        }
    };
}
pub(crate) use on_both_databases;

pub(crate) struct Bench {
    pub(crate) db: Arc<Database>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Location::Sqlite(folder.path().join("cofounder.db"));
        Self::at(&place, folder).await
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let place = postgres::database()?.parse().unwrap();
        Some(Self::at(&place, tempfile::tempdir().unwrap()).await)
    }

    /// Every 29th statement that changes a row is undone with its transaction (SQLSTATE 40001).
    pub(crate) async fn contended() -> Option<Self> {
        let bench = Self::postgres().await?;
        bench.raw(CONTENTION).await.unwrap();
        Some(bench)
    }

    async fn at(place: &Location, folder: TempDir) -> Self {
        let clock = Arc::new(ManualClock::default());
        let (db, had) = Database::migrate(place, PoolSettings::default(), clock.clone()).await.unwrap();
        assert_eq!(had, 0);
        Self { db: Arc::new(db), clock, folder }
    }

    /// The same database again, as another process sees it.
    pub(crate) async fn another(&self) -> Arc<Database> {
        Arc::new(
            Database::open(self.db.location(), PoolSettings::default(), self.clock.clone()).await.unwrap(),
        )
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("cofounder.db")
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::new(&self.folder.path().join("owners")).unwrap()
    }

    pub(crate) async fn task(&self) -> cofounder_storage::Task {
        self.db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap()
    }

    pub(crate) fn on_sqlite(&self) -> bool {
        matches!(self.db.location(), Location::Sqlite(_))
    }

    /// Statements behind the program's back.
    pub(crate) async fn raw(&self, text: &str) -> Result<(), DbErr> {
        raw(self.db.location(), text).await
    }

    /// What such a statement finds: its column `line`.
    pub(crate) async fn lines(&self, text: &str) -> Vec<String> {
        lines(self.db.location(), text).await
    }

    /// A statement that a trigger of the table `tasks` would refuse.
    pub(crate) async fn without_trigger(&self, name: &str, text: &str) {
        if !self.on_sqlite() {
            let text = format!(
                "ALTER TABLE tasks DISABLE TRIGGER {name}; {text}; ALTER TABLE tasks ENABLE TRIGGER {name}"
            );
            return self.raw(&text).await.unwrap();
        }
        let schema = include_str!("../../migrations/sqlite/0001_foundations.sql");
        let trigger = &schema[schema.find(&format!("CREATE TRIGGER {name}")).unwrap()..];
        let trigger = &trigger[..trigger.find("END;").unwrap() + 4];
        self.raw(&format!("DROP TRIGGER {name}; {text}; {trigger}")).await.unwrap();
    }
}

/// A connection that the program knows nothing of.
pub(crate) async fn connect(place: &Location) -> DatabaseConnection {
    let url = match place {
        Location::Sqlite(path) => format!("sqlite://{}?mode=rwc", path.display()),
        Location::Postgres(url) => url.clone(),
    };
    sea_orm::Database::connect(url).await.unwrap()
}

pub(crate) async fn raw(place: &Location, text: &str) -> Result<(), DbErr> {
    let raw = connect(place).await;
    let done = raw.execute_unprepared(text).await;
    raw.close().await?;
    done.map(drop)
}

pub(crate) async fn lines(place: &Location, text: &str) -> Vec<String> {
    let raw = connect(place).await;
    let rows = raw.query_all_raw(Statement::from_string(raw.get_database_backend(), text)).await.unwrap();
    raw.close().await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}

const CONTENTION: &str = "
    CREATE SEQUENCE changes;
    CREATE FUNCTION contend() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_setting('application_name') = 'cofounder' AND nextval('changes') % 29 = 0 THEN RAISE EXCEPTION 'injected' USING ERRCODE = '40001'; END IF;
      RETURN NULL;
    END $$;
    DO $$ DECLARE name TEXT; BEGIN
      FOR name IN SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' LOOP
        EXECUTE format('CREATE TRIGGER contend AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION contend()', name);
      END LOOP;
    END $$";

pub(crate) fn got(claim: Claim) -> Claimed {
    match claim {
        Claim::Got(claimed) => claimed,
        other => panic!("not claimed: {other:?}"),
    }
}

pub(crate) fn brief() -> Brief {
    Brief::new("Why SQLite", 600, vec!["a.md".into()], None).unwrap()
}

pub(crate) fn source(text: &str) -> Source {
    let sha256 = content_hash(text.as_bytes());
    let id = SourceId::from_sha256(&sha256);
    Source {
        id,
        uri: "file:///a.md".into(),
        title: "A".into(),
        sha256,
        bytes: text.len() as u64,
        text: text.into(),
    }
}

pub(crate) fn draft(title: &str, gate: Gate) -> Draft {
    let report = Report {
        sources: vec![],
        claims: vec![],
        rails: vec![],
        calls: vec![],
        removed: vec![],
        degraded: vec![],
        draft: title.into(),
        notes: vec![],
    };
    Draft {
        slug: "why-sqlite".into(),
        title: title.into(),
        description: "d".into(),
        tags: vec!["sqlite".into()],
        markdown: format!("# {title}"),
        gate,
        degraded: vec![],
        report,
    }
}
