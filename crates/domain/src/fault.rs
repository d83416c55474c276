//! The kinds of error that matter everywhere, and what each means at the program's edges.

use serde::{Deserialize, Serialize};

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot.
    Never,
    /// It can, after a backoff.
    Backoff,
    /// It can, after the time that the error itself carries.
    After,
}

/// How loudly it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// The caller's doing.
    Info,
    /// The surroundings' doing.
    Warn,
    /// Ours.
    Error,
}

/// A kind of error. Small typed errors of the crates map to one of these at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// What was named does not exist.
    NotFound,
    /// The present state does not allow it.
    Conflict,
    /// What was given is not valid.
    InvalidInput,
    /// Who asks is not known, or may not.
    Unauthorised,
    /// A part that is needed does not answer now.
    Unavailable,
    /// A limit was reached; the error says until when.
    Limited,
    /// The money that was set aside is spent.
    Budget,
    /// Not built in, or not switched on.
    Unsupported,
    /// A mistake of ours.
    Bug,
}

impl FaultKind {
    /// All kinds, for the test that walks the table.
    pub const ALL: [Self; 9] = [
        Self::NotFound,
        Self::Conflict,
        Self::InvalidInput,
        Self::Unauthorised,
        Self::Unavailable,
        Self::Limited,
        Self::Budget,
        Self::Unsupported,
        Self::Bug,
    ];

    /// HTTP status (RFC 9110).
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::InvalidInput => 422,
            Self::Unauthorised => 401,
            Self::Unavailable => 503,
            Self::Limited => 429,
            Self::Budget => 402,
            Self::Unsupported => 501,
            Self::Bug => 500,
        }
    }

    /// The name behind `urn:cofounder:problem:` in a problem document (RFC 9457).
    #[must_use]
    pub const fn problem(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::InvalidInput => "invalid-input",
            Self::Unauthorised => "unauthorised",
            Self::Unavailable => "unavailable",
            Self::Limited => "limited",
            Self::Budget => "budget",
            Self::Unsupported => "unsupported",
            Self::Bug => "bug",
        }
    }

    /// Whether trying again can help.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Unavailable => Retry::Backoff,
            Self::Limited => Retry::After,
            _ => Retry::Never,
        }
    }

    /// How loudly it is logged.
    #[must_use]
    pub const fn log_level(self) -> LogLevel {
        match self {
            Self::Bug => LogLevel::Error,
            Self::Unavailable | Self::Limited | Self::Budget => LogLevel::Warn,
            _ => LogLevel::Info,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_a_status_and_a_name_of_its_own() {
        let statuses: HashSet<_> = FaultKind::ALL.iter().map(|k| k.http_status()).collect();
        let names: HashSet<_> = FaultKind::ALL.iter().map(|k| k.problem()).collect();
        assert_eq!(statuses.len(), FaultKind::ALL.len());
        assert_eq!(names.len(), FaultKind::ALL.len());
    }

    #[test]
    fn only_what_time_can_mend_is_retried_and_only_a_bug_is_logged_as_one() {
        for kind in FaultKind::ALL {
            assert_eq!(
                kind.retry() != Retry::Never,
                matches!(kind, FaultKind::Unavailable | FaultKind::Limited),
                "{kind:?}"
            );
            assert_eq!(kind.log_level() == LogLevel::Error, kind == FaultKind::Bug, "{kind:?}");
        }
    }
}
