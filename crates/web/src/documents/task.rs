//! A task as people and programs read it, and as it stands in a list.

use cofounder_domain::{Brief, Gate, PostId, Status, TaskId};
use cofounder_storage::{Database, JournalEvent, Listed, StorageError, Task, owner_name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    EffectItem, HistoryItem, Moment, NoteItem, RunItem, Sample, StepItem,
    record::journal,
    sample::{POST, SOURCE, TASK, TOPIC, at, read},
    step::steps,
};

/// A task with everything that is known of it but its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct TaskDocument {
    /// Its id.
    pub id: TaskId,
    /// Where it stands.
    pub status: Status,
    /// What was asked for.
    pub brief: Brief,
    /// Why its last run failed, if it did.
    pub error: Option<String>,
    /// Tasks of a higher priority run first; 0 if nobody said otherwise.
    pub priority: i64,
    /// What its worker must have, such as `gpu`; empty for most.
    pub needs: String,
    /// From when on it may run.
    pub start: Moment,
    /// When it must be done.
    pub deadline: Option<Moment>,
    /// Who runs it now.
    pub owner: Option<String>,
    /// When it was asked for.
    pub created_at: Moment,
    /// When its status last changed.
    pub updated_at: Moment,
    /// Its steps, in the order in which they first began.
    pub steps: Vec<StepItem>,
    /// Its runs, the first first.
    pub runs: Vec<RunItem>,
    /// Every change of its status, the first first.
    pub history: Vec<HistoryItem>,
    /// What people said of its drafts when they sent them back, the first first.
    pub notes: Vec<NoteItem>,
    /// What follows from it outside, such as webhooks.
    pub effects: Vec<EffectItem>,
    /// The post that it made, if it got that far.
    pub post_id: Option<PostId>,
    /// Whether its draft may be approved as it is, if there is one.
    pub gate: Option<Gate>,
    /// When its post goes live, if it is approved for a time.
    pub publish_at: Option<Moment>,
    /// Its model calls.
    pub calls: Calls,
    /// What they cost, in US dollars.
    pub cost_usd: f64,
}

/// What a task's model calls took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Calls {
    /// Calls that ended well.
    pub count: u64,
    /// Calls that were begun and whose end was never seen: they may have been paid.
    pub unfinished: u64,
    /// Calls of which nobody says what they cost.
    pub unpriced: u64,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Answer tokens.
    pub tokens_out: u64,
}

/// A task in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct TaskItem {
    /// Its id.
    pub id: TaskId,
    /// Where it stands.
    pub status: Status,
    /// What it is about; empty if its brief cannot be read.
    pub topic: String,
    /// When it was asked for.
    pub created_at: Moment,
    /// When its status last changed; absent if its brief cannot be read.
    pub updated_at: Option<Moment>,
    /// Why its brief cannot be read, if it cannot: it was damaged, or a newer version wrote it.
    pub unreadable: Option<String>,
}

impl TaskDocument {
    /// Everything that the database knows of a task but its journal.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn load(db: &Database, task: &Task) -> Result<Self, StorageError> {
        Self::of(db, task, &journal(db, task.id).await?).await
    }

    /// The same, by a journal that is read already.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn of(db: &Database, task: &Task, journal: &[JournalEvent]) -> Result<Self, StorageError> {
        let spent = db.spent(task.id).await?;
        let post = db.task_post(task.id).await?;
        Ok(Self {
            id: task.id,
            status: task.status,
            brief: task.brief.clone(),
            error: task.error.clone(),
            priority: task.priority,
            needs: task.needs.clone(),
            start: task.ready_at.into(),
            deadline: task.deadline_at.map(Moment),
            owner: task.owner.as_deref().map(owner_name),
            created_at: task.created_at.into(),
            updated_at: task.updated_at.into(),
            steps: steps(db, task, journal).await?,
            runs: db.runs(task.id).await?.into_iter().map(RunItem::from).collect(),
            history: db.history(task.id).await?.into_iter().map(HistoryItem::from).collect(),
            notes: db.notes(task.id).await?.into_iter().map(NoteItem::from).collect(),
            effects: db.effects(task.id).await?.into_iter().map(EffectItem::from).collect(),
            post_id: post.as_ref().map(|post| post.id),
            gate: post.as_ref().map(|post| post.gate),
            publish_at: post.as_ref().and_then(|post| post.publish_at).map(Moment),
            calls: Calls {
                count: spent.calls,
                unfinished: spent.unfinished,
                unpriced: spent.unpriced,
                tokens_in: spent.tokens_in,
                tokens_out: spent.tokens_out,
            },
            cost_usd: spent.cost.as_usd(),
        })
    }
}

impl From<Listed> for TaskItem {
    fn from(listed: Listed) -> Self {
        match listed {
            Listed::Task(task) => Self {
                id: task.id,
                status: task.status,
                topic: task.brief.topic,
                created_at: task.created_at.into(),
                updated_at: Some(task.updated_at.into()),
                unreadable: None,
            },
            Listed::Unreadable { id, status, created_at, unreadable } => Self {
                id,
                status,
                topic: String::new(),
                created_at: created_at.into(),
                updated_at: None,
                unreadable: Some(unreadable),
            },
        }
    }
}

impl Sample for TaskDocument {
    /// One whose draft waits for a person.
    fn sample() -> Self {
        Self {
            status: Status::AwaitingApproval,
            updated_at: at(42),
            steps: vec![StepItem::sample()],
            runs: vec![RunItem::sample()],
            history: vec![
                HistoryItem { old: None, new: Status::Pending, at: at(0), reason: "asked for".to_owned() },
                HistoryItem::sample(),
            ],
            post_id: Some(read(POST)),
            gate: Some(Gate::Open),
            calls: Calls { count: 2, unfinished: 0, unpriced: 0, tokens_in: 2_310, tokens_out: 412 },
            cost_usd: 0.003_134,
            ..Self::sample_asked()
        }
    }
}

impl TaskDocument {
    /// One that was just asked for.
    pub(crate) fn sample_asked() -> Self {
        Self {
            id: read(TASK),
            status: Status::Pending,
            brief: sample_brief(),
            error: None,
            priority: 0,
            needs: String::new(),
            start: at(0),
            deadline: None,
            owner: None,
            created_at: at(0),
            updated_at: at(0),
            steps: Vec::new(),
            runs: Vec::new(),
            history: vec![HistoryItem {
                old: None,
                new: Status::Pending,
                at: at(0),
                reason: "asked for".to_owned(),
            }],
            notes: Vec::new(),
            effects: Vec::new(),
            post_id: None,
            gate: None,
            publish_at: None,
            calls: Calls { count: 0, unfinished: 0, unpriced: 0, tokens_in: 0, tokens_out: 0 },
            cost_usd: 0.0,
        }
    }

    /// The sample after a person moved it.
    pub(crate) fn sample_moved(new: Status, reason: &str) -> Self {
        let mut task = Self::sample();
        task.history.push(HistoryItem {
            old: Some(task.status),
            new,
            at: at(300),
            reason: reason.to_owned(),
        });
        Self { status: new, updated_at: at(300), ..task }
    }
}

pub(crate) fn sample_brief() -> Brief {
    let (topic, sources) = (TOPIC.to_owned(), vec![SOURCE.to_owned()]);
    Brief { topic, words: 800, sources, model: None, out_dir: None }
}

impl Sample for TaskItem {
    fn sample() -> Self {
        let TaskDocument { id, status, brief, created_at, updated_at, .. } = TaskDocument::sample();
        Self { id, status, topic: brief.topic, created_at, updated_at: Some(updated_at), unreadable: None }
    }
}
