//! What is written down of a task: its runs, changes of its status, effects outside, and its journal.

use cofounder_domain::{Status, TaskId};
use cofounder_storage::{
    Database, DeliveryRecord, EffectRecord, FeedEvent, HistoryEntry, JournalEvent, RunRecord, StorageError,
    TaskNote, owner_name,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{OWNER, TASK, at, read},
};

/// Entries of a journal that are read at a time.
const PAGE: u64 = 1_000;

/// One attempt at a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunItem {
    /// Which of the task's claims it is.
    pub fence: i64,
    /// Who held the lease.
    pub owner: String,
    /// When it began.
    pub started_at: Moment,
    /// When it ended; absent while it runs, and for ever if its process ended without a word.
    pub ended_at: Option<Moment>,
    /// The task's status after it.
    pub outcome: Option<String>,
}

/// A change of a task's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryItem {
    /// When.
    pub at: Moment,
    /// From which status; absent for the first entry.
    pub old: Option<Status>,
    /// To which.
    pub new: Status,
    /// Why, in words a person reads.
    pub reason: String,
}

/// What a person said of a task's draft when they sent it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoteItem {
    /// From 1; the step `rework/1` is what the writer made of the first.
    pub number: u32,
    /// When.
    pub at: Moment,
    /// The name of who said it.
    pub author: String,
    /// In their words.
    pub text: String,
}

/// Something that follows from a task outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectItem {
    /// Its idempotency key.
    pub id: String,
    /// By which means, such as `webhook`.
    pub kind: String,
    /// Which of those, by its name in the configuration.
    pub target: String,
    /// `pending`, `sending`, `done`, `failed` or `unknown`.
    pub state: String,
    /// How often it was begun.
    pub attempts: u32,
    /// What the receiver said.
    pub receipt: Option<String>,
    /// Why the last attempt failed, or why nothing is known.
    pub error: Option<String>,
    /// When its state last changed.
    pub updated_at: Moment,
}

/// An entry of a task's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct JournalItem {
    /// Its number in the task's journal, from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// `claimed`, `step_started`, `step_done`, `moved`, ….
    pub event: String,
    /// The step, if it concerns one.
    pub path: String,
    /// In words a person reads.
    pub detail: String,
    /// Who held the lease, if somebody did.
    pub owner: Option<String>,
}

/// An entry of some task's journal, in the order of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedItem {
    /// Its number in the feed, from 1, without gaps.
    pub number: i64,
    /// Whose journal it stands in.
    pub task_id: TaskId,
    /// What it says.
    #[serde(flatten)]
    pub entry: JournalItem,
}

/// Something that was told outside, or is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct DeliveryItem {
    /// The task that it follows from.
    pub task_id: TaskId,
    /// What is known of it.
    #[serde(flatten)]
    pub effect: EffectItem,
    /// What is sent, as text.
    pub payload: String,
    /// When it was written down.
    pub created_at: Moment,
}

impl Sample for DeliveryItem {
    fn sample() -> Self {
        let effect = EffectItem {
            id: "7f1c1a52-6b0e-4f5e-9a57-0d8f5a2b3c06".to_owned(),
            kind: "webhook".to_owned(),
            target: "newsletter".to_owned(),
            state: "done".to_owned(),
            attempts: 1,
            receipt: Some("204 No Content".to_owned()),
            error: None,
            updated_at: at(302),
        };
        let payload = r#"{"type":"post.published"}"#.to_owned();
        Self { task_id: read(TASK), effect, payload, created_at: at(300) }
    }
}

impl Sample for FeedItem {
    fn sample() -> Self {
        Self { number: 1_041, task_id: read(TASK), entry: JournalItem::sample() }
    }
}

impl From<FeedEvent> for FeedItem {
    fn from(event: FeedEvent) -> Self {
        Self { number: event.number, task_id: event.task, entry: event.entry.into() }
    }
}

impl From<DeliveryRecord> for DeliveryItem {
    fn from(record: DeliveryRecord) -> Self {
        let DeliveryRecord { task, effect, payload, created_at } = record;
        Self { task_id: task, effect: effect.into(), payload, created_at: created_at.into() }
    }
}

/// All of a task's journal.
///
/// # Errors
/// [`StorageError`] if the database does not answer.
pub async fn journal(db: &Database, task: TaskId) -> Result<Vec<JournalEvent>, StorageError> {
    let mut entries: Vec<JournalEvent> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.seq);
        let page = db.journal(task, after, PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

impl From<RunRecord> for RunItem {
    fn from(run: RunRecord) -> Self {
        Self {
            fence: run.fence,
            owner: owner_name(&run.owner),
            started_at: run.started_at.into(),
            ended_at: run.ended_at.map(Moment),
            outcome: run.outcome,
        }
    }
}

impl From<HistoryEntry> for HistoryItem {
    fn from(entry: HistoryEntry) -> Self {
        Self { at: entry.at.into(), old: entry.old, new: entry.new, reason: entry.reason }
    }
}

impl From<TaskNote> for NoteItem {
    fn from(note: TaskNote) -> Self {
        let TaskNote { number, at, author, text } = note;
        Self { number, at: at.into(), author, text }
    }
}

impl From<EffectRecord> for EffectItem {
    fn from(effect: EffectRecord) -> Self {
        let EffectRecord { id, kind, target, state, attempts, receipt, error, updated_at } = effect;
        Self { id, kind, target, state, attempts, receipt, error, updated_at: updated_at.into() }
    }
}

impl From<JournalEvent> for JournalItem {
    fn from(entry: JournalEvent) -> Self {
        let JournalEvent { seq, at, event, path, detail, owner } = entry;
        Self { seq, at: at.into(), event, path, detail, owner: owner.as_deref().map(owner_name) }
    }
}

impl Sample for RunItem {
    fn sample() -> Self {
        let outcome = Some(Status::AwaitingApproval.as_str().to_owned());
        Self { fence: 1, owner: OWNER.to_owned(), started_at: at(1), ended_at: Some(at(42)), outcome }
    }
}

impl Sample for HistoryItem {
    fn sample() -> Self {
        let (old, new) = (Some(Status::InProgress), Status::AwaitingApproval);
        Self { at: at(42), old, new, reason: "the draft is done".to_owned() }
    }
}

impl Sample for EffectItem {
    fn sample() -> Self {
        Self {
            id: "019ac9d9-1f40-7a61-9d2b-6c5b4a392803".to_owned(),
            kind: "webhook".to_owned(),
            target: "newsroom".to_owned(),
            state: "done".to_owned(),
            attempts: 1,
            receipt: Some("200 OK".to_owned()),
            error: None,
            updated_at: at(301),
        }
    }
}

impl Sample for JournalItem {
    fn sample() -> Self {
        Self {
            seq: 3,
            at: at(1),
            event: "step_started".to_owned(),
            path: "research".to_owned(),
            detail: "attempt 1".to_owned(),
            owner: Some(OWNER.to_owned()),
        }
    }
}
