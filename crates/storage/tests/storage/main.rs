//! The database, through its public door, in a folder of its own for each test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

mod money;
mod opening;
mod posts;
mod tasks;

use cofounder_domain::{Brief, Gate, Report, Source, SourceId, content_hash};
use cofounder_storage::{Database, Draft, Owner};
use cofounder_testkit::clock::ManualClock;
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

pub(crate) struct Bench {
    pub(crate) db: Arc<Database>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let db = Arc::new(Database::open(&folder.path().join("cofounder.db"), clock.clone()).await.unwrap());
        Self { db, clock, folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("cofounder.db")
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::new(&self.folder.path().join("owners")).unwrap()
    }

    pub(crate) async fn task(&self) -> cofounder_storage::Task {
        self.db.create_task(&brief(), &[]).await.unwrap()
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
