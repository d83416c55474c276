//! The breakers of all targets, and leave to ask one.

use super::{HealthChange, Target};
use crate::{
    ProviderError,
    breaker::{Breaker, Gate},
    named::Named,
};
use cofounder_domain::{Clock, Timestamp};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

/// How long a target is left alone after HTTP 429 that does not say.
const PAUSE: Duration = Duration::from_secs(1);

type Watcher = Box<dyn Fn(HealthChange) + Send + Sync>;

/// What is known of the health of those targets that do not simply work.
pub(super) struct Breakers {
    known: Mutex<Named<Breaker>>,
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

    pub(super) fn known(&self) -> MutexGuard<'_, Named<Breaker>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the target may be asked later or now, without asking.
    pub(super) fn gate(&self, target: &Target) -> Gate {
        self.known().get(&target.id()).map_or(Gate::Free, |b| b.gate(self.clock.now()))
    }

    /// A pass to ask the target, or why not.
    pub(super) fn enter(self: &Arc<Self>, target: &Target) -> Result<Pass, Gate> {
        let id = target.id();
        match self.note(&id, Breaker::enter) {
            gate @ (Gate::Free | Gate::Probe) => {
                Ok(Pass { breakers: Arc::clone(self), id, probe: gate == Gate::Probe, settled: false })
            }
            gate => Err(gate),
        }
    }

    /// Changes what is known of a target, and tells whoever watches if it rests anew or is back. Of one that simply works nothing is kept: clients make names up.
    fn note<T>(&self, id: &str, change: impl FnOnce(&mut Breaker, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let (outcome, told) = {
            let (mut known, mut fresh) = (self.known(), Breaker::default());
            let old = known.get_mut(id);
            let is_new = old.is_none();
            let breaker = old.unwrap_or(&mut fresh);
            let rested = breaker.rests_until();
            let outcome = change(breaker, now);
            let matters = breaker.matters(now);
            let told = (breaker.rests_until() != rested).then(|| HealthChange {
                target: id.to_owned(),
                state: breaker.state(now),
                failures: breaker.failures(),
                last_error: breaker.last_error.clone(),
            });
            match (is_new, matters) {
                (true, true) => known.insert(id, fresh, |breaker| breaker.matters(now)),
                (false, false) => known.remove(id),
                _ => {}
            }
            (outcome, told)
        };
        if let (Some(change), Some(watcher)) = (told, self.watcher.get()) {
            watcher(change);
        }
        outcome
    }
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
    /// The answer has begun, and what it comes to is not known yet.
    pub(super) fn begun(&self) {
        if self.probe {
            self.breakers.note(&self.id, Breaker::begun);
        }
    }

    /// The request came to this.
    pub(super) fn settle(mut self, outcome: Result<(), &ProviderError>) {
        self.settled = true;
        let probe = self.probe;
        self.breakers.note(&self.id, |breaker, now| match outcome {
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
            self.breakers.note(&self.id, |breaker, _| breaker.unclear(true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::SystemClock;

    /// Tried by keeping all, and by keeping those that work: the test failed both times.
    #[test]
    fn names_that_clients_make_up_are_not_kept_without_end() {
        let breakers = Breakers::new(Arc::new(SystemClock));
        breakers.note("p/works", |breaker, _| breaker.works());
        breakers.note("p/mended", |breaker, now| breaker.failed(false, "down".to_owned(), now));
        breakers.note("p/mended", |breaker, _| breaker.works());
        assert_eq!(breakers.known().names().count(), 0);
        for n in 0..10_000 {
            breakers.note(&format!("p/{n}"), |breaker, now| breaker.failed(false, "down".to_owned(), now));
        }
        assert!(breakers.known().names().count() < 5_000);
        assert!(breakers.known().get("p/9999").is_some_and(|breaker| breaker.failures() == 1));
    }
}
