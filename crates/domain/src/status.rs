//! A task's statuses and the one table of the moves between them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored, not yet claimed.
    Pending,
    /// A worker holds its lease.
    InProgress,
    /// A draft waits for a person.
    AwaitingApproval,
    /// Approved, waiting for its scheduled time.
    Approved,
    /// The post is live.
    Published,
    /// A person said no. Never published from here.
    Rejected,
    /// Ended with an error; it can be retried.
    Failed,
    /// Set aside by a person.
    OnHold,
    /// Ended by a person.
    Cancelled,
}

impl Status {
    /// All statuses, in the order of a task's life.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::InProgress,
        Self::AwaitingApproval,
        Self::Approved,
        Self::Published,
        Self::Rejected,
        Self::Failed,
        Self::OnHold,
        Self::Cancelled,
    ];

    /// The transition table: every status that may follow this one.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        use Status::{
            Approved, AwaitingApproval, Cancelled, Failed, InProgress, OnHold, Pending, Published, Rejected,
        };
        match self {
            Pending => &[InProgress, OnHold, Cancelled, Failed],
            InProgress => &[Pending, AwaitingApproval, Failed, OnHold, Cancelled],
            AwaitingApproval => &[Approved, Published, Rejected, Pending, OnHold, Cancelled],
            Approved => &[Published, AwaitingApproval, Rejected, OnHold, Cancelled],
            Published => &[],
            Rejected | Failed | Cancelled => &[Pending],
            OnHold => &[Pending, AwaitingApproval, Cancelled],
        }
    }

    /// Whether the table allows the move.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self.successors().contains(&next)
    }

    /// The move, or which one was refused.
    ///
    /// # Errors
    /// [`IllegalTransition`] with both statuses, if the table does not allow it.
    pub fn to(self, next: Self) -> Result<Self, IllegalTransition> {
        if self.may_become(next) { Ok(next) } else { Err(IllegalTransition { from: self, to: next }) }
    }

    /// The name used on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::Published => "published",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::OnHold => "on_hold",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no status.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a task status")]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// A move that the table does not allow.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("a task that is {from} cannot become {to}")]
pub struct IllegalTransition {
    /// Where the task stands.
    pub from: Status,
    /// Where it was to go.
    pub to: Status,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!("done".parse::<Status>().is_err());
    }

    /// Tried by adding `Published` to the successors of `Rejected`: the test failed.
    #[test]
    fn only_a_person_can_publish_and_reject_never_does() {
        for from in Status::ALL {
            let may = from.may_become(Status::Published);
            assert_eq!(may, matches!(from, Status::AwaitingApproval | Status::Approved), "{from}");
        }
        assert_eq!(
            Status::Rejected.to(Status::Published),
            Err(IllegalTransition { from: Status::Rejected, to: Status::Published })
        );
    }

    #[test]
    fn nothing_becomes_itself() {
        assert!(Status::ALL.into_iter().all(|s| !s.may_become(s)));
    }
}
