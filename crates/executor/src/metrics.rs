//! What runs, steps and effects came to in this process, as Prometheus counts it.

use cofounder_domain::{StepPath, StepStatus};
use cofounder_storage::{Delivery, StorageError};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use crate::Finished;

/// Steps that are counted apart, at the most. A step's path is counted by what stands before its first `/`.
const MOST_STEPS: usize = 100;
/// From a hundredth of a second to an hour.
const SECONDS: [f64; 14] =
    [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0];

/// Counters of durable execution. Cheap to clone: all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    runs: Family<Outcome, Counter>,
    running: Gauge,
    steps: Family<StepOutcome, Counter>,
    seconds: Family<Step, Histogram>,
    attempts: Family<Step, Counter>,
    takeovers: Counter,
    given_up: Counter,
    effects: Family<Outcome, Counter>,
    names: Arc<RwLock<HashSet<String>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Step {
    step: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepOutcome {
    step: String,
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            runs: Family::default(),
            running: Gauge::default(),
            steps: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            attempts: Family::default(),
            takeovers: Counter::default(),
            given_up: Counter::default(),
            effects: Family::default(),
            names: Arc::default(),
        }
    }
}

/// A run, from its claim to its end, however that comes.
pub(crate) struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Puts the counters where they are read.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Runs that ended here: all steps ended, failed, or released for others";
        registry.register("runs", help, self.runs.clone());
        registry.register("runs_running", "Runs that this process is at", self.running.clone());
        registry.register("steps", "Steps, by how they ended", self.steps.clone());
        let help = "How long steps took that ended, in the run that ended them";
        registry.register_with_unit("step", help, Unit::Seconds, self.seconds.clone());
        registry.register("step_attempts", "Attempts at steps that were begun", self.attempts.clone());
        let help = "Tasks that were set free here because their worker was gone or its lease had ended";
        registry.register("lease_takeovers", help, self.takeovers.clone());
        let help = "Tasks that were given up here because their workers kept ending";
        registry.register("tasks_given_up", help, self.given_up.clone());
        let help = "Tries to carry out an effect outside: done, again, failed, or nobody knows";
        registry.register("effects", help, self.effects.clone());
    }

    pub(crate) fn run_begins(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    pub(crate) fn run_ended(&self, finished: &Result<Finished, StorageError>) {
        let outcome = match finished {
            Ok(Finished::Ended(_) | Finished::Settled(_)) => "ended",
            Ok(Finished::Failed(_)) => "failed",
            Ok(Finished::Interrupted | Finished::Lost) | Err(_) => "released",
        };
        self.runs.get_or_create(&Outcome { outcome }).inc();
    }

    pub(crate) fn attempt_begins(&self, path: &StepPath) {
        self.attempts.get_or_create(&Step { step: self.name(path) }).inc();
    }

    pub(crate) fn step_ended(&self, path: &StepPath, status: StepStatus, took: Duration) {
        let step = self.name(path);
        self.seconds.get_or_create(&Step { step: step.clone() }).observe(took.as_secs_f64());
        self.steps.get_or_create(&StepOutcome { step, outcome: status.as_str() }).inc();
    }

    pub(crate) fn recovered(&self, waiting: usize, given_up: usize) {
        self.takeovers.inc_by((waiting + given_up) as u64);
        self.given_up.inc_by(given_up as u64);
    }

    pub(crate) fn carried(&self, delivery: &Delivery) {
        let outcome = match delivery {
            Delivery::Done(_) => "done",
            Delivery::Again(..) => "again",
            Delivery::Failed(_) => "failed",
            Delivery::Unknown(_) => "unknown",
        };
        self.effects.get_or_create(&Outcome { outcome }).inc();
    }

    /// The name under which a step is counted.
    fn name(&self, path: &StepPath) -> String {
        let name = path.as_str().split('/').next().unwrap_or_default();
        if self.names.read().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return name.to_owned();
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST_STEPS || names.contains(name) {
            names.insert(name.to_owned());
            return name.to_owned();
        }
        "other".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_by_their_first_name_and_only_so_many_apart() {
        let metrics = Metrics::default();
        assert_eq!(metrics.name(&StepPath::new("draft/section-3")), "draft");
        for number in 0..2 * MOST_STEPS {
            metrics.name(&StepPath::new(format!("made-up-{number}")));
        }
        assert_eq!(metrics.name(&StepPath::new("another/1")), "other");
        assert_eq!(metrics.name(&StepPath::new("draft/2")), "draft", "known before");
    }
}
