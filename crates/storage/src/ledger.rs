//! The ledger of model calls that no run journals, such as the gateway's: written many at a time, after they ended.

use cofounder_domain::{CallId, FaultKind, NanoUsd, Timestamp, TokenId};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

use crate::{
    Database, Spend, StorageError,
    slices::spend,
    sql::{Sql, signed, values, word},
    work::transaction,
};

/// What a call asks a model for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// Text.
    #[default]
    Chat,
    /// Vectors.
    Embeddings,
    /// Pictures.
    Images,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Well.
    Done,
    /// Not well.
    Failed,
    /// Who had asked went away; what it had cost by then is counted.
    Abandoned,
}

/// The tokens of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTokens {
    /// Of the prompt, all of them.
    pub input: u64,
    /// Of those, read from the provider's cache.
    pub cached: u64,
    /// Of those, written to the provider's cache.
    pub cache_write: u64,
    /// Of the answer, all of them.
    pub output: u64,
    /// Of those, thought and not said.
    pub reasoning: u64,
    /// Whether the provider counted them; otherwise they are estimated.
    pub measured: bool,
    /// Nobody says what they cost: the cost is 0 because it is not known.
    #[serde(default)]
    pub unpriced: bool,
}

/// A call that ended, as the ledger takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerCall {
    /// Names it for good.
    pub call_id: CallId,
    /// When it began.
    pub at: Timestamp,
    /// What it asked for.
    pub kind: CallKind,
    /// The role it was routed by; empty for none.
    pub role: String,
    /// The token that asked, if one did.
    pub token: Option<TokenId>,
    /// What asked, such as `gateway`.
    pub step: String,
    /// `provider/model` that answered, or was tried last.
    pub model: String,
    /// How it ended.
    pub state: CallState,
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
    /// Every attempt, as a JSON list.
    pub attempts: String,
    /// Why this model was chosen, as a JSON object.
    pub route: String,
    /// What was asked; empty if that is not kept.
    pub request: String,
    /// What was answered, if that is kept.
    pub answer: Option<String>,
}

impl Database {
    /// Writes down calls and what they spent of the owner's slices, in one transaction. An account that it has no slice
    /// of gets one, and a slice that holds too little grows past any cap: what is spent is shown.
    ///
    /// The same calls once more, after an error that left open whether they were written, change nothing. Money without
    /// any call has no such protection.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; [`StorageError::Bug`] if it knows some of the calls and not
    /// others. Nothing of it is written then.
    pub async fn record_calls(
        &self,
        owner: &str,
        calls: &[LedgerCall],
        spends: &[Spend],
    ) -> Result<(), StorageError> {
        transaction!(self, |sql| {
            let (mut rest, mut new) = (calls, 0);
            while let Some(size) = SIZES.iter().position(|size| *size <= rest.len()) {
                let (some, others) = rest.split_at(SIZES[size]);
                new += sql.run(insertion(&sql, size), row_values(owner, some)?).await?;
                rest = others;
            }
            match new {
                0 if !calls.is_empty() => return Ok(()),
                new if new == calls.len() as u64 => {}
                new => {
                    let told = format!("{new} of {} calls were new to the ledger", calls.len());
                    return Err(StorageError::bug(told));
                }
            }
            spend(&sql, owner, spends).await
        })
        .await
    }
}

/// How many calls one statement writes: few numbers, so that few statements are prepared. Their values are bound, which
/// takes SQLite a third of the time that it takes to read them out of JSON (`bench/gateway`).
const SIZES: [usize; 3] = [32, 8, 1];

const COLUMNS: [&str; 27] = [
    "call_key",
    "owner",
    "call_id",
    "started_at",
    "kind",
    "role",
    "token_id",
    "step",
    "model",
    "state",
    "error",
    "fault",
    "tokens_in",
    "tokens_cached",
    "tokens_cache_write",
    "tokens_out",
    "tokens_reasoning",
    "measured",
    "unpriced",
    "cost",
    "lost",
    "first_token_ms",
    "ms",
    "attempts",
    "route",
    "request",
    "answer",
];

/// The statement that writes as many calls as [`SIZES`] has at this place. Each is put together once.
fn insertion(sql: &Sql<'_>, size: usize) -> &'static str {
    static SQLITE: LazyLock<[String; 3]> =
        LazyLock::new(|| SIZES.map(|count| statement(count, |_| "?, ".to_owned())));
    static POSTGRES: LazyLock<[String; 3]> =
        LazyLock::new(|| SIZES.map(|count| statement(count, |number| format!("${number}, "))));
    &sql.on_postgres(&POSTGRES, &SQLITE)[size]
}

/// Whoever writes the same calls at this moment is waited for. SQLite's values have no numbers: it looks for each that has
/// one among all before it.
fn statement(count: usize, value: impl Fn(usize) -> String) -> String {
    let width = COLUMNS.len();
    let row =
        |row: usize| format!("({}0)", (1..=width).map(|at| value(row * width + at)).collect::<String>());
    let rows: Vec<String> = (0..count).map(row).collect();
    format!(
        "INSERT INTO model_calls ({}, ordinal) VALUES {} ON CONFLICT (call_id) WHERE call_id IS NOT NULL DO NOTHING",
        COLUMNS.join(", "),
        rows.join(", ")
    )
}

/// The values of these calls, in the order of the columns.
fn row_values(owner: &str, calls: &[LedgerCall]) -> Result<Vec<Value>, StorageError> {
    let mut row = Vec::with_capacity(calls.len() * COLUMNS.len());
    for call in calls {
        let (id, tokens) = (call.call_id.to_string(), &call.tokens);
        row.extend(values![
            id.clone(),
            owner,
            id,
            call.at.timestamp_millis(),
            word(&call.kind)?,
            call.role.clone(),
            call.token.map(|token| token.to_string()),
            call.step.clone(),
            call.model.clone(),
            word(&call.state)?,
            call.error.clone(),
            call.fault.as_ref().map(word).transpose()?,
            signed(tokens.input),
            signed(tokens.cached),
            signed(tokens.cache_write),
            signed(tokens.output),
            signed(tokens.reasoning),
            i64::from(tokens.measured),
            i64::from(tokens.unpriced),
            signed(call.cost.nano()),
            signed(call.lost.nano()),
            call.first_token_ms.map(signed),
            signed(call.ms),
            call.attempts.clone(),
            call.route.clone(),
            call.request.clone(),
            call.answer.clone(),
        ]);
    }
    Ok(row)
}
