//! What calls took and what may be spent, as people and programs read it.

use cofounder_domain::{CallId, FaultKind, NanoUsd, TaskId, Timestamp, TokenId};
use cofounder_metering::{Budgets, day, month, site};
use cofounder_storage::{
    Account, AccountState, CallKind, CallState, Database, LedgerRow, LedgerSum, StorageError, owner_name,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{OWNER, TASK, at, read},
};

/// A model call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct CallItem {
    /// Names the call; absent until it has ended.
    pub id: Option<CallId>,
    /// When it began.
    pub at: Moment,
    /// `done`, `failed` or `abandoned`; absent while it runs, and for ever if its end was not seen.
    pub state: Option<String>,
    /// What it asked for: `chat`, `embeddings` or `images`.
    pub kind: String,
    /// The role it was routed by; empty for none.
    pub role: String,
    /// What asked: a step's path, or such as `gateway`.
    pub step: String,
    /// The task that asked, if one did.
    pub task_id: Option<TaskId>,
    /// The token that asked, if one did.
    pub token_id: Option<TokenId>,
    /// `provider/model`.
    pub model: String,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Prompt tokens that the provider had cached.
    pub tokens_cached: u64,
    /// Prompt tokens that the provider was asked to keep.
    pub tokens_cache_write: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// Answer tokens that were not shown.
    pub tokens_reasoning: u64,
    /// Whether the provider counted them; else they are estimated.
    pub measured: bool,
    /// Whether anybody says what it cost.
    pub priced: bool,
    /// What it cost, with what is assumed for attempts that failed and may be charged.
    pub cost_usd: f64,
    /// The same in billionths of a dollar.
    pub cost_nanousd: u64,
    /// Of that, what is assumed.
    pub lost_nanousd: u64,
    /// How long the first token took, in milliseconds, if there was one.
    pub first_token_ms: Option<u64>,
    /// How long all of it took, in milliseconds.
    pub ms: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// The kind of that failure.
    #[schema(value_type = Option<String>)]
    pub fault: Option<FaultKind>,
    /// Every attempt.
    #[schema(value_type = Vec<Object>)]
    pub attempts: serde_json::Value,
    /// Why this model was chosen.
    #[schema(value_type = Object)]
    pub route: serde_json::Value,
    /// The process that asked.
    pub owner: String,
}

/// What some calls took together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct CostItem {
    /// What they have in common; empty for calls without.
    pub key: String,
    /// How many there are.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many were begun and their end never seen.
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
    pub cost_usd: f64,
    /// The same in billionths of a dollar.
    pub cost_nanousd: u64,
}

/// An account of money: what was used of it in a period, and what may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct BudgetItem {
    /// `site:ID`, `task:ID` or `token:ID`.
    pub scope: String,
    /// What people call it, if it is a token's.
    pub name: Option<String>,
    /// `day:2026-11-28`, `month:2026-11` (UTC) or `ever`.
    pub period: String,
    /// The most that may be used; absent without a cap.
    pub cap_usd: Option<f64>,
    /// Spent, and set aside for calls that go on.
    pub used_usd: f64,
    /// Spent.
    pub spent_usd: f64,
    /// The same in billionths of a dollar.
    pub spent_nanousd: u64,
    /// Set aside for calls that go on.
    pub set_aside_usd: f64,
}

impl Sample for CallItem {
    fn sample() -> Self {
        let attempt = serde_json::json!({"target": "acme/acme-large", "ms": 2100});
        Self {
            id: Some(read("019ac9d4-7b00-7d44-93e1-1a2b3c4d5e08")),
            at: at(12),
            state: Some("done".to_owned()),
            kind: "chat".to_owned(),
            role: "draft".to_owned(),
            step: "draft/section-1".to_owned(),
            task_id: Some(read(TASK)),
            token_id: None,
            model: "acme/acme-large".to_owned(),
            tokens_in: 1_800,
            tokens_cached: 0,
            tokens_cache_write: 0,
            tokens_out: 240,
            tokens_reasoning: 0,
            measured: true,
            priced: true,
            cost_usd: 0.00228,
            cost_nanousd: 2_280_000,
            lost_nanousd: 0,
            first_token_ms: Some(310),
            ms: 2_100,
            error: None,
            fault: None,
            attempts: serde_json::Value::Array(vec![attempt]),
            route: serde_json::json!({"why": "router.prefer"}),
            owner: OWNER.to_owned(),
        }
    }
}

impl Sample for CostItem {
    fn sample() -> Self {
        Self {
            key: "acme/acme-large".to_owned(),
            calls: 14,
            failed: 1,
            unfinished: 0,
            tokens_in: 21_300,
            tokens_cached: 4_000,
            tokens_out: 3_900,
            unpriced: 0,
            cost_usd: 0.0295,
            cost_nanousd: 29_500_000,
        }
    }
}

impl Sample for BudgetItem {
    fn sample() -> Self {
        Self {
            scope: format!("task:{TASK}"),
            name: None,
            period: "ever".to_owned(),
            cap_usd: Some(2.0),
            used_usd: 0.0295,
            spent_usd: 0.0295,
            spent_nanousd: 29_500_000,
            set_aside_usd: 0.0,
        }
    }
}

impl From<LedgerRow> for CallItem {
    fn from(row: LedgerRow) -> Self {
        let spent = row.cost + row.lost;
        let state = row.state.map(|state| match state {
            CallState::Done => "done",
            CallState::Failed => "failed",
            CallState::Abandoned => "abandoned",
        });
        let kind = match row.kind {
            CallKind::Chat => "chat",
            CallKind::Embeddings => "embeddings",
            CallKind::Images => "images",
        };
        Self {
            id: row.call_id,
            at: row.at.into(),
            state: state.map(str::to_owned),
            kind: kind.to_owned(),
            role: row.role,
            step: row.step,
            task_id: row.task,
            token_id: row.token,
            model: row.model,
            tokens_in: row.tokens.input,
            tokens_cached: row.tokens.cached,
            tokens_cache_write: row.tokens.cache_write,
            tokens_out: row.tokens.output,
            tokens_reasoning: row.tokens.reasoning,
            measured: row.tokens.measured,
            priced: !row.tokens.unpriced,
            cost_usd: spent.as_usd(),
            cost_nanousd: spent.nano(),
            lost_nanousd: row.lost.nano(),
            first_token_ms: row.first_token_ms,
            ms: row.ms,
            error: row.error,
            fault: row.fault,
            attempts: row.attempts,
            route: row.route,
            owner: owner_name(&row.owner),
        }
    }
}

impl From<LedgerSum> for CostItem {
    fn from(sum: LedgerSum) -> Self {
        Self {
            key: sum.key,
            calls: sum.calls,
            failed: sum.failed,
            unfinished: sum.unfinished,
            tokens_in: sum.tokens_in,
            tokens_cached: sum.tokens_cached,
            tokens_out: sum.tokens_out,
            unpriced: sum.unpriced,
            cost_usd: sum.cost.as_usd(),
            cost_nanousd: sum.cost.nano(),
        }
    }
}

impl BudgetItem {
    /// Of an account with its cap.
    #[must_use]
    pub fn of(account: &Account, name: Option<&str>, cap: Option<NanoUsd>, state: AccountState) -> Self {
        Self {
            scope: account.scope.clone(),
            name: name.map(str::to_owned),
            period: account.period.clone(),
            cap_usd: cap.map(NanoUsd::as_usd),
            used_usd: state.used.as_usd(),
            spent_usd: state.spent.as_usd(),
            spent_nanousd: state.spent.nano(),
            set_aside_usd: state.used.saturating_sub(state.spent).as_usd(),
        }
    }
}

/// Accounts that are looked at, of each kind.
pub const SHOWN: u64 = 500;

/// The accounts of the site and of tasks, as far as something was used of them today, this month or ever; at most [`SHOWN`]
/// of each.
///
/// # Errors
/// [`StorageError`] if the database does not answer.
pub async fn everybodys(
    db: &Database,
    budgets: &Budgets,
    now: Timestamp,
) -> Result<Vec<BudgetItem>, StorageError> {
    let periods = [day(now), month(now), "ever".to_owned()];
    let mut items = Vec::new();
    for kind in ["site:", "task:"] {
        let known = db.accounts(kind, &periods, SHOWN).await?;
        let item =
            |(account, state): &(Account, _)| BudgetItem::of(account, None, cap(budgets, account), *state);
        items.extend(known.iter().map(item));
    }
    Ok(items)
}

/// The cap that the configuration sets for an account.
fn cap(budgets: &Budgets, account: &Account) -> Option<NanoUsd> {
    let task = account.scope.starts_with("task:");
    match (account.scope == site(), task, account.period.split(':').next()) {
        (true, _, Some("day")) => budgets.day,
        (true, _, Some("month")) => budgets.month,
        (_, true, _) => budgets.task,
        _ => None,
    }
}
