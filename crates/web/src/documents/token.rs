//! A token for a program, as people and programs read it.

use cofounder_domain::{NanoUsd, Timestamp, TokenId};
use cofounder_storage::Token;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{TOKEN, at, read},
};

/// A token. Its text is told when it is made, and never again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct TokenDocument {
    /// Its id.
    pub id: TokenId,
    /// What a person calls it.
    pub name: String,
    /// Whether it opens anything.
    pub state: TokenState,
    /// What it may: `admin`, `editor`, `writer`, `viewer`, `gateway`.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Moment,
    /// Not valid from then on.
    pub expires_at: Moment,
    /// When it was taken back; absent if it was not.
    pub revoked_at: Option<Moment>,
    /// When it was last shown, to within some seconds; absent if it never was.
    pub last_used_at: Option<Moment>,
    /// US dollars that it may spend in a day (UTC); absent without a cap of its own.
    pub budget_day_usd: Option<f64>,
    /// US dollars that it may spend in a month (UTC); absent without a cap of its own.
    pub budget_month_usd: Option<f64>,
    /// How often it may ask in a minute; absent without a limit of its own.
    pub requests_per_minute: Option<u64>,
    /// How many model tokens it may use in a minute; absent without a limit of its own.
    pub tokens_per_minute: Option<u64>,
}

/// Whether a token opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It does.
    Good,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

/// A token that was made, with its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct IssuedToken {
    /// What is known of it from now on.
    #[serde(flatten)]
    pub document: TokenDocument,
    /// Its text: told this once, and kept nowhere.
    pub token: String,
}

impl TokenDocument {
    /// Of a token, as it is at this time.
    #[must_use]
    pub fn of(token: Token, now: Timestamp) -> Self {
        let state = match () {
            () if token.revoked_at.is_some() => TokenState::Revoked,
            () if token.expires_at <= now => TokenState::Expired,
            () => TokenState::Good,
        };
        Self {
            id: token.id,
            name: token.name,
            state,
            scopes: token.scopes,
            created_at: token.created_at.into(),
            expires_at: token.expires_at.into(),
            revoked_at: token.revoked_at.map(Moment),
            last_used_at: token.last_used_at.map(Moment),
            budget_day_usd: token.budget_day.map(NanoUsd::as_usd),
            budget_month_usd: token.budget_month.map(NanoUsd::as_usd),
            requests_per_minute: token.requests_per_minute,
            tokens_per_minute: token.tokens_per_minute,
        }
    }
}

impl Sample for TokenDocument {
    fn sample() -> Self {
        Self {
            id: read(TOKEN),
            name: "editor of the newsletter".to_owned(),
            state: TokenState::Good,
            scopes: vec!["writer".to_owned()],
            created_at: at(0),
            expires_at: Moment(read("2027-02-26T09:30:00Z")),
            revoked_at: None,
            last_used_at: Some(at(300)),
            budget_day_usd: Some(5.0),
            budget_month_usd: None,
            requests_per_minute: Some(60),
            tokens_per_minute: None,
        }
    }
}

impl TokenDocument {
    /// One that was taken back.
    pub(crate) fn sample_revoked() -> Self {
        Self { state: TokenState::Revoked, revoked_at: Some(at(301)), ..Self::sample() }
    }
}

impl Sample for IssuedToken {
    fn sample() -> Self {
        let document = TokenDocument { last_used_at: None, ..TokenDocument::sample() };
        Self { document, token: "cof_…".to_owned() }
    }
}
