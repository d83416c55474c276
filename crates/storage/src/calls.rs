//! The journal of a run's model calls: each is written down before it is made and as soon as it ends.

use cofounder_domain::{CallId, CallRecord, FaultKind, NanoUsd, TaskId};
use serde_json::Value;

use crate::{
    CallKind, CallTokens, Claimed, Database, Spend, StorageError,
    queue::check_fence,
    slices::spend,
    sql::{Row, Sql, id, signed, to_json, values, word},
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
    /// What it asks for.
    pub kind: CallKind,
    /// The role that it is routed by; empty for none.
    pub role: &'a str,
    /// The target that was chosen first.
    pub model: &'a str,
    /// What is asked.
    pub request: &'a Value,
    /// The process that asks: [`crate::Owner::id`].
    pub owner: &'a str,
}

/// What a call took, however it ended.
#[derive(Clone, Debug)]
pub struct CallEnd<'a> {
    /// Names the call for good.
    pub call_id: CallId,
    /// The process whose slices pay for it.
    pub owner: &'a str,
    /// `provider/model` that answered, or was tried last.
    pub model: &'a str,
    /// Its tokens.
    pub tokens: CallTokens,
    /// What it cost.
    pub cost: NanoUsd,
    /// What is assumed for attempts that failed and may be charged all the same.
    pub lost: NanoUsd,
    /// How long the first token took, in milliseconds, if there was one.
    pub first_token_ms: Option<u64>,
    /// How long all of it took, in milliseconds.
    pub ms: u64,
    /// Every attempt, as a JSON list.
    pub attempts: &'a str,
    /// Why this model was chosen, as a JSON object.
    pub route: &'a str,
    /// What it spent, for each account.
    pub spends: &'a [Spend],
}

/// How a call ended well.
#[derive(Clone, Debug)]
pub struct FinishedCall<'a> {
    /// What was answered.
    pub answer: &'a Value,
    /// What it took.
    pub end: CallEnd<'a>,
}

/// How a call ended otherwise.
#[derive(Clone, Debug)]
pub struct FailedCall<'a> {
    /// Why.
    pub error: &'a str,
    /// What kind of failure that is.
    pub fault: FaultKind,
    /// It was cut off from here: its end was not seen, and it is counted as such.
    pub cut_off: bool,
    /// What it took all the same.
    pub end: CallEnd<'a>,
}

/// A call that was made before.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalledCall {
    /// What was answered.
    pub answer: Value,
    /// `provider/model` that answered.
    pub model: String,
    /// Its tokens.
    pub tokens: CallTokens,
    /// What it cost.
    pub cost: NanoUsd,
    /// How long the first token took, in milliseconds, if there was one.
    pub first_token_ms: Option<u64>,
    /// How long all of it took, in milliseconds.
    pub ms: u64,
}

impl Database {
    /// The answer to this question, if it was answered before.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn journalled_call(&self, key: &str) -> Result<Option<JournalledCall>, StorageError> {
        // The condition is that of the index.
        let text = "SELECT * FROM model_calls WHERE call_key = $1 AND state = 'done' AND task_id IS NOT NULL";
        let Some(row) = self.read().one(text, values![key]).await? else { return Ok(None) };
        Ok(Some(JournalledCall {
            answer: row.json("answer")?,
            model: row.get("model")?,
            tokens: tokens_of(&row)?,
            cost: row.money("cost")?,
            first_token_ms: row.maybe_number("first_token_ms")?,
            ms: row.number("ms")?,
        }))
    }

    /// Writes down that a call is about to be made; tells the entry's number.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now. Whatever the error, the call must not be made.
    pub async fn begin_call(&self, call: &CallStart<'_>) -> Result<i64, StorageError> {
        let (request, kind) = (to_json(call.request)?, word(&call.kind)?);
        transaction!(self, |sql| {
            if let Some(run) = call.run {
                check_fence(&sql, run, sql.lock()).await?;
            }
            let text = "INSERT INTO model_calls (call_key, task_id, step, ordinal, state, kind, role, model, request, owner, started_at)
                        VALUES ($1, $2, $3, $4, 'started', $5, $6, $7, $8, $9, $10) RETURNING id";
            let row = values![
                call.key,
                call.run.map(|run| id(run.task)),
                call.step,
                i64::from(call.ordinal),
                kind.clone(),
                call.role,
                call.model,
                request.clone(),
                call.owner,
                sql.db.millis()
            ];
            sql.one(text, row).await?.ok_or_else(|| StorageError::bug("no row came back"))?.get("id")
        })
        .await
    }

    /// Writes down what a call came to and what it spent, in one transaction. Once more, after an error that left open
    /// whether it took place, changes nothing.
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
            let mine = is_mine(&sql, run).await?;
            let outcome = Outcome {
                state: if mine { "done" } else { "failed" },
                answer: mine.then(|| answer.clone()),
                error: (!mine).then(|| "answered when another process had taken the task over".to_owned()),
                fault: (!mine).then_some(FaultKind::Conflict),
            };
            end(&sql, entry, outcome, &call.end).await?;
            if let Some(run) = run.filter(|_| mine) {
                let text = "UPDATE tasks SET fruitless = 0 WHERE id = $1 AND fruitless > 0";
                sql.run(text, values![id(run.task)]).await?;
            }
            Ok(mine)
        });
        if mine.await? { Ok(()) } else { Err(StorageError::Stale) }
    }

    /// Writes down why a call failed and what it spent all the same, in one transaction. If somebody else has the task by
    /// now, or the call was cut off, it stays one whose end was not seen. Once more, after an error that left open whether it took place,
    /// changes nothing.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn fail_call(
        &self,
        entry: i64,
        run: Option<&Claimed>,
        call: &FailedCall<'_>,
    ) -> Result<(), StorageError> {
        transaction!(self, |sql| {
            let outcome = Outcome {
                state: if is_mine(&sql, run).await? && !call.cut_off { "failed" } else { "started" },
                answer: None,
                error: Some(call.error.to_owned()),
                fault: Some(call.fault),
            };
            end(&sql, entry, outcome, &call.end).await
        })
        .await
    }

    /// A task's calls that ended well, in order. What is assumed for their failed attempts is part of what they cost.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn calls(&self, task: TaskId) -> Result<Vec<CallRecord>, StorageError> {
        let text = "SELECT step, model, tokens_in, tokens_out, cost + lost AS cost, ms FROM model_calls
                    WHERE task_id = $1 AND state = 'done' ORDER BY id";
        let rows = self.read().all(text, values![id(task)]).await?;
        rows.iter()
            .map(|row| {
                Ok(CallRecord {
                    step: row.get("step")?,
                    model: row.get("model")?,
                    tokens_in: row.number("tokens_in")?,
                    tokens_out: row.number("tokens_out")?,
                    cost_usd: row.money("cost")?.as_usd(),
                    ms: row.number("ms")?,
                })
            })
            .collect()
    }
}

/// What becomes of an entry of the journal.
struct Outcome {
    state: &'static str,
    answer: Option<String>,
    error: Option<String>,
    fault: Option<FaultKind>,
}

/// Whether the task is still that of the run; then it stays so until the transaction ends.
async fn is_mine(sql: &Sql<'_>, run: Option<&Claimed>) -> Result<bool, StorageError> {
    let Some(run) = run else { return Ok(true) };
    match check_fence(sql, run, sql.lock()).await {
        Err(StorageError::Stale) => Ok(false),
        checked => checked.map(|()| true),
    }
}

/// Ends an entry that has not ended yet, and spends what the call took.
async fn end(sql: &Sql<'_>, entry: i64, outcome: Outcome, end: &CallEnd<'_>) -> Result<(), StorageError> {
    let text = "UPDATE model_calls SET state = $2, answer = $3, error = $4, fault = $5, call_id = $6, owner = $7, model = $8,
                  tokens_in = $9, tokens_cached = $10, tokens_cache_write = $11, tokens_out = $12, tokens_reasoning = $13,
                  measured = $14, cost = $15, lost = $16, first_token_ms = $17, ms = $18, attempts = $19, route = $20, unpriced = $21
                WHERE id = $1 AND call_id IS NULL";
    let row = values![
        entry,
        outcome.state,
        outcome.answer,
        outcome.error,
        outcome.fault.map(|fault| word(&fault)).transpose()?,
        end.call_id.to_string(),
        end.owner,
        end.model,
        signed(end.tokens.input),
        signed(end.tokens.cached),
        signed(end.tokens.cache_write),
        signed(end.tokens.output),
        signed(end.tokens.reasoning),
        i64::from(end.tokens.measured),
        signed(end.cost.nano()),
        signed(end.lost.nano()),
        end.first_token_ms.map(signed),
        signed(end.ms),
        end.attempts,
        end.route,
        i64::from(end.tokens.unpriced),
    ];
    if sql.run(text, row).await? == 0 { Ok(()) } else { spend(sql, end.owner, end.spends).await }
}

/// The tokens of a line.
pub(crate) fn tokens_of(row: &Row) -> Result<CallTokens, StorageError> {
    Ok(CallTokens {
        input: row.number("tokens_in")?,
        cached: row.number("tokens_cached")?,
        cache_write: row.number("tokens_cache_write")?,
        output: row.number("tokens_out")?,
        reasoning: row.number("tokens_reasoning")?,
        measured: row.get::<i64>("measured")? == 1,
        unpriced: row.get::<i64>("unpriced")? == 1,
    })
}
