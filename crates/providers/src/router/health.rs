//! How the providers are, for a person who asks.

use super::{Router, provider::Key};
use crate::{Dialect, breaker::Gate};
use serde::Serialize;
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
    /// Its models that are configured or were asked.
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

/// Whether a target can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    /// How every known provider is, from what calls have shown; asks nobody.
    #[must_use]
    pub fn health(&self) -> Vec<ProviderHealth> {
        let now = self.clock.now();
        let breakers = self.breakers();
        let state = |id: String| {
            let breaker = breakers.get(&id);
            let state = match breaker.map_or(Gate::Free, |b| b.gate(now)) {
                Gate::Free | Gate::Probe => TargetState::Ready,
                Gate::Cooling(left) => TargetState::Cooling(left),
                Gate::Open(left) => TargetState::Resting(left),
            };
            TargetHealth { target: id, state, last_error: breaker.and_then(|b| b.last_error.clone()) }
        };
        let health = |p: &super::Provider| {
            let prefix = format!("{}/", p.name);
            let mut ids: BTreeSet<String> = p.targets().iter().map(super::Target::id).collect();
            ids.extend(breakers.keys().filter(|id| id.starts_with(&prefix)).cloned());
            let dialect = p.section.dialect;
            let problem = match (&p.key, dialect.instead()) {
                (_, Some(instead)) => Some(format!("this dialect is not built in; write {instead}")),
                (Key::Missing(why), _) => Some(format!("its key is missing: {why}")),
                _ => None,
            };
            let targets = ids.into_iter().map(state).collect();
            ProviderHealth { name: p.name.clone(), dialect, local: p.is_local(), problem, targets }
        };
        self.providers.iter().map(health).collect()
    }
}
