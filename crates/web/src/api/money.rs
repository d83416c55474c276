//! `/api/v1/calls`, `/api/v1/costs` and `/api/v1/budgets`: what calls took, and what may be spent.

use axum::{Json, extract::State};
use cofounder_auth::Tokens;
use cofounder_domain::{TaskId, TokenId};
use cofounder_metering::{Budgets, day, month};
use cofounder_storage::{Database, LedgerFilter, SumBy};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Manage},
    api::{
        extract::Query,
        page::{self, Paged},
    },
    documents::{BudgetItem, CallItem, CostItem, Moment, SHOWN, everybodys},
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(calls)).routes(routes!(costs)).routes(routes!(budgets))
}

/// Which calls, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichCalls {
    /// Only those of this token.
    token: Option<TokenId>,
    /// Only those of this task.
    task: Option<TaskId>,
    /// Only those of this `provider/model`.
    model: Option<String>,
    /// Only those that began at this time or later.
    since: Option<Moment>,
    /// Only those that began before this time.
    until: Option<Moment>,
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: `next_cursor` of the page before it.
    cursor: Option<String>,
}

/// List model calls
///
/// The newest first: who asked, what it took, what it cost, and why that model.
#[utoipa::path(
    get, path = "/api/v1/calls", tag = "money", params(WhichCalls), security(("token" = ["admin"])),
    responses((status = 200, description = "A page of calls", body = Paged<CallItem>))
)]
pub(crate) async fn calls(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    Query(which): Query<WhichCalls>,
) -> Result<Json<Paged<CallItem>>, Problem> {
    let WhichCalls { token, task, model, since, until, limit, cursor } = which;
    let (since, until) = (since.map(|at| at.0), until.map(|at| at.0));
    let filter = LedgerFilter { token, task, model, since, until };
    Ok(Json(Paged::of(db.ledger(&filter, page::limit(limit)?, cursor.as_deref()).await?)))
}

/// What calls are summed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// The day (UTC).
    Day,
    /// The model.
    #[default]
    Model,
    /// The token.
    Token,
    /// The role.
    Role,
}

/// Which calls, and by what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichCosts {
    /// What they are summed by, `model` if absent.
    #[serde(default)]
    #[param(inline)]
    by: By,
    /// Only those that began at this time or later.
    since: Option<Moment>,
    /// Only those that began before this time.
    until: Option<Moment>,
}

/// Sum what model calls cost
///
/// By day, model, token or role.
#[utoipa::path(
    get, path = "/api/v1/costs", tag = "money", params(WhichCosts), security(("token" = ["admin"])),
    responses((status = 200, description = "The sums", body = Paged<CostItem>))
)]
pub(crate) async fn costs(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    Query(which): Query<WhichCosts>,
) -> Result<Json<Paged<CostItem>>, Problem> {
    let by = match which.by {
        By::Day => SumBy::Day,
        By::Model => SumBy::Model,
        By::Token => SumBy::Token,
        By::Role => SumBy::Role,
    };
    let (since, until) = (which.since.map(|at| at.0), which.until.map(|at| at.0));
    let sums = db.ledger_sums(by, &LedgerFilter { since, until, ..LedgerFilter::default() }).await?;
    Ok(Json(Paged { items: sums.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// List budgets
///
/// The accounts of the site, of tasks and of tokens as far as something was used of them today, this month or ever, with
/// their caps; at most 500 of each.
#[utoipa::path(
    get, path = "/api/v1/budgets", tag = "money", security(("token" = ["admin"])),
    responses((status = 200, description = "The accounts", body = Paged<BudgetItem>))
)]
pub(crate) async fn budgets(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    State(tokens): State<Arc<Tokens>>,
    State(budgets): State<Budgets>,
) -> Result<Json<Paged<BudgetItem>>, Problem> {
    let now = tokens.now();
    let mut items = everybodys(&db, &budgets, now).await?;
    let periods = [day(now), month(now), "ever".to_owned()];
    for (account, state) in db.accounts("token:", &periods, SHOWN).await? {
        let id: Option<TokenId> = account.scope.strip_prefix("token:").and_then(|id| id.parse().ok());
        let Some(id) = id else { continue };
        let token = db.token(id).await?;
        let cap = if account.period.starts_with("day:") { token.budget_day } else { token.budget_month };
        items.push(BudgetItem::of(&account, Some(&token.name), cap, state));
    }
    Ok(Json(Paged { items, next_cursor: None }))
}
