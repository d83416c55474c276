//! What the calls of a task took.

use cofounder_domain::{NanoUsd, StepPath, TaskId};
use std::collections::HashMap;

use crate::{
    Database, StorageError,
    sql::{Row, id, values},
};

/// What a task's calls took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls that ended well.
    pub calls: u64,
    /// Calls that were begun and whose end was never seen: they may have been paid.
    pub unfinished: u64,
    /// Calls of which nobody says what they cost.
    pub unpriced: u64,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// What they cost, with what is assumed for attempts that failed and may be charged.
    pub cost: NanoUsd,
}

impl Database {
    /// What a task's calls took together.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn spent(&self, task: TaskId) -> Result<Spent, StorageError> {
        let text = format!("SELECT {SUMS} FROM model_calls WHERE task_id = $1");
        let row = self.read().one(&text, values![id(task)]).await?;
        row.as_ref().map_or(Ok(Spent::default()), spent_of)
    }

    /// What a task's calls took, step by step.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn spent_by_step(&self, task: TaskId) -> Result<HashMap<StepPath, Spent>, StorageError> {
        let text = format!("SELECT step, {SUMS} FROM model_calls WHERE task_id = $1 GROUP BY step");
        let rows = self.read().all(&text, values![id(task)]).await?;
        rows.iter().map(|row| Ok((StepPath::new(row.get::<String>("step")?), spent_of(row)?))).collect()
    }

    /// The model that last answered a call of this role in a task, if one did.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn model_of(&self, task: TaskId, role: &str) -> Result<Option<String>, StorageError> {
        let text = "SELECT model FROM model_calls WHERE task_id = $1 AND role = $2 AND state = 'done' ORDER BY id DESC LIMIT 1";
        let row = self.read().one(text, values![id(task), role]).await?;
        row.map(|row| row.get("model")).transpose()
    }
}

const SUMS: &str = "count(*) FILTER (WHERE state = 'done') AS calls, count(*) FILTER (WHERE state = 'started') AS unfinished,
    count(*) FILTER (WHERE unpriced = 1) AS unpriced,
    CAST(coalesce(sum(tokens_in), 0) AS BIGINT) AS tokens_in, CAST(coalesce(sum(tokens_out), 0) AS BIGINT) AS tokens_out,
    CAST(coalesce(sum(cost + lost), 0) AS BIGINT) AS cost";

fn spent_of(row: &Row) -> Result<Spent, StorageError> {
    Ok(Spent {
        calls: row.number("calls")?,
        unfinished: row.number("unfinished")?,
        unpriced: row.number("unpriced")?,
        tokens_in: row.number("tokens_in")?,
        tokens_out: row.number("tokens_out")?,
        cost: row.money("cost")?,
    })
}
