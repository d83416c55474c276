//! Why somebody is not let in.

use cofounder_domain::FaultKind;
use cofounder_storage::StorageError;
use std::{fmt, sync::Arc};

/// A token or a session was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// It is not valid. The words are the same whatever the reason, so that nobody learns from them which tokens there
    /// are; the reason is for the log.
    #[error("the token is not valid. Make a new one with `cofounder token create NAME`")]
    Refused(Refusal),
    /// A session is not valid, with the same words whatever the reason.
    #[error("you are not signed in, or not any more. Sign in and try again")]
    SignedOut(Refusal),
    /// Whether it is valid cannot be told now, so nobody is let in.
    #[error("who asks cannot be checked now: {0}")]
    Unknown(Arc<StorageError>),
}

/// Why a token or a session is not valid: for the log, and never for who shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It does not look like one.
    Malformed,
    /// There is none like it.
    Unknown,
    /// It was taken back or ended.
    Revoked,
    /// Its person cannot sign in any more.
    Disabled,
    /// Its time is over.
    Expired,
}

impl AuthError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Refused(_) | Self::SignedOut(_) => FaultKind::Unauthorised,
            Self::Unknown(error) => error.kind(),
        }
    }

    /// Why it is not valid, if that is known.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) | Self::SignedOut(refusal) => Some(*refusal),
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
            Self::Disabled => "disabled",
            Self::Expired => "expired",
        })
    }
}
