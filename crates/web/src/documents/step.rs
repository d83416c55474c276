//! A task's steps, each with its attempts as the journal tells them.

use cofounder_domain::{Status, StepPath, StepStatus};
use cofounder_storage::{Database, JournalEvent, Spent, StepRecord, StorageError, Task, owner_name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{OWNER, at},
};

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
    /// Calls of which nobody says what they cost.
    pub calls_unpriced: u64,
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

/// The steps of a task.
pub(crate) async fn steps(
    db: &Database,
    task: &Task,
    journal: &[JournalEvent],
) -> Result<Vec<StepItem>, StorageError> {
    let (spent, steps) = (db.spent_by_step(task.id).await?, db.steps(task.id).await?);
    let item = |step: StepRecord| {
        let spent = spent.get(&step.name).copied().unwrap_or_default();
        StepItem::of(step, spent, journal, running(task.status))
    };
    Ok(steps.into_iter().map(item).collect())
}

/// Whether somebody runs it now.
fn running(status: Status) -> bool {
    status == Status::InProgress
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
            calls_unpriced: spent.unpriced,
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

impl Sample for StepItem {
    fn sample() -> Self {
        Self {
            name: StepPath::new("draft/section-1"),
            status: StepStatus::Done.as_str().to_owned(),
            attempts: 1,
            started_at: at(8),
            finished_at: Some(at(20)),
            reasons: Vec::new(),
            error: None,
            calls: 2,
            tokens_in: 2_310,
            tokens_out: 412,
            cost_usd: 0.003_134,
            calls_without_end: 0,
            calls_unpriced: 0,
            tries: vec![Try::sample()],
        }
    }
}

impl Sample for Try {
    fn sample() -> Self {
        Self {
            attempt: 1,
            owner: OWNER.to_owned(),
            started_at: at(8),
            finished_at: Some(at(20)),
            outcome: StepStatus::Done.as_str().to_owned(),
            detail: String::new(),
        }
    }
}
