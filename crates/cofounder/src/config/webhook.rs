//! `[webhook.NAME]`: who is told when a post goes live.

use cofounder_providers::Secret;
use cofounder_publish::WebhookTarget;
use serde::Deserialize;
use std::time::Duration;
use url::Url;

use crate::failure::Failure;

/// `[webhook.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSection {
    /// Where it is sent, by POST.
    pub(crate) url: Url,
    /// Signs what is sent as Standard Webhooks has it, so that the receiver knows who sent it: the text's bytes, or those
    /// that stand in base64 behind `whsec_`.
    #[serde(default)]
    pub(crate) secret: Option<Secret>,
    /// Whether the receiver takes a second delivery with the same key for the first one. If it does not, a delivery of
    /// which nobody knows whether it arrived is never sent again.
    #[serde(default)]
    pub(crate) honours_keys: bool,
    /// How long it may take to answer, at most 25,000.
    #[serde(default = "timeout_ms")]
    pub(crate) timeout_ms: u64,
}

impl WebhookSection {
    /// The target of this name, with the secret from where it is kept.
    pub(crate) fn target(&self, name: &str) -> Result<WebhookTarget, Failure> {
        let secret = self.secret.as_ref().map(Secret::read).transpose();
        let secret =
            secret.map_err(|why| Failure::usage(format!("the secret of [webhook.{name}]: {why}")))?;
        Ok(WebhookTarget {
            name: name.to_owned(),
            url: self.url.clone(),
            secret,
            honours_keys: self.honours_keys,
            timeout: Duration::from_millis(self.timeout_ms),
        })
    }
}

fn timeout_ms() -> u64 {
    10_000
}
