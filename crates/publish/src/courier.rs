//! Carries announcements out, for the executor.

use async_trait::async_trait;
use cofounder_executor::Courier;
use cofounder_storage::{Delivery, DueEffect};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::{
    Webhooks,
    judge::judge,
    sending::send,
    webhooks::{KIND, Target},
};

#[async_trait]
impl Courier for Webhooks {
    fn targets(&self) -> Vec<String> {
        self.names()
    }

    async fn carry(&self, due: &DueEffect, cancel: &CancellationToken) -> Delivery {
        let effect = &due.effect;
        let Some(target) = self.target(&effect.target).filter(|_| effect.kind == KIND) else {
            let (kind, name) = (&effect.kind, &effect.target);
            let text = format!(
                "no [{kind}.{name}] is configured here; configure it, or let a worker send it that has it"
            );
            return Delivery::Again(text, Duration::ZERO);
        };
        let now = self.clock.now();
        let request = request(target, &due.id, now.timestamp(), &effect.payload);
        let sent = send(request, &effect.payload, target.timeout, cancel).await;
        // Who stopped to trust the receiver with keys meanwhile wants no second delivery.
        judge(sent, effect.keyed && target.honours_keys, self.clock.now())
    }
}

/// The headers of Standard Webhooks, and the key by a name that more receivers know.
fn request(target: &Target, id: &str, timestamp: i64, payload: &str) -> reqwest::RequestBuilder {
    let request = target
        .client
        .post(target.url.clone())
        .header("content-type", "application/json")
        .header("idempotency-key", id)
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp);
    match target.signer.as_ref().and_then(|signer| signer.sign(id, timestamp, payload)) {
        Some(signature) => request.header("webhook-signature", signature),
        None => request,
    }
}
