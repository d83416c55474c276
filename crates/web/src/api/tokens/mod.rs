//! Tokens for programs. Only an owner makes and takes them back.

use axum::{Json as Answer, extract::State, http::StatusCode};
use cofounder_auth::{DEFAULT_LIFETIME, Order, OrderError, Scope, ScopeError, Tokens, parse_lifetime};
use cofounder_domain::{NanoUsd, TokenId};
use cofounder_storage::Database;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Manage},
    api::{
        extract::{Json, Named, Query, invalid},
        page::{Paged, Part},
    },
    documents::{IssuedToken, Sample, TokenDocument},
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, revoke))
}

/// List tokens
///
/// The newest first, also those that open nothing any more.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens", params(Part), security(("token" = ["admin"])),
    responses((status = 200, description = "A page of tokens", body = Paged<TokenDocument>))
)]
pub(crate) async fn list(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    State(tokens): State<Arc<Tokens>>,
    Query(part): Query<Part>,
) -> Result<Answer<Paged<TokenDocument>>, Problem> {
    let found = db.tokens(part.limit()?, part.cursor()).await?;
    Ok(Answer(Paged::with(found, |token| TokenDocument::of(token, tokens.now()))))
}

/// The largest limit in a minute.
const MOST: u64 = 1_000_000_000;

/// What a token should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct NewToken {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may: one or more of `admin`, `editor`, `writer`, `viewer`, `gateway`.
    #[schema(min_items = 1, max_items = 5)]
    scopes: Vec<String>,
    /// How long it is valid: `30m`, `12h`, `90d`; at most a year, and 90 days if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    expires: Option<String>,
    /// US dollars that it may spend in a day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    budget_day_usd: Option<f64>,
    /// US dollars that it may spend in a month (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    budget_month_usd: Option<f64>,
    /// How often it may ask in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    requests_per_minute: Option<u64>,
    /// How many model tokens it may use in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    tokens_per_minute: Option<u64>,
}

/// Make a token
///
/// Its text is in the answer and is kept nowhere: who loses it makes another one.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    security(("token" = ["admin"])),
    responses((status = 201, description = "The token and, this once, its text", body = IssuedToken))
)]
pub(crate) async fn create(
    caller: Caller<Manage>,
    State(tokens): State<Arc<Tokens>>,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Answer<IssuedToken>), Problem> {
    let issued = tokens.issue(&caller.act_to_give()?, &new.order()?).await.map_err(|error| match error {
        OrderError::Storage(error) => Problem::from(error),
        error => Problem::new(error.kind(), error.to_string()),
    })?;
    let document = TokenDocument::of(issued.token, tokens.now());
    let token = issued.secret.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Answer(IssuedToken { document, token })))
}

impl NewToken {
    fn order(&self) -> Result<Order, Problem> {
        let nothing = |error: String| invalid(format!("{error}. Nothing was made"));
        let scopes: Result<Vec<Scope>, ScopeError> = self.scopes.iter().map(|scope| scope.parse()).collect();
        let lifetime = self.expires.as_deref().map_or(Ok(DEFAULT_LIFETIME), parse_lifetime);
        if self.scopes.len() > Scope::ALL.len() {
            return Err(nothing(format!(
                "there are {} scopes, and {} were asked for",
                Scope::ALL.len(),
                self.scopes.len()
            )));
        }
        let limits = [self.requests_per_minute, self.tokens_per_minute];
        if let Some(wrong) = limits.into_iter().flatten().find(|limit| !(1..=MOST).contains(limit)) {
            return Err(nothing(format!(
                "a limit is {wrong}, and must be 1 to {MOST}; leave it out for none"
            )));
        }
        Ok(Order {
            name: self.name.clone(),
            scopes: scopes.map_err(|error| nothing(error.to_string()))?,
            lifetime: lifetime.map_err(|error| nothing(error.to_string()))?,
            budget_day: money("budget_day_usd", self.budget_day_usd)?,
            budget_month: money("budget_month_usd", self.budget_month_usd)?,
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
        })
    }
}

fn money(field: &str, usd: Option<f64>) -> Result<Option<NanoUsd>, Problem> {
    match usd {
        Some(usd) if !usd.is_finite() || usd < 0.0 => {
            Err(invalid(format!("`{field}` must be 0 or more US dollars. Nothing was made")))
        }
        usd => Ok(usd.map(NanoUsd::from_usd)),
    }
}

/// Show a token
///
/// What it may and when it was last used, without its text.
#[utoipa::path(
    get, path = "/api/v1/tokens/{id}", tag = "tokens", security(("token" = ["admin"])),
    params(("id" = TokenId, Path, description = "The token's id")),
    responses((status = 200, description = "The token, without its text", body = TokenDocument))
)]
pub(crate) async fn show(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    State(tokens): State<Arc<Tokens>>,
    Named(id): Named<TokenId>,
) -> Result<Answer<TokenDocument>, Problem> {
    Ok(Answer(TokenDocument::of(db.token(id).await?, tokens.now())))
}

/// Take a token back
///
/// For good: this server refuses it at once, others within a second. Nothing happens to one that was taken back before.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "tokens", security(("token" = ["admin"])),
    params(("id" = TokenId, Path, description = "The token's id")),
    responses((status = 200, description = "The token, revoked", body = TokenDocument, example = TokenDocument::sample_revoked))
)]
pub(crate) async fn revoke(
    caller: Caller<Manage>,
    State(tokens): State<Arc<Tokens>>,
    Named(id): Named<TokenId>,
) -> Result<Answer<TokenDocument>, Problem> {
    let revoked = tokens.revoke(&caller.act(), id).await?;
    Ok(Answer(TokenDocument::of(revoked, tokens.now())))
}

impl Sample for NewToken {
    fn sample() -> Self {
        Self {
            name: "editor of the newsletter".to_owned(),
            scopes: vec!["writer".to_owned()],
            expires: Some("90d".to_owned()),
            budget_day_usd: Some(5.0),
            budget_month_usd: None,
            requests_per_minute: Some(60),
            tokens_per_minute: None,
        }
    }
}
