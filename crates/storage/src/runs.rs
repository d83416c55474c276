//! Runs: what their steps came to, and how they ended.

use cofounder_domain::{Status, StepPath, StepStatus, TaskId, Timestamp};
use serde::Serialize;

use crate::{
    Claimed, Database, StorageError,
    group::{Change, Entry},
    journal::{Note, note},
    queue::check_fence,
    sql::{Row, id, to_json, unread, values},
    tasks::shift,
    wake::tell_others,
    work::transaction,
};

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
    /// What it came to, as JSON text.
    #[serde(skip)]
    pub result: Option<String>,
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

/// A run as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRecord {
    /// Which of the task's claims it is.
    pub fence: i64,
    /// Who held the lease; see [`crate::owner_name`].
    pub owner: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; absent while it runs, and for ever if its process ended without a word.
    pub ended_at: Option<Timestamp>,
    /// The task's status after it.
    pub outcome: Option<String>,
}

impl Database {
    /// Writes down that a step begins; tells which attempt it is, from 1.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now.
    pub async fn begin_step(&self, claimed: &Claimed, path: &StepPath) -> Result<u32, StorageError> {
        self.enter(self.entry(claimed, path, "step_started", "", Change::Begin)).await
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
        let event = match end.status {
            StepStatus::Running => "step_started",
            StepStatus::Done => "step_done",
            StepStatus::Degraded => "step_degraded",
            StepStatus::Skipped => "step_skipped",
            StepStatus::Failed => "step_failed",
        };
        let error = end.error.map(|e| e.replace('\0', "\u{fffd}"));
        let detail = error.clone().unwrap_or_else(|| end.reasons.join("; "));
        let change = Change::End {
            status: end.status.as_str(),
            result: end.result.map(to_json).transpose()?,
            reasons: to_json(&end.reasons)?,
            error,
        };
        self.enter(self.entry(claimed, path, event, &detail, change)).await.map(drop)
    }

    /// Adds what a step has to say to the journal, some time soon. Nobody waits for it.
    pub fn step_detail(&self, claimed: &Claimed, path: &StepPath, text: &str) {
        self.mention(self.entry(claimed, path, "step_detail", text, Change::Nothing));
    }

    fn entry(
        &self,
        claimed: &Claimed,
        path: &StepPath,
        event: &'static str,
        detail: &str,
        change: Change,
    ) -> Entry {
        let (path, detail) = (path.as_str().to_owned(), detail.to_owned());
        Entry {
            task: claimed.task,
            fence: claimed.fence,
            at: self.millis(),
            event,
            path,
            detail,
            change,
            told: None,
        }
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
        let ended = transaction!(self, |sql| {
            check_fence(&sql, claimed, sql.lock()).await?;
            note(&sql, claimed.task, &Note { event: "run_ended", path: "", detail: reason }).await?;
            let text = "UPDATE runs SET ended_at = $2, outcome = $3 WHERE id = $1";
            sql.run(text, values![claimed.run.to_string(), sql.db.millis(), to.as_str()]).await?;
            // It did not end without a word.
            let text = "UPDATE tasks SET fruitless = fruitless - 1 WHERE id = $1 AND fruitless > 0";
            sql.run(text, values![id(claimed.task)]).await?;
            shift(&sql, claimed.task, to, reason, error).await?;
            tell_others(&sql).await
        });
        ended.await?;
        self.ring();
        Ok(())
    }

    /// A task's steps, in the order in which they first began.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn steps(&self, task: TaskId) -> Result<Vec<StepRecord>, StorageError> {
        let text = "SELECT * FROM steps WHERE task_id = $1 ORDER BY position";
        self.read().all(text, values![id(task)]).await?.iter().map(step_of).collect()
    }

    /// One step, if it has begun.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn step(&self, task: TaskId, path: &StepPath) -> Result<Option<StepRecord>, StorageError> {
        let text = "SELECT * FROM steps WHERE task_id = $1 AND path = $2";
        self.read().one(text, values![id(task), path.as_str()]).await?.as_ref().map(step_of).transpose()
    }

    /// A task's runs, the first first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn runs(&self, task: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        let text = "SELECT * FROM runs WHERE task_id = $1 ORDER BY fence";
        let rows = self.read().all(text, values![id(task)]).await?;
        rows.iter()
            .map(|row| {
                Ok(RunRecord {
                    fence: row.get("fence")?,
                    owner: row.get("owner")?,
                    started_at: row.time("started_at")?,
                    ended_at: row.maybe_time("ended_at")?,
                    outcome: row.get("outcome")?,
                })
            })
            .collect()
    }
}

fn step_of(row: &Row) -> Result<StepRecord, StorageError> {
    let status: String = row.get("status")?;
    Ok(StepRecord {
        name: StepPath::new(row.get::<String>("path")?),
        status: serde_json::from_value(status.into()).map_err(|e| unread("status", e))?,
        attempts: row.small("attempts")?,
        started_at: row.time("started_at")?,
        finished_at: row.maybe_time("finished_at")?,
        reasons: row.json("reasons")?,
        error: row.get("error")?,
        result: row.get("result")?,
    })
}
