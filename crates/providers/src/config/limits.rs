//! How much is asked of a provider at once.

use super::Dialect;
use serde::{Deserialize, Serialize};

/// How much to ask of a provider, or of one of its models, at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests at the same time. Default for a provider 16; for the embedded model, which works on one after the
    /// other, 1. A model has no limit of its own unless one is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Requests begun in any minute. Default: as many as come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tokens of requests and answers in any minute; an answer counts as its longest until it is there. Default: as
    /// many as come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Calls that may wait for a place; who comes then is refused at once. Default 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// The largest answer that is read, in MiB. Default 8; 64 for vectors and pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_mib: Option<u32>,
}

impl Limits {
    pub(crate) fn concurrency(self, dialect: Dialect) -> u32 {
        self.concurrency.unwrap_or(if dialect == Dialect::Embedded { 1 } else { 16 })
    }

    pub(super) fn any_zero(self) -> bool {
        let small = [self.concurrency, self.requests_per_minute, self.answer_mib];
        small.contains(&Some(0)) || self.tokens_per_minute == Some(0)
    }
}
