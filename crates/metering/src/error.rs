//! Why a metered call did not come to an answer.

use cofounder_domain::{Bug, FaultKind, NanoUsd};
use cofounder_providers::ProviderError;
use cofounder_storage::StorageError;
use std::{fmt, time::Duration};

use crate::purse::Short;

/// When money that is set aside may be free again.
const SOON: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No model answered.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database does not take the call: it was not made, or its answer could not be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The money does not cover the call. It was not made.
    #[error(
        "{whose} of {cap} does not cover this call: {used} are spent or set aside, and it may cost {needed}. Everything so far is kept; {remedy}",
        remedy = whose.remedy()
    )]
    Budget {
        /// Whose money.
        whose: Whose,
        /// The cap.
        cap: NanoUsd,
        /// Spent and set aside.
        used: NanoUsd,
        /// What the call may cost at the most.
        needed: NanoUsd,
    },
    /// The money would cover the call if calls that run were over. It was not made.
    #[error(
        "{whose} of {cap} is set aside for calls that run, and this one may cost {needed}. Everything so far is kept; ask again in a moment, ask for a shorter answer, or raise the budget. If nothing runs, `cofounder budget reconcile` gives back what an ended process left"
    )]
    Held {
        /// Whose money.
        whose: Whose,
        /// The cap.
        cap: NanoUsd,
        /// What the call may cost at the most.
        needed: NanoUsd,
    },
    /// The ledger is not written as fast as calls come. It was not made.
    #[error(
        "{waiting} calls wait to be written into the ledger, and more are not begun. What was done is kept; try again"
    )]
    Behind {
        /// Calls that wait.
        waiting: usize,
    },
    /// Whoever had asked did not take the answer that came.
    #[error(
        "no piece of the answer was taken for {} s, and nothing more of it was asked for. Read faster, or raise `gateway.stall_ms`",
        time.as_secs_f64()
    )]
    Untaken {
        /// How long it was waited.
        time: Duration,
    },
    /// The program is being ended.
    #[error(
        "the program is being stopped, and the call with it. What came of it is not the whole; ask again"
    )]
    Stopping,
    /// A mistake of ours.
    #[error("a model call could not be made, which is a defect of this program: {0}")]
    Bug(#[source] Bug),
}

/// Whose money does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// `budget.call_usd`.
    Call,
    /// `budget.task_usd`.
    Task,
    /// `budget.day_usd`.
    Day,
    /// `budget.month_usd`.
    Month,
    /// The token's, on a day.
    TokenDay,
    /// The token's, in a month.
    TokenMonth,
}

impl Whose {
    fn of(account: &cofounder_storage::Account) -> Self {
        match (account.scope.split(':').next(), account.period.split(':').next()) {
            (Some("task"), _) => Self::Task,
            (Some("token"), Some("month")) => Self::TokenMonth,
            (Some("token"), _) => Self::TokenDay,
            (_, Some("month")) => Self::Month,
            _ => Self::Day,
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Call => "raise `budget.call_usd`, ask for less, or use a free model",
            Self::Task => "raise `budget.task_usd`, or use a free model",
            Self::Day => "raise `budget.day_usd`, wait for tomorrow (UTC), or use a free model",
            Self::Month => "raise `budget.month_usd`, wait for the next month (UTC), or use a free model",
            Self::TokenDay => {
                "wait for tomorrow (UTC), use a free model, or use a token with a larger budget"
            }
            Self::TokenMonth => {
                "wait for the next month (UTC), use a free model, or use a token with a larger budget"
            }
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "the budget of a call",
            Self::Task => "the task's budget",
            Self::Day => "the day's budget",
            Self::Month => "the month's budget",
            Self::TokenDay => "the token's budget for the day",
            Self::TokenMonth => "the token's budget for the month",
        })
    }
}

impl From<Short> for CallError {
    fn from(short: Short) -> Self {
        let Short { account, cap, used, needed, held } = short;
        let whose = Whose::of(&account);
        match held {
            true => Self::Held { whose, cap, needed },
            false => Self::Budget { whose, cap, used, needed },
        }
    }
}

impl CallError {
    /// A mistake of ours.
    pub fn bug(error: impl fmt::Display) -> Self {
        Self::Bug(Bug::here(error))
    }

    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Provider(error) => error.kind(),
            Self::Storage(error) => error.kind(),
            Self::Budget { .. } => FaultKind::Budget,
            Self::Held { .. } => FaultKind::Limited,
            Self::Behind { .. } | Self::Stopping => FaultKind::Unavailable,
            Self::Untaken { .. } => FaultKind::Unavailable,
            Self::Bug(_) => FaultKind::Bug,
        }
    }

    /// How long to wait before trying again, if somebody said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Provider(error) => error.retry_after(),
            Self::Held { .. } => Some(SOON),
            _ => None,
        }
    }
}
