//! Whoever shows a token.

use cofounder_domain::{NanoUsd, Timestamp, TokenId};
use cofounder_storage::Token;

use crate::Scope;

/// Who asks, and what they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token.
    pub token: TokenId,
    /// What a person calls it.
    pub name: String,
    /// What it may. A word that only a newer version knows gives no right here.
    pub scopes: Vec<Scope>,
    /// What it may spend in a day (UTC).
    pub budget_day: Option<NanoUsd>,
    /// What it may spend in a month (UTC).
    pub budget_month: Option<NanoUsd>,
    /// How often it may ask in a minute.
    pub requests_per_minute: Option<u64>,
    /// How many model tokens it may use in a minute.
    pub tokens_per_minute: Option<u64>,
    /// From when on it is not valid.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Whether it may do what needs this scope.
    #[must_use]
    pub fn allows(&self, needed: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.allows(needed))
    }
}

impl From<Token> for Identity {
    fn from(token: Token) -> Self {
        Self {
            token: token.id,
            scopes: token.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            name: token.name,
            budget_day: token.budget_day,
            budget_month: token.budget_month,
            requests_per_minute: token.requests_per_minute,
            tokens_per_minute: token.tokens_per_minute,
            expires_at: token.expires_at,
        }
    }
}
