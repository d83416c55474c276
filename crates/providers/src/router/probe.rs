//! Looking after targets that rest, without a call that needs them.

use super::{Router, Target};
use crate::breaker::Gate;
use std::{sync::Arc, time::Duration};

/// How long a provider may take to show that it is back.
const PATIENCE: Duration = Duration::from_secs(10);

impl Router {
    /// How often targets that rest are to be looked after, if they are.
    #[must_use]
    pub fn probe_interval(&self) -> Option<Duration> {
        self.section.probe_seconds.map(|seconds| Duration::from_secs(seconds.max(1)))
    }

    /// Asks the providers of targets whose rest is over which models they have: it costs nothing, and one that answers
    /// takes calls again. Each is asked as the one probe that its breaker allows.
    pub async fn probe(&self) {
        let targets: Vec<Arc<Target>> = self.providers.iter().flat_map(|p| p.targets()).cloned().collect();
        for target in targets {
            if self.breakers.gate(&target) != Gate::Probe {
                continue;
            }
            let Ok(pass) = self.breakers.enter(&target) else { continue };
            let answer = self.list_models(&target.provider, PATIENCE).await;
            tracing::debug!(target = %target, answered = answer.is_ok(), "probe");
            pass.settle(answer.as_ref().map(drop));
        }
    }
}
