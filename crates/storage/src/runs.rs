//! Runs: who may write a task's steps, and what the steps came to.

use cofounder_domain::{RunId, Status, StepPath, StepStatus, TaskId, Timestamp};
use sea_orm::ConnectionTrait;
use serde::Serialize;
use std::time::Duration;

use crate::{
    Database, Owner, StorageError,
    owner::boot_clock,
    sql::{Row, Sql, id, signed, to_json, values},
    tasks::{remember, shift, task_in},
};

/// The right to write a task's steps, until somebody else claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The task.
    pub task: TaskId,
    /// This attempt at it.
    pub run: RunId,
    /// Outdated by any later claim.
    pub fence: i64,
}

/// What came of trying to claim a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is this owner's now.
    Got(Claimed),
    /// A living owner has it; it is free after this time at the latest, if that owner does nothing more.
    Held {
        /// Until the lease ends.
        wait: Duration,
    },
    /// It needs no run: it waits for a person, or it ended.
    Settled(Status),
}

/// A step as the database has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRecord {
    /// Its path.
    pub name: StepPath,
    /// Where it stands.
    pub status: StepStatus,
    /// How often it was begun.
    pub attempts: u32,
    /// When it was last begun.
    pub started_at: Timestamp,
    /// When its result was journalled, or its last attempt failed.
    pub finished_at: Option<Timestamp>,
    /// Why it fell short, or was skipped.
    pub reasons: Vec<String>,
    /// Why its last attempt failed.
    pub error: Option<String>,
    /// What it came to.
    #[serde(skip)]
    pub result: Option<serde_json::Value>,
}

/// How a step ended.
#[derive(Clone, Debug)]
pub struct StepResult<'a> {
    /// Done, degraded, skipped or failed.
    pub status: StepStatus,
    /// What it came to; nothing for a failure.
    pub result: Option<&'a serde_json::Value>,
    /// Why it fell short, or was skipped.
    pub reasons: &'a [String],
    /// Why it failed.
    pub error: Option<&'a str>,
}

/// An entry of the append-only journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalEvent {
    /// Sorts the entries.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// `claimed`, `step_started`, `step_done`, ….
    pub event: String,
    /// The step, if it concerns one.
    pub path: String,
    /// In words a person reads.
    pub detail: String,
}

impl Database {
    /// Claims a task: one that waits, or one whose owner's process or lease has ended. The workflow's version is
    /// written down with the first claim.
    ///
    /// # Errors
    /// [`StorageError::NotFound`]; [`StorageError::Conflict`] if the task began with another version of the workflow.
    pub async fn claim(
        &self,
        task: TaskId,
        owner: &Owner,
        lease: Duration,
        version: u32,
    ) -> Result<Claim, StorageError> {
        let transaction = self.begin().await?;
        let sql = self.within(&transaction);
        let now = self.millis();
        let found = task_in(&sql, task).await?;
        match found.status {
            Status::Pending => {}
            Status::InProgress => {
                if let Some(wait) = held(&sql, task, owner).await? {
                    return Ok(Claim::Held { wait });
                }
                shift(&sql, task, Status::Pending, "its process ended while it ran", None, now).await?;
            }
            settled => return Ok(Claim::Settled(settled)),
        }
        if let Some(began) = found.version.filter(|v| *v != version) {
            return Err(StorageError::Conflict(format!(
                "the task began with version {began} of the pipeline, and this program has version {version}. Its sources and calls are kept; \
                 `cofounder task retry {task} --from research` does it anew"
            )));
        }
        let (until, boot) = lease_end(lease);
        let text = "UPDATE tasks SET status = 'in_progress', owner = $2, lease_until = $3, lease_boot = $4, fence = fence + 1, \
                    workflow_version = $5, error = NULL, updated_at = $6 WHERE id = $1";
        sql.run(text, values![id(task), owner.id(), until, boot, i64::from(version), now]).await?;
        remember(&sql, task, Some(Status::Pending), Status::InProgress, "a run began", now).await?;
        let row = sql.one("SELECT fence FROM tasks WHERE id = $1", values![id(task)]).await?;
        let fence: i64 = row.ok_or(StorageError::Stale)?.get("fence")?;
        let run = RunId::new(self.now());
        let text = "INSERT INTO runs (id, task_id, fence, owner, started_at) VALUES ($1, $2, $3, $4, $5)";
        sql.run(text, values![run.to_string(), id(task), fence, owner.id(), now]).await?;
        let claimed = Claimed { task, run, fence };
        journal(&sql, &claimed, "claimed", "", "", now).await?;
        self.commit(transaction).await?;
        Ok(Claim::Got(claimed))
    }

    /// Prolongs a lease.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now.
    pub async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<(), StorageError> {
        let (until, boot) = lease_end(lease);
        let text = "UPDATE tasks SET lease_until = $3, lease_boot = $4 WHERE id = $1 AND fence = $2 AND status = 'in_progress'";
        let changed = self.read().run(text, values![id(claimed.task), claimed.fence, until, boot]).await?;
        if changed == 1 { Ok(()) } else { Err(StorageError::Stale) }
    }

    /// Writes down that a step begins; tells which attempt it is, from 1.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now.
    pub async fn begin_step(&self, claimed: &Claimed, path: &StepPath) -> Result<u32, StorageError> {
        let transaction = self.begin().await?;
        let sql = self.within(&transaction);
        check_fence(&sql, claimed).await?;
        let now = self.millis();
        let text = "INSERT INTO steps (task_id, path, position, status, attempts, started_at)
                    VALUES ($1, $2, (SELECT coalesce(max(position), 0) + 1 FROM steps WHERE task_id = $1), 'running', 1, $3)
                    ON CONFLICT (task_id, path) DO UPDATE SET status = 'running', attempts = steps.attempts + 1, started_at = $3,
                      finished_at = NULL, result = NULL, error = NULL, reasons = '[]'";
        sql.run(text, values![id(claimed.task), path.as_str(), now]).await?;
        journal(&sql, claimed, "step_started", path.as_str(), "", now).await?;
        let row = sql
            .one(
                "SELECT attempts FROM steps WHERE task_id = $1 AND path = $2",
                values![id(claimed.task), path.as_str()],
            )
            .await?;
        let attempts = row.ok_or(StorageError::Stale)?.small("attempts")?;
        self.commit(transaction).await?;
        Ok(attempts)
    }

    /// Writes down what a step came to.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now; then nothing is written.
    pub async fn end_step(
        &self,
        claimed: &Claimed,
        path: &StepPath,
        end: &StepResult<'_>,
    ) -> Result<(), StorageError> {
        let transaction = self.begin().await?;
        let sql = self.within(&transaction);
        check_fence(&sql, claimed).await?;
        let now = self.millis();
        let text = "UPDATE steps SET status = $3, finished_at = $4, result = $5, reasons = $6, error = $7 WHERE task_id = $1 AND path = $2";
        let result = end.result.map(to_json).transpose()?;
        let (reasons, error) = (to_json(&end.reasons)?, end.error.map(str::to_owned));
        sql.run(
            text,
            values![id(claimed.task), path.as_str(), end.status.as_str(), now, result, reasons, error],
        )
        .await?;
        let event = format!("step_{}", end.status.as_str());
        journal(&sql, claimed, &event, path.as_str(), end.error.unwrap_or_default(), now).await?;
        self.commit(transaction).await
    }

    /// Ends a run: the task moves on, and its history says why.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now; [`StorageError::Illegal`] if the transition
    /// table does not allow the move.
    pub async fn end_run(
        &self,
        claimed: &Claimed,
        to: Status,
        reason: &str,
        error: Option<&str>,
    ) -> Result<(), StorageError> {
        let transaction = self.begin().await?;
        let sql = self.within(&transaction);
        check_fence(&sql, claimed).await?;
        let now = self.millis();
        journal(&sql, claimed, "run_ended", "", reason, now).await?;
        let text = "UPDATE runs SET ended_at = $2, outcome = $3 WHERE id = $1";
        sql.run(text, values![claimed.run.to_string(), now, to.as_str()]).await?;
        shift(&sql, claimed.task, to, reason, error, now).await?;
        self.commit(transaction).await
    }

    /// A task's steps, in the order in which they first began.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn steps(&self, task: TaskId) -> Result<Vec<StepRecord>, StorageError> {
        let rows = self
            .read()
            .all("SELECT * FROM steps WHERE task_id = $1 ORDER BY position", values![id(task)])
            .await?;
        rows.iter().map(step_of).collect()
    }

    /// One step, if it has begun.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn step(&self, task: TaskId, path: &StepPath) -> Result<Option<StepRecord>, StorageError> {
        let row = self
            .read()
            .one("SELECT * FROM steps WHERE task_id = $1 AND path = $2", values![id(task), path.as_str()])
            .await?;
        row.as_ref().map(step_of).transpose()
    }

    /// A task's journal, the first entry first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn journal(&self, task: TaskId) -> Result<Vec<JournalEvent>, StorageError> {
        let rows = self
            .read()
            .all("SELECT * FROM journal WHERE task_id = $1 ORDER BY id", values![id(task)])
            .await?;
        rows.iter()
            .map(|row| {
                let (event, path, detail) = (row.get("event")?, row.get("path")?, row.get("detail")?);
                Ok(JournalEvent { id: row.get("id")?, at: row.time("at")?, event, path, detail })
            })
            .collect()
    }
}

fn lease_end(lease: Duration) -> (i64, String) {
    let (now, boot) = boot_clock();
    (now + signed(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX)), boot)
}

/// How long the task is still another's, if it is.
async fn held<C: ConnectionTrait>(
    sql: &Sql<'_, C>,
    task: TaskId,
    owner: &Owner,
) -> Result<Option<Duration>, StorageError> {
    let row =
        sql.one("SELECT owner, lease_until, lease_boot FROM tasks WHERE id = $1", values![id(task)]).await?;
    let Some(row) = row else { return Ok(None) };
    let (Some(holder), Some(until)) =
        (row.get::<Option<String>>("owner")?, row.get::<Option<i64>>("lease_until")?)
    else {
        return Ok(None);
    };
    let (now, boot) = boot_clock();
    let same_boot = row.get::<Option<String>>("lease_boot")?.is_some_and(|b| b == boot);
    let left = until.saturating_sub(now);
    if owner.is_gone(&holder) || !same_boot || left <= 0 {
        return Ok(None);
    }
    Ok(Some(Duration::from_millis(u64::try_from(left).unwrap_or(0))))
}

async fn check_fence<C: ConnectionTrait>(sql: &Sql<'_, C>, claimed: &Claimed) -> Result<(), StorageError> {
    let text = "SELECT 1 AS mine FROM tasks WHERE id = $1 AND fence = $2 AND status = 'in_progress'";
    let row = sql.one(text, values![id(claimed.task), claimed.fence]).await?;
    row.map(drop).ok_or(StorageError::Stale)
}

async fn journal<C: ConnectionTrait>(
    sql: &Sql<'_, C>,
    claimed: &Claimed,
    event: &str,
    path: &str,
    detail: &str,
    now: i64,
) -> Result<(), StorageError> {
    let text =
        "INSERT INTO journal (task_id, fence, at, event, path, detail) VALUES ($1, $2, $3, $4, $5, $6)";
    sql.run(text, values![id(claimed.task), claimed.fence, now, event, path, detail]).await.map(drop)
}

fn step_of(row: &Row) -> Result<StepRecord, StorageError> {
    let status: String = row.get("status")?;
    let result = row.get::<Option<String>>("result")?;
    Ok(StepRecord {
        name: StepPath::new(row.get::<String>("path")?),
        status: serde_json::from_value(status.into()).map_err(StorageError::bug)?,
        attempts: row.small("attempts")?,
        started_at: row.time("started_at")?,
        finished_at: row.maybe_time("finished_at")?,
        reasons: row.json("reasons")?,
        error: row.get("error")?,
        result: result.map(|r| serde_json::from_str(&r)).transpose().map_err(StorageError::bug)?,
    })
}
