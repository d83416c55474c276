//! Why a metered call did not come to an answer.

use cofounder_domain::{Bug, FaultKind, NanoUsd};
use cofounder_providers::ProviderError;
use cofounder_storage::StorageError;
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No model answered.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database does not take the call: it was not made, or its answer could not be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The day's money does not cover the call. It was not made.
    #[error(
        "the day's budget of {cap} does not cover this call: {used} are spent or set aside, and it may cost {needed}. Everything so far is kept; \
         raise `budget.day_usd`, wait for tomorrow (UTC), or use a free model"
    )]
    Budget {
        /// The day's cap.
        cap: NanoUsd,
        /// Spent and set aside today.
        used: NanoUsd,
        /// What the call may cost at the most.
        needed: NanoUsd,
    },
    /// A mistake of ours.
    #[error("a model call could not be made, which is a defect of this program: {0}")]
    Bug(#[source] Bug),
}

impl CallError {
    /// A mistake of ours.
    pub fn bug(error: impl std::fmt::Display) -> Self {
        Self::Bug(Bug::here(error))
    }

    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Provider(error) => error.kind(),
            Self::Storage(error) => error.kind(),
            Self::Budget { .. } => FaultKind::Budget,
            Self::Bug(_) => FaultKind::Bug,
        }
    }

    /// How long to wait before trying again, if somebody said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Provider(error) => error.retry_after(),
            _ => None,
        }
    }
}
