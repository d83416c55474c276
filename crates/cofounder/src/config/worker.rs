//! `[worker]`: how tasks are run.

use cofounder_executor::{Settings, WorkerSettings};
use cofounder_storage::Patience;
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

/// `[worker]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WorkerSection {
    /// Tasks at the same time.
    concurrency: usize,
    /// What this machine has beside the ordinary, such as `gpu`.
    capabilities: Vec<String>,
    /// How often a worker looks for work that nobody told it of.
    poll_ms: u64,
    /// How long a claim holds without a sign of life.
    lease_ms: u64,
    /// How long running steps may go on when the worker is told to stop.
    grace_ms: u64,
    /// How long one attempt at a step may take.
    step_deadline_ms: u64,
    /// How long a run may take.
    run_deadline_ms: u64,
    /// How often a step is tried again.
    retries: usize,
    /// The pause before it is tried again the first time; it doubles.
    retry_pause_ms: u64,
    /// How long a database that does not answer is waited for.
    outage_ms: u64,
    /// Runs in a row that may bring nothing before a task is given up.
    fruitless_runs: u32,
    /// Resident memory, in MB, above which nothing more is claimed.
    memory_mb: Option<u64>,
    /// How many steps may use a resource at the same time, by its name.
    pub(crate) permits: BTreeMap<String, usize>,
}

impl Default for WorkerSection {
    fn default() -> Self {
        let (run, worker) = (Settings::default(), WorkerSettings::default());
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            concurrency: worker.concurrency,
            capabilities: Vec::new(),
            poll_ms: millis(worker.poll),
            lease_ms: millis(run.lease),
            grace_ms: millis(worker.grace),
            step_deadline_ms: millis(run.step_deadline),
            run_deadline_ms: millis(run.run_deadline),
            retries: run.retries,
            retry_pause_ms: millis(run.retry_pause),
            outage_ms: millis(run.outage),
            fruitless_runs: worker.patience.runs,
            memory_mb: None,
            permits: BTreeMap::new(),
        }
    }
}

impl WorkerSection {
    /// Times and numbers of each run.
    pub(crate) fn runs(&self) -> Settings {
        Settings {
            lease: Duration::from_millis(self.lease_ms.max(100)),
            step_deadline: Duration::from_millis(self.step_deadline_ms),
            run_deadline: Duration::from_millis(self.run_deadline_ms),
            retries: self.retries,
            retry_pause: Duration::from_millis(self.retry_pause_ms),
            outage: Duration::from_millis(self.outage_ms),
        }
    }

    /// Times and numbers of the worker.
    pub(crate) fn worker(&self, notifications: bool) -> WorkerSettings {
        WorkerSettings {
            concurrency: self.concurrency.max(1),
            capabilities: self.capabilities.clone(),
            poll: Duration::from_millis(self.poll_ms.max(10)),
            notifications,
            grace: Duration::from_millis(self.grace_ms),
            memory: self.memory_mb.map(|mb| mb.saturating_mul(1_000_000)),
            patience: Patience { runs: self.fruitless_runs.max(1), ..WorkerSettings::default().patience },
            until_idle: false,
        }
    }
}
