//! Reading the ledger: its lines, their sums, and how long it keeps what was said.

use cofounder_domain::{CallId, FaultKind, NanoUsd, TaskId, Timestamp, TokenId};
use sea_orm::Value;
use serde::Serialize;

use crate::{
    CallKind, CallState, CallTokens, Database, Page, StorageError,
    calls::tokens_of,
    sql::{self, Row, id, signed, values},
    work::transaction,
};

/// Which lines are meant: those that everything named here holds for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Asked for with this token.
    pub token: Option<TokenId>,
    /// Made by this task.
    pub task: Option<TaskId>,
    /// Answered by this `provider/model`.
    pub model: Option<String>,
    /// Begun at this time or later.
    pub since: Option<Timestamp>,
    /// Begun before this time.
    pub until: Option<Timestamp>,
}

/// A line of the ledger, without what was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerRow {
    /// Its number.
    pub id: i64,
    /// Names the call; absent until it has ended, and for calls of before schema 3.
    pub call_id: Option<CallId>,
    /// When it began.
    pub at: Timestamp,
    /// What it asked for.
    pub kind: CallKind,
    /// The role it was routed by; empty for none.
    pub role: String,
    /// The token that asked, if one did.
    pub token: Option<TokenId>,
    /// The task that asked, if one did.
    pub task: Option<TaskId>,
    /// What asked: a step's path, or such as `gateway`.
    pub step: String,
    /// `provider/model`.
    pub model: String,
    /// How it ended; absent while it runs, and for ever if its end was not seen.
    pub state: Option<CallState>,
    /// Why it failed.
    pub error: Option<String>,
    /// The kind of that failure.
    pub fault: Option<FaultKind>,
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
    /// Every attempt.
    pub attempts: serde_json::Value,
    /// Why this model was chosen.
    pub route: serde_json::Value,
    /// The process that asked; see [`crate::owner_name`].
    pub owner: String,
}

/// What lines are summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumBy {
    /// The day (UTC) on which the call began, as `2026-11-27`.
    Day,
    /// `provider/model`.
    Model,
    /// The token's id; empty for calls that no token asked for.
    Token,
    /// The role; empty for calls without.
    Role,
}

/// The sums of some lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerSum {
    /// What they have in common.
    pub key: String,
    /// How many there are.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many of them were begun and their end never seen: they may have been paid.
    pub unfinished: u64,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Prompt tokens that were cached.
    pub tokens_cached: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// Calls of which nobody says what they cost.
    pub unpriced: u64,
    /// What they cost, with what is assumed for attempts that failed and may be charged.
    pub cost: NanoUsd,
}

impl Database {
    /// Lines of the ledger, the newest first.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn ledger(
        &self,
        filter: &LedgerFilter,
        limit: u64,
        cursor: Option<&str>,
    ) -> Result<Page<LedgerRow>, StorageError> {
        let (mut condition, mut row) = filter.condition();
        if let Some(last) = sql::cursor::<i64>(cursor)? {
            row.push(Value::from(last.parse::<i64>().map_err(StorageError::bug)?));
            condition.push_str(&format!(" AND id < ${}", row.len()));
        }
        row.push(Value::from(signed(limit).saturating_add(1)));
        // Without what was said, which may be long.
        let text = format!(
            "SELECT id, call_id, started_at, kind, role, token_id, task_id, step, model, state, error, fault, tokens_in,
               tokens_cached, tokens_cache_write, tokens_out, tokens_reasoning, measured, unpriced, cost, lost, first_token_ms, ms,
               attempts, route, owner FROM model_calls WHERE {condition} ORDER BY id DESC LIMIT ${}",
            row.len()
        );
        let rows = self.read().all(&text, row).await?;
        let lines = rows.iter().map(line_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(lines, limit, |line: &LedgerRow| line.id.to_string()))
    }

    /// Sums of lines, in the order of what they are summed by.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn ledger_sums(
        &self,
        by: SumBy,
        filter: &LedgerFilter,
    ) -> Result<Vec<LedgerSum>, StorageError> {
        let sql = self.read();
        let key = match by {
            SumBy::Day => sql.on_postgres(
                "to_char(to_timestamp(started_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') COLLATE \"C\"",
                "strftime('%Y-%m-%d', started_at / 1000, 'unixepoch')",
            ),
            SumBy::Model => sql.on_postgres("model COLLATE \"C\"", "model"),
            SumBy::Token => "coalesce(token_id, '')",
            SumBy::Role => sql.on_postgres("role COLLATE \"C\"", "role"),
        };
        let (condition, row) = filter.condition();
        let text = format!(
            "SELECT {key} AS sum_key, count(*) AS calls, count(*) FILTER (WHERE state = 'failed') AS failed,
               count(*) FILTER (WHERE state = 'started') AS unfinished, count(*) FILTER (WHERE unpriced = 1) AS unpriced, CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
               CAST(sum(tokens_cached) AS BIGINT) AS tokens_cached, CAST(sum(tokens_out) AS BIGINT) AS tokens_out,
               CAST(sum(cost + lost) AS BIGINT) AS cost FROM model_calls WHERE {condition} GROUP BY 1 ORDER BY 1"
        );
        let rows = sql.all(&text, row).await?;
        rows.iter()
            .map(|row| {
                Ok(LedgerSum {
                    key: row.get("sum_key")?,
                    calls: row.number("calls")?,
                    failed: row.number("failed")?,
                    unfinished: row.number("unfinished")?,
                    tokens_in: row.number("tokens_in")?,
                    tokens_cached: row.number("tokens_cached")?,
                    tokens_out: row.number("tokens_out")?,
                    unpriced: row.number("unpriced")?,
                    cost: row.money("cost")?,
                })
            })
            .collect()
    }

    /// What was asked and what was answered in a call, as far as that is kept.
    ///
    /// # Errors
    /// [`StorageError::NotFound`]; [`StorageError`] if the database does not answer.
    pub async fn ledger_texts(&self, call: CallId) -> Result<(String, Option<String>), StorageError> {
        let text = "SELECT request, answer FROM model_calls WHERE call_id = $1";
        let row = self.read().one(text, values![call.to_string()]).await?;
        let row = row.ok_or_else(|| StorageError::NotFound { what: "call", id: call.to_string() })?;
        Ok((row.get("request")?, row.get("answer")?))
    }

    /// Forgets what was said in calls of no task that began before this time; at most `limit` of them. Tells how many
    /// there were. A task's calls keep their words: it is resumed from them.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn forget_texts(&self, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
        // The condition is that of the index.
        let text =
            "UPDATE model_calls SET request = '', answer = NULL WHERE id IN (SELECT id FROM model_calls
                      WHERE task_id IS NULL AND (request <> '' OR answer IS NOT NULL) AND started_at < $1
                      ORDER BY started_at LIMIT $2)";
        let row = || values![before.timestamp_millis(), signed(limit)];
        transaction!(self, |sql| sql.run(text, row()).await).await
    }
}

impl LedgerFilter {
    /// As a condition, with the values of its `$1`, `$2`, ….
    fn condition(&self) -> (String, Vec<Value>) {
        let millis = |at: Timestamp| at.timestamp_millis();
        sql::conditions([
            ("token_id =", self.token.map(|token| Value::from(token.to_string()))),
            ("task_id =", self.task.map(|task| Value::from(id(task)))),
            ("model =", self.model.clone().map(Value::from)),
            ("started_at >=", self.since.map(|since| Value::from(millis(since)))),
            ("started_at <", self.until.map(|until| Value::from(millis(until)))),
        ])
    }
}

fn line_of(row: &Row) -> Result<LedgerRow, StorageError> {
    let ended = row.get::<String>("state")? != "started";
    let failed = row.get::<Option<String>>("fault")?.is_some();
    Ok(LedgerRow {
        id: row.get("id")?,
        call_id: row.maybe_parse("call_id")?,
        at: row.time("started_at")?,
        kind: row.word("kind")?,
        role: row.get("role")?,
        token: row.maybe_parse("token_id")?,
        task: row.maybe_parse("task_id")?,
        step: row.get("step")?,
        model: row.get("model")?,
        state: ended.then(|| row.word("state")).transpose()?,
        error: row.get("error")?,
        fault: failed.then(|| row.word("fault")).transpose()?,
        tokens: tokens_of(row)?,
        cost: row.money("cost")?,
        lost: row.money("lost")?,
        first_token_ms: row.maybe_number("first_token_ms")?,
        ms: row.number("ms")?,
        attempts: row.json("attempts")?,
        route: row.json("route")?,
        owner: row.get("owner")?,
    })
}
