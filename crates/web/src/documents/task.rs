//! A task as people and programs read it: its history, its runs, each step's attempts with who held the lease.

use cofounder_domain::{Brief, Gate, PostId, Status, StepPath, StepStatus, TaskId};
use cofounder_storage::{
    Database, EffectRecord, HistoryEntry, JournalEvent, Listed, RunRecord, Spent, StepRecord, StorageError,
    Task, owner_name,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Moment;

/// Entries of a journal that are read at a time.
const PAGE: u64 = 1_000;

/// A task with everything that is known of it but its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
    /// What follows from it outside, such as webhooks.
    pub effects: Vec<EffectItem>,
    /// The post that it made, if it got that far.
    pub post_id: Option<PostId>,
    /// Whether its draft may be approved as it is, if there is one.
    pub gate: Option<Gate>,
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
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Answer tokens.
    pub tokens_out: u64,
}

/// A step of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepItem {
    /// Its path, such as `draft/section-2`.
    pub name: StepPath,
    /// `running`, `done`, `degraded`, `skipped`, `failed`, or `interrupted`: begun, not ended, and nobody runs it.
    pub status: String,
    /// How often it was begun.
    pub attempts: u32,
    /// When it was last begun.
    pub started_at: Moment,
    /// When its result was journalled, or its last attempt failed.
    pub finished_at: Option<Moment>,
    /// Why it fell short, or was skipped.
    pub reasons: Vec<String>,
    /// Why its last attempt failed.
    pub error: Option<String>,
    /// Its calls that ended well.
    pub calls: u64,
    /// Prompt tokens of its calls.
    pub tokens_in: u64,
    /// Answer tokens of its calls.
    pub tokens_out: u64,
    /// What they cost, in US dollars.
    pub cost_usd: f64,
    /// Calls that were begun and whose end was never seen.
    pub calls_without_end: u64,
    /// Each attempt, as the journal tells it.
    pub tries: Vec<Try>,
}

/// One attempt at a step, as the journal tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Try {
    /// From 1.
    pub attempt: u32,
    /// Who held the lease.
    pub owner: String,
    /// When it began.
    pub started_at: Moment,
    /// Absent if it never came to an end.
    pub finished_at: Option<Moment>,
    /// `done`, `degraded`, `skipped`, `failed`, `running`, or `interrupted` if nothing was written down.
    pub outcome: String,
    /// What the journal says of its end.
    pub detail: String,
}

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

/// A task in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
            steps: steps(db, task).await?,
            runs: db.runs(task.id).await?.into_iter().map(RunItem::from).collect(),
            history: db.history(task.id).await?.into_iter().map(HistoryItem::from).collect(),
            effects: db.effects(task.id).await?.into_iter().map(EffectItem::from).collect(),
            post_id: post.as_ref().map(|post| post.id),
            gate: post.as_ref().map(|post| post.gate),
            calls: Calls {
                count: spent.calls,
                unfinished: spent.unfinished,
                tokens_in: spent.tokens_in,
                tokens_out: spent.tokens_out,
            },
            cost_usd: spent.cost.as_usd(),
        })
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

/// Whether somebody runs it now.
fn running(status: Status) -> bool {
    status == Status::InProgress
}

async fn steps(db: &Database, task: &Task) -> Result<Vec<StepItem>, StorageError> {
    let (spent, steps) = (db.spent_by_step(task.id).await?, db.steps(task.id).await?);
    let entries = journal(db, task.id).await?;
    let item = |step: StepRecord| {
        let spent = spent.get(&step.name).copied().unwrap_or_default();
        StepItem::of(step, spent, &entries, running(task.status))
    };
    Ok(steps.into_iter().map(item).collect())
}

impl StepItem {
    fn of(step: StepRecord, spent: Spent, entries: &[JournalEvent], running: bool) -> Self {
        // One that was begun and not ended is running only while its task is.
        let interrupted = step.status == StepStatus::Running && !running;
        Self {
            status: if interrupted { "interrupted" } else { step.status.as_str() }.to_owned(),
            attempts: step.attempts,
            started_at: step.started_at.into(),
            finished_at: step.finished_at.map(Moment),
            reasons: step.reasons,
            error: step.error,
            calls: spent.calls,
            tokens_in: spent.tokens_in,
            tokens_out: spent.tokens_out,
            cost_usd: spent.cost.as_usd(),
            calls_without_end: spent.unfinished,
            tries: tries(entries, &step.name, running),
            name: step.name,
        }
    }
}

/// The attempts at a step, in order; `running` says whether the task is being run now.
fn tries(entries: &[JournalEvent], step: &StepPath, running: bool) -> Vec<Try> {
    let mut tries: Vec<Try> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.path == step.as_str()) {
        match entry.event.strip_prefix("step_") {
            Some("started") => tries.push(Try {
                attempt: u32::try_from(tries.len()).unwrap_or(u32::MAX).saturating_add(1),
                owner: entry.owner.as_deref().map(owner_name).unwrap_or_default(),
                started_at: entry.at.into(),
                finished_at: None,
                outcome: "interrupted".to_owned(),
                detail: String::new(),
            }),
            Some(outcome @ ("done" | "degraded" | "skipped" | "failed")) => {
                if let Some(last) = tries.last_mut() {
                    last.finished_at = Some(entry.at.into());
                    last.outcome = outcome.to_owned();
                    last.detail.clone_from(&entry.detail);
                }
            }
            _ => {}
        }
    }
    if let Some(last) = tries.last_mut().filter(|t| running && t.finished_at.is_none()) {
        last.outcome = "running".to_owned();
    }
    tries
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
