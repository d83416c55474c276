//! The breakers of all targets, and leave to ask one.

use super::{HealthChange, Target, TargetState};
use crate::{
    ProviderError,
    breaker::{Breaker, Gate},
};
use cofounder_domain::Clock;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

/// How long a target is left alone after HTTP 429 that does not say.
const PAUSE: Duration = Duration::from_secs(1);

type Watcher = Box<dyn Fn(HealthChange) + Send + Sync>;

/// What is known of every target's health.
pub(super) struct Breakers {
    known: Mutex<HashMap<String, Breaker>>,
    clock: Arc<dyn Clock>,
    watcher: OnceLock<Watcher>,
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.known().fmt(f)
    }
}

impl Breakers {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { known: Mutex::default(), clock, watcher: OnceLock::new() }
    }

    /// Who is told when a target begins to rest and when it is back; the first one who asks.
    pub(super) fn watch(&self, watcher: Watcher) {
        // A second one would be a second composition root.
        drop(self.watcher.set(watcher));
    }

    pub(super) fn known(&self) -> MutexGuard<'_, HashMap<String, Breaker>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the target may be asked later or now, without asking.
    pub(super) fn gate(&self, target: &Target) -> Gate {
        self.known().get(&target.id()).map_or(Gate::Free, |b| b.gate(self.clock.now()))
    }

    /// A pass to ask the target, or why not.
    pub(super) fn enter(self: &Arc<Self>, target: &Target) -> Result<Pass, Gate> {
        let id = target.id();
        let gate = match self.known().get_mut(&id) {
            Some(breaker) => breaker.enter(self.clock.now()),
            None => Gate::Free,
        };
        match gate {
            Gate::Free | Gate::Probe => {
                Ok(Pass { breakers: Arc::clone(self), id, probe: gate == Gate::Probe, settled: false })
            }
            gate => Err(gate),
        }
    }

    /// Leaves the target alone for a while: it said that it has nothing left to give.
    fn note(&self, id: &str, change: impl FnOnce(&mut Breaker)) {
        let now = self.clock.now();
        let told = {
            let mut known = self.known();
            let breaker = match known.get_mut(id) {
                Some(breaker) => breaker,
                None => known.entry(id.to_owned()).or_default(),
            };
            let before = breaker.state(now);
            change(breaker);
            let after = breaker.state(now);
            (rests(before) != rests(after)).then(|| HealthChange {
                target: id.to_owned(),
                state: after,
                failures: breaker.failures(),
                last_error: breaker.last_error.clone(),
            })
        };
        if let (Some(change), Some(watcher)) = (told, self.watcher.get()) {
            watcher(change);
        }
    }
}

fn rests(state: TargetState) -> bool {
    matches!(state, TargetState::Resting(_))
}

/// Leave to ask a target once. Dropped without an outcome, it teaches the breaker nothing.
#[derive(Debug)]
pub(super) struct Pass {
    breakers: Arc<Breakers>,
    id: String,
    probe: bool,
    settled: bool,
}

impl Pass {
    /// The answer has begun. A probe has then shown what it was to show: others may ask again while it is being heard,
    /// and what it comes to in the end counts as any request's outcome does.
    pub(super) fn begun(&mut self) {
        if std::mem::take(&mut self.probe) {
            self.breakers.note(&self.id, Breaker::works);
        }
    }

    /// The request came to this.
    pub(super) fn settle(mut self, outcome: Result<(), &ProviderError>) {
        self.settled = true;
        let (now, probe) = (self.breakers.clock.now(), self.probe);
        self.breakers.note(&self.id, |breaker| match outcome {
            Ok(()) => breaker.works(),
            Err(ProviderError::Limited { retry_after, .. }) => {
                breaker.cool(retry_after.unwrap_or(PAUSE), now)
            }
            Err(error) if error.trips() => breaker.failed(probe, error.to_string(), now),
            Err(error) if error.is_refusal() => breaker.works(),
            Err(_) => breaker.unclear(probe),
        });
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.settled && self.probe {
            self.breakers.note(&self.id, |breaker| breaker.unclear(true));
        }
    }
}
