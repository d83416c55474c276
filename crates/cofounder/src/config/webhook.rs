//! `[webhook.NAME]`: who is told when a post goes live.

use cofounder_providers::Secret;
use serde::Deserialize;
use url::Url;

/// `[webhook.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSection {
    /// Where it is sent, by POST.
    pub(crate) url: Url,
    /// Signs what is sent, so that the receiver knows who sent it.
    #[serde(default)]
    pub(crate) secret: Option<Secret>,
    /// Whether the receiver takes a second delivery with the same key for the first one. If it does not, a delivery of
    /// which nobody knows whether it arrived is never sent again.
    #[serde(default)]
    pub(crate) honours_keys: bool,
    /// How long it may take to answer.
    #[serde(default = "timeout_ms")]
    pub(crate) timeout_ms: u64,
}

fn timeout_ms() -> u64 {
    10_000
}
