//! What a step holds in its hands, what it may need, and what it comes to.

use cofounder_domain::{StepPath, StepStatus, TaskId};
use cofounder_storage::{Claimed, Database};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Event, Progress};

/// What a step came to. A result that fell short is never a plain one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<T> {
    pub(crate) value: T,
    pub(crate) status: StepStatus,
    pub(crate) reasons: Vec<String>,
}

impl<T> Outcome<T> {
    /// All that it aims at.
    pub fn done(value: T) -> Self {
        Self { value, status: StepStatus::Done, reasons: Vec::new() }
    }

    /// Less than it aims at, for these reasons.
    pub fn degraded(value: T, reasons: Vec<String>) -> Self {
        Self { value, status: StepStatus::Degraded, reasons }
    }

    /// Nothing was done, for this reason; `value` stands in for a result.
    pub fn skipped(value: T, reason: String) -> Self {
        Self { value, status: StepStatus::Skipped, reasons: vec![reason] }
    }
}

/// What a step needs beside the ordinary.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs<'a> {
    /// Resources that it holds a permit of while it runs.
    pub permits: &'a [&'a str],
    /// How long one attempt may take, if not as long as the settings say.
    pub deadline: Option<Duration>,
    /// How often it is tried again, if not as often as the settings say.
    pub retries: Option<usize>,
}

/// One attempt at a step, as the step sees it.
#[derive(Clone)]
pub struct StepContext {
    pub(crate) db: Arc<Database>,
    pub(crate) claimed: Claimed,
    pub(crate) path: StepPath,
    pub(crate) cancel: CancellationToken,
    pub(crate) deadline: Instant,
    pub(crate) progress: Arc<dyn Progress>,
}

impl StepContext {
    /// The task.
    #[must_use]
    pub fn task(&self) -> TaskId {
        self.claimed.task
    }

    /// The right to write for the task, for what a step stores beside its result.
    #[must_use]
    pub fn claimed(&self) -> &Claimed {
        &self.claimed
    }

    /// The step's path.
    #[must_use]
    pub fn path(&self) -> &StepPath {
        &self.path
    }

    /// Cancelled when the step should stop.
    #[must_use]
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// When the step must have ended.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Tells whoever watches, and the journal, how far it is.
    pub fn detail(&self, text: String) {
        self.db.step_detail(&self.claimed, &self.path, &text);
        self.progress.event(&Event::StepDetail { path: self.path.clone(), text });
    }
}
