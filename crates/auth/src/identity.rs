//! Whoever asks: a program that shows a token, or a person who signed in.

use cofounder_domain::{NanoUsd, PersonId, SessionId, Timestamp, TokenId};
use cofounder_storage::{Actor, SignedIn, Token};
use std::time::Duration;

use crate::Scope;

/// How long a session goes without its last use being written anew.
const SEEN: Duration = Duration::from_mins(1);

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A program, by its token.
    Token(TokenId),
    /// A person, in one browser.
    Person {
        /// The person.
        person: PersonId,
        /// Their being signed in there.
        session: SessionId,
    },
}

/// Who asks, and what they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who it is.
    pub who: Who,
    /// What people call them.
    pub name: String,
    /// What they may. A word that only a newer version knows gives no right here.
    pub scopes: Vec<Scope>,
    /// What a token may spend in a day (UTC).
    pub budget_day: Option<NanoUsd>,
    /// What a token may spend in a month (UTC).
    pub budget_month: Option<NanoUsd>,
    /// How often a token may ask in a minute.
    pub requests_per_minute: Option<u64>,
    /// How many model tokens a token may use in a minute.
    pub tokens_per_minute: Option<u64>,
    /// From when on it is not valid, unless a session is used until then.
    pub expires_at: Timestamp,
    /// Whether it is an access token: one that ends soon, and whose rights are another token's.
    pub passing: bool,
    /// From when on its use is written down anew.
    pub(crate) note_from: Timestamp,
}

impl Identity {
    /// Whether it may do what needs this scope.
    #[must_use]
    pub fn allows(&self, needed: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.allows(needed))
    }

    /// The token, if a program asks.
    #[must_use]
    pub const fn token(&self) -> Option<TokenId> {
        match self.who {
            Who::Token(token) => Some(token),
            Who::Person { .. } => None,
        }
    }

    /// Whose doing it is.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self.who {
            Who::Token(token) => Actor::Token(token, self.name.clone()),
            Who::Person { person, .. } => Actor::Person(person, self.name.clone()),
        }
    }

    /// The person and their session, if a person asks.
    #[must_use]
    pub const fn person(&self) -> Option<(PersonId, SessionId)> {
        match self.who {
            Who::Token(_) => None,
            Who::Person { person, session } => Some((person, session)),
        }
    }
}

impl From<Token> for Identity {
    fn from(token: Token) -> Self {
        Self {
            who: Who::Token(token.id),
            scopes: token.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            name: token.name,
            budget_day: token.budget_day,
            budget_month: token.budget_month,
            requests_per_minute: token.requests_per_minute,
            tokens_per_minute: token.tokens_per_minute,
            expires_at: token.expires_at,
            passing: false,
            note_from: token.created_at,
        }
    }
}

impl From<SignedIn> for Identity {
    fn from(SignedIn { session, name, role, .. }: SignedIn) -> Self {
        Self {
            who: Who::Person { person: session.person, session: session.id },
            name,
            scopes: vec![role.into()],
            budget_day: None,
            budget_month: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            expires_at: session.idle_until.min(session.expires_at),
            passing: false,
            note_from: session.last_seen_at + SEEN,
        }
    }
}
