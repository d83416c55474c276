//! The journal of model calls: each is written down before it is made and as soon as it ends.

use cofounder_domain::{CallRecord, NanoUsd, StepPath, TaskId};
use serde_json::Value;
use std::collections::HashMap;

use crate::{
    Claimed, Database, StorageError,
    queue::check_fence,
    sql::{Row, id, signed, to_json, values},
    work::transaction,
};

/// A call that is about to be made.
#[derive(Clone, Debug)]
pub struct CallStart<'a> {
    /// Names the question: the same key, the same answer.
    pub key: &'a str,
    /// The run that asks, if one does.
    pub run: Option<&'a Claimed>,
    /// The step that asks.
    pub step: &'a str,
    /// Which question of the step it is.
    pub ordinal: u32,
    /// The target that was chosen first.
    pub model: &'a str,
    /// What is asked.
    pub request: &'a Value,
}

/// How a call ended well.
#[derive(Clone, Debug)]
pub struct FinishedCall<'a> {
    /// `provider/model` that answered.
    pub model: &'a str,
    /// What it answered.
    pub answer: &'a Value,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Prompt tokens that were cached.
    pub tokens_cached: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// What it cost.
    pub cost: NanoUsd,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// A call that was made before.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalledCall {
    /// What was answered.
    pub answer: Value,
    /// `provider/model` that answered.
    pub model: String,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Prompt tokens that were cached.
    pub tokens_cached: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// What it cost.
    pub cost: NanoUsd,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// What a task's calls took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls that ended well.
    pub calls: u64,
    /// Calls that were begun and whose end was never seen: they may have been paid.
    pub unfinished: u64,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// What they cost.
    pub cost: NanoUsd,
}

impl Database {
    /// The answer to this question, if it was answered before.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn journalled_call(&self, key: &str) -> Result<Option<JournalledCall>, StorageError> {
        let row = self
            .read()
            .one("SELECT * FROM model_calls WHERE call_key = $1 AND state = 'done'", values![key])
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(JournalledCall {
            answer: row.json("answer")?,
            model: row.get("model")?,
            tokens_in: row.number("tokens_in")?,
            tokens_cached: row.number("tokens_cached")?,
            tokens_out: row.number("tokens_out")?,
            cost: NanoUsd::new(row.number("cost")?),
            ms: row.number("ms")?,
        }))
    }

    /// Writes down that a call is about to be made; tells the entry's number.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now. Whatever the error, the call must not be made.
    pub async fn begin_call(&self, call: &CallStart<'_>) -> Result<i64, StorageError> {
        let request = to_json(call.request)?;
        transaction!(self, |sql| {
            if let Some(run) = call.run {
                check_fence(&sql, run, sql.lock()).await?;
            }
            let text = "INSERT INTO model_calls (call_key, task_id, step, ordinal, state, model, request, started_at)
                        VALUES ($1, $2, $3, $4, 'started', $5, $6, $7) RETURNING id";
            let task = call.run.map(|run| id(run.task));
            let ordinal = i64::from(call.ordinal);
            let row = values![call.key, task, call.step, ordinal, call.model, request.clone(), sql.db.millis()];
            sql.one(text, row).await?.ok_or_else(|| StorageError::bug("no row came back"))?.get("id")
        })
        .await
    }

    /// Writes down what a call came to.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now: what it cost is written down, and its answer is not,
    /// since the task's new owner may have had another.
    pub async fn finish_call(
        &self,
        entry: i64,
        run: Option<&Claimed>,
        call: &FinishedCall<'_>,
    ) -> Result<(), StorageError> {
        let answer = to_json(call.answer)?;
        let mine = transaction!(self, |sql| {
            let mine = match run {
                Some(run) => match check_fence(&sql, run, sql.lock()).await {
                    Err(StorageError::Stale) => false,
                    checked => checked.map(|()| true)?,
                },
                None => true,
            };
            let text = "UPDATE model_calls SET state = $2, model = $3, answer = $4, error = $5, tokens_in = $6, tokens_cached = $7,
                          tokens_out = $8, cost = $9, ms = $10 WHERE id = $1";
            let late = (!mine).then(|| "answered when another process had taken the task over".to_owned());
            let row = values![
                entry,
                if mine { "done" } else { "failed" },
                call.model,
                mine.then(|| answer.clone()),
                late,
                signed(call.tokens_in),
                signed(call.tokens_cached),
                signed(call.tokens_out),
                signed(call.cost.nano()),
                signed(call.ms)
            ];
            sql.run(text, row).await?;
            if let Some(run) = run.filter(|_| mine) {
                let text = "UPDATE tasks SET fruitless = 0 WHERE id = $1 AND fruitless > 0";
                sql.run(text, values![id(run.task)]).await?;
            }
            Ok(mine)
        });
        if mine.await? { Ok(()) } else { Err(StorageError::Stale) }
    }

    /// Writes down why a call failed. If somebody else has the task by now, the call stays one whose end was not seen.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn fail_call(
        &self,
        entry: i64,
        run: Option<&Claimed>,
        error: &str,
        ms: u64,
    ) -> Result<(), StorageError> {
        let fence = run.map_or(0, |run| run.fence);
        let text = "UPDATE model_calls SET state = 'failed', error = $2, ms = $3 WHERE id = $1 AND (task_id IS NULL OR EXISTS
                      (SELECT 1 FROM tasks WHERE tasks.id = model_calls.task_id AND tasks.fence = $4 AND tasks.status = 'in_progress'))";
        transaction!(self, |sql| sql.run(text, values![entry, error, signed(ms), fence]).await.map(drop))
            .await
    }

    /// A task's calls that ended well, in order.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn calls(&self, task: TaskId) -> Result<Vec<CallRecord>, StorageError> {
        let text = "SELECT step, model, tokens_in, tokens_out, cost, ms FROM model_calls WHERE task_id = $1 AND state = 'done' ORDER BY id";
        let rows = self.read().all(text, values![id(task)]).await?;
        rows.iter()
            .map(|row| {
                Ok(CallRecord {
                    step: row.get("step")?,
                    model: row.get("model")?,
                    tokens_in: row.number("tokens_in")?,
                    tokens_out: row.number("tokens_out")?,
                    cost_usd: NanoUsd::new(row.number("cost")?).as_usd(),
                    ms: row.number("ms")?,
                })
            })
            .collect()
    }

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
}

const SUMS: &str = "count(*) FILTER (WHERE state = 'done') AS calls, count(*) FILTER (WHERE state = 'started') AS unfinished,
    CAST(coalesce(sum(tokens_in), 0) AS BIGINT) AS tokens_in, CAST(coalesce(sum(tokens_out), 0) AS BIGINT) AS tokens_out,
    CAST(coalesce(sum(cost), 0) AS BIGINT) AS cost";

fn spent_of(row: &Row) -> Result<Spent, StorageError> {
    Ok(Spent {
        calls: row.number("calls")?,
        unfinished: row.number("unfinished")?,
        tokens_in: row.number("tokens_in")?,
        tokens_out: row.number("tokens_out")?,
        cost: NanoUsd::new(row.number("cost")?),
    })
}
