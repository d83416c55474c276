//! Why somebody is not let in.

use cofounder_domain::FaultKind;
use cofounder_storage::StorageError;
use std::{fmt, sync::Arc};

/// A token was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// It is not valid. The words are the same whatever the reason, so that nobody learns from them which tokens there
    /// are; the reason is for the log.
    #[error("the token is not valid. Make a new one with `cofounder token create NAME`")]
    Refused(Refusal),
    /// Whether it is valid cannot be told now, so nobody is let in.
    #[error("the token cannot be checked now: {0}")]
    Unknown(Arc<StorageError>),
}

/// Why a token is not valid: for the log, and never for who shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It does not look like one.
    Malformed,
    /// There is no such token.
    Unknown,
    /// A person took it back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl AuthError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Refused(_) => FaultKind::Unauthorised,
            Self::Unknown(error) => error.kind(),
        }
    }

    /// Why the token is not valid, if that is known.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        })
    }
}
