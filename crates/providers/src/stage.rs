//! The stages of a call that have a time-out.

use std::fmt;

/// What was being waited for when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A connection.
    Connect,
    /// The beginning of the answer.
    FirstToken,
    /// The next byte of the answer.
    Idle,
    /// The whole answer.
    Total,
    /// The caller's own deadline.
    Deadline,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection in time (connect_ms)",
            Self::FirstToken => "no answer began in time (first_token_ms)",
            Self::Idle => "the answer stood still (idle_ms)",
            Self::Total => "no complete answer in time (total_ms)",
            Self::Deadline => "the deadline of the call passed (a step's own, or gateway.deadline_ms)",
        })
    }
}
