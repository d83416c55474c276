//! Announcements on a real database, sent to a receiver that misbehaves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what a test relies on fails it")]

mod once;
mod outcomes;
mod settings;
mod wire;

use cofounder_domain::{Brief, Gate, Report, Status, TaskId};
use cofounder_executor::Courier;
use cofounder_publish::{WebhookTarget, Webhooks};
use cofounder_storage::{
    Act, Claim, Database, Delivery, Draft, DueEffect, Location, Owner, PoolSettings, Terms,
};
use cofounder_testkit::{clock::ManualClock, postgres, receiver::FakeReceiver};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A database in which posts go live.
pub(crate) struct Bench {
    pub(crate) db: Database,
    pub(crate) clock: Arc<ManualClock>,
    folder: TempDir,
}

impl Bench {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Location::Sqlite(folder.path().join("cofounder.db"));
        Self::at(&place, folder).await
    }

    /// None if no server is installed.
    pub(crate) async fn postgres() -> Option<Self> {
        let place = postgres::database()?.parse().unwrap();
        Some(Self::at(&place, tempfile::tempdir().unwrap()).await)
    }

    async fn at(place: &Location, folder: TempDir) -> Self {
        let clock = Arc::new(ManualClock::default());
        let (db, _) = Database::migrate(place, PoolSettings::default(), clock.clone()).await.unwrap();
        Self { db, clock, folder }
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::new(&self.folder.path().join("owners")).unwrap()
    }

    pub(crate) fn webhooks(&self, targets: Vec<WebhookTarget>) -> Webhooks {
        Webhooks::new(targets, self.clock.clone()).unwrap()
    }

    /// A task whose post went live, which these are to be told.
    pub(crate) async fn approved(&self, webhooks: &Webhooks) -> TaskId {
        let brief = Brief::new("Why", 600, vec!["a.md".into()], None).unwrap();
        let task = self.db.by(&Act::OPERATOR).create_task(&brief, &[], &Terms::default()).await.unwrap().id;
        let claim = self.db.claim(task, &self.owner(), Duration::from_secs(9), 1).await.unwrap();
        let Claim::Got(claimed) = claim else { panic!("not claimed: {claim:?}") };
        self.db.save_draft(&claimed, &draft()).await.unwrap();
        self.db.end_run(&claimed, Status::AwaitingApproval, "a draft waits", None).await.unwrap();
        self.db.by(&Act::OPERATOR).approve(task, None, |post| webhooks.announcements(post)).await.unwrap();
        task
    }

    pub(crate) async fn claim(&self, owner: &Owner) -> Vec<DueEffect> {
        self.db
            .claim_effects(owner, Duration::from_secs(60), &["site", "other"].map(str::to_owned), 8)
            .await
            .unwrap()
    }

    /// The right to tell the only target of `webhooks` of a post that went live.
    pub(crate) async fn due(&self, webhooks: &Webhooks) -> DueEffect {
        self.approved(webhooks).await;
        self.claim(&self.owner()).await.pop().unwrap()
    }

    /// The state of each effect of a task, and how often it was begun.
    pub(crate) async fn states(&self, task: TaskId) -> Vec<(String, u32)> {
        let effects = self.db.effects(task).await.unwrap();
        effects.into_iter().map(|effect| (effect.state, effect.attempts)).collect()
    }
}

fn draft() -> Draft {
    let report = Report {
        sources: vec![],
        claims: vec![],
        rails: vec![],
        calls: vec![],
        removed: vec![],
        degraded: vec![],
        draft: "Why".into(),
        notes: vec![],
    };
    Draft {
        slug: "why-sqlite".into(),
        title: "Why “SQLite”".into(),
        description: "Because it is there.".into(),
        tags: vec!["sqlite".into()],
        markdown: "# Why".into(),
        gate: Gate::Open,
        degraded: vec![],
        report,
    }
}

/// A target that honours keys, or does not, and may take 20 s.
pub(crate) fn target(url: &str, honours_keys: bool) -> WebhookTarget {
    WebhookTarget {
        name: "site".into(),
        url: url.parse().unwrap(),
        secret: None,
        honours_keys,
        timeout: Duration::from_secs(20),
    }
}

pub(crate) fn secret(text: &str) -> Option<SecretString> {
    Some(SecretString::from(text))
}

/// Sends once, never told to stop.
pub(crate) async fn carry(webhooks: &Webhooks, due: &DueEffect) -> Delivery {
    webhooks.carry(due, &CancellationToken::new()).await
}

pub(crate) async fn receiver() -> FakeReceiver {
    FakeReceiver::start().await.unwrap()
}
