//! What is asked for when a token is made, and what comes of it.

use cofounder_domain::{FaultKind, NanoUsd};
use cofounder_storage::{StorageError, Token};
use secrecy::SecretString;
use std::time::Duration;

use crate::{DEFAULT_LIFETIME, LifetimeError, Scope, lifetime};

/// The longest name of a token.
pub const MAX_NAME_CHARS: usize = 100;

/// A token that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What a person calls it; several may have one name.
    pub name: String,
    /// What it may; one scope at least.
    pub scopes: Vec<Scope>,
    /// How long it is valid.
    pub lifetime: Duration,
    /// What it may spend in a day (UTC); no cap of its own if absent.
    pub budget_day: Option<NanoUsd>,
    /// What it may spend in a month (UTC); no cap of its own if absent.
    pub budget_month: Option<NanoUsd>,
    /// How often it may ask in a minute.
    pub requests_per_minute: Option<u64>,
    /// How many model tokens it may use in a minute.
    pub tokens_per_minute: Option<u64>,
}

impl Default for Order {
    /// No name and no scope, which no token is made from; [`DEFAULT_LIFETIME`], and no limits of its own.
    fn default() -> Self {
        Self {
            name: String::new(),
            scopes: Vec::new(),
            lifetime: DEFAULT_LIFETIME,
            budget_day: None,
            budget_month: None,
            requests_per_minute: None,
            tokens_per_minute: None,
        }
    }
}

/// A token that was made.
#[derive(Debug)]
pub struct Issued {
    /// Its text: shown once, and kept nowhere.
    pub secret: SecretString,
    /// What is known of it from now on.
    pub token: Token,
}

/// A token was not made.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Nothing but white space.
    #[error("a token needs a name, so that you know later what to revoke. Nothing was made")]
    NoName,
    /// Too long, or with characters that no list can show.
    #[error(
        "a token's name has at most {MAX_NAME_CHARS} characters, none of them a control character. Nothing was made"
    )]
    BadName,
    /// It could do nothing.
    #[error("a token needs a scope: {known}. Nothing was made", known = Scope::ALL.map(Scope::as_str).join(", "))]
    NoScope,
    /// It would live for no time, or too long.
    #[error("{0}. Nothing was made")]
    Lifetime(#[from] LifetimeError),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes ({0}). Nothing was made; try again")]
    NoChance(String),
    /// The database did not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl OrderError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::NoName | Self::BadName | Self::NoScope | Self::Lifetime(_) => FaultKind::InvalidInput,
            Self::NoChance(_) => FaultKind::Unavailable,
            Self::Storage(error) => error.kind(),
        }
    }
}

impl Order {
    /// The order as it is carried out: its name trimmed, each scope once.
    pub(crate) fn checked(&self) -> Result<Self, OrderError> {
        let name = self.name.trim();
        if name.is_empty() {
            return Err(OrderError::NoName);
        }
        if name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            return Err(OrderError::BadName);
        }
        let mut scopes = self.scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(OrderError::NoScope);
        }
        lifetime::check(self.lifetime)?;
        Ok(Self { name: name.to_owned(), scopes, ..self.clone() })
    }
}
