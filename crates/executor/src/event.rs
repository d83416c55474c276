//! What a person watching a run is told.

use cofounder_domain::{Status, StepPath, StepStatus, TaskId};
use std::time::Duration;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Another living process has the task; it is waited for.
    Waiting {
        /// Until its lease ends, if it does nothing more.
        at_most: Duration,
    },
    /// The task was claimed.
    RunStarted {
        /// The task.
        task: TaskId,
        /// Steps whose results are kept from earlier runs.
        kept: usize,
    },
    /// A step begins.
    StepStarted {
        /// Which.
        path: StepPath,
        /// From 1, over all runs.
        attempt: u32,
    },
    /// A step has something to say.
    StepDetail {
        /// Which.
        path: StepPath,
        /// A few words.
        text: String,
    },
    /// A step failed and will be tried again.
    StepRetry {
        /// Which.
        path: StepPath,
        /// Why it failed.
        reason: String,
        /// After which pause.
        after: Duration,
    },
    /// A step ended.
    StepFinished {
        /// Which.
        path: StepPath,
        /// How.
        status: StepStatus,
        /// How long it took in this run.
        elapsed: Duration,
        /// Whether its result is one of an earlier run.
        replayed: bool,
        /// Why it fell short, was skipped or failed.
        reasons: Vec<String>,
    },
    /// The run ended.
    RunFinished {
        /// Where the task stands now.
        status: Status,
    },
}

/// Is told what happens. Must return at once.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: &Event) {}
}
