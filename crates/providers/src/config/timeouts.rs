//! How long a provider is waited for.

use super::Dialect;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long to wait, in milliseconds; what is not said is taken from the provider, then from the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Until there is a connection. Default 5 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u64>,
    /// Until the answer begins: the first token of a streamed answer (default 60 s), or the first byte of one that comes
    /// in one piece (default: `total_ms`, since many servers send no byte before it is complete).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Until it goes on. Default 60 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// Until it is complete. Default 180 s, for the embedded model 600 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
}

/// Time-outs with nothing left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    /// None where the total time is the only limit.
    pub(crate) first_byte: Option<Duration>,
    pub(crate) first_token: Duration,
    pub(crate) idle: Duration,
    pub(crate) total: Duration,
}

impl Timeouts {
    /// These, and what they leave open from `other`.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            connect_ms: self.connect_ms.or(other.connect_ms),
            first_token_ms: self.first_token_ms.or(other.first_token_ms),
            idle_ms: self.idle_ms.or(other.idle_ms),
            total_ms: self.total_ms.or(other.total_ms),
        }
    }

    pub(crate) fn patience(self, dialect: Dialect) -> Patience {
        let total = self.total_ms.unwrap_or(if dialect == Dialect::Embedded { 600_000 } else { 180_000 });
        Patience {
            connect: Duration::from_millis(self.connect_ms.unwrap_or(5_000)),
            first_byte: self.first_token_ms.map(Duration::from_millis),
            first_token: Duration::from_millis(self.first_token_ms.unwrap_or(match dialect {
                // A local model reads a long prompt for a long time before it says anything.
                Dialect::Embedded | Dialect::Ollama => total,
                _ => 60_000,
            })),
            idle: Duration::from_millis(self.idle_ms.unwrap_or(60_000)),
            total: Duration::from_millis(total),
        }
    }

    pub(super) fn any_zero(self) -> bool {
        [self.connect_ms, self.first_token_ms, self.idle_ms, self.total_ms].contains(&Some(0))
    }
}
