//! How the providers are, for a person who asks.

use super::{Router, provider::Key};
use crate::Dialect;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderHealth {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub dialect: Dialect,
    /// On this machine or its network.
    pub local: bool,
    /// What keeps it from being used at all, and what to do.
    pub problem: Option<String>,
    /// How many calls wait for a place with it.
    pub waiting: usize,
    /// Its models that are configured, and others that were asked and do not simply work.
    pub targets: Vec<TargetHealth>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetHealth {
    /// `provider/model`.
    pub target: String,
    /// Whether it can be asked now.
    pub state: TargetState,
    /// Its last failure, if nothing went well since.
    pub last_error: Option<String>,
}

/// A target began to rest, rests anew after a probe, or is back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthChange {
    /// `provider/model`.
    pub target: String,
    /// How it is now.
    pub state: TargetState,
    /// Failures in a row.
    pub failures: u32,
    /// The last of them.
    pub last_error: Option<String>,
}

/// Whether a target can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// It can.
    Ready,
    /// It asked for a pause, and has so much of it left.
    Cooling(Duration),
    /// It failed several times in a row and is left alone for so long.
    Resting(Duration),
}

impl Router {
    /// Who is told when a target begins to rest and when it is back. It is told between two requests, and should not
    /// take long.
    pub fn watch(&self, watcher: impl Fn(HealthChange) + Send + Sync + 'static) {
        self.breakers.watch(Box::new(watcher));
    }

    /// How every known provider is, from what calls have shown; asks nobody.
    #[must_use]
    pub fn health(&self) -> Vec<ProviderHealth> {
        let now = self.clock.now();
        let breakers = self.breakers.known();
        let state = |id: String| {
            let breaker = breakers.get(&id);
            let state = breaker.map_or(TargetState::Ready, |b| b.state(now));
            TargetHealth { target: id, state, last_error: breaker.and_then(|b| b.last_error.clone()) }
        };
        let health = |p: &super::Provider| {
            let prefix = format!("{}/", p.name);
            let mut ids: BTreeSet<String> = p.targets().iter().map(|t| t.id()).collect();
            ids.extend(breakers.names().filter(|id| id.starts_with(&prefix)).cloned());
            let problem = match &p.key {
                Key::Missing(why) => Some(format!("its key is missing: {why}")),
                _ => None,
            };
            let (dialect, local, waiting) = (p.section.dialect, p.is_local(), p.waiting());
            let targets = ids.into_iter().map(state).collect();
            ProviderHealth { name: p.name.clone(), dialect, local, problem, waiting, targets }
        };
        self.providers.iter().map(health).collect()
    }
}
