//! Claims a task and runs its workflow to an end.

use async_trait::async_trait;
use cofounder_domain::{Gate, Status, TaskId};
use cofounder_storage::{Claim, Claimed, Database, Owner, StorageError, patiently};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{Event, Metrics, Permits, Progress, RunContext, StepError, Trial, error::Cause};

/// How often a run looks whether a person or another worker has moved its task on.
pub(crate) const GLANCE: Duration = Duration::from_millis(500);

/// A list of steps.
#[async_trait]
pub trait Workflow: Send + Sync {
    /// Changes when its steps or the shapes of their results do. A task keeps the version it began with.
    fn version(&self) -> u32;

    /// Runs the steps through the context, in an order that depends on their results alone.
    ///
    /// # Errors
    /// The first step's that failed for good.
    async fn run(&self, cx: &RunContext) -> Result<Ending, StepError>;
}

/// How a workflow ends when all its steps have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Where the task stands then.
    pub status: Status,
    /// Whether its draft may be approved as it is, if it made one.
    pub gate: Option<Gate>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Finished {
    /// All steps ended.
    Ended(Ending),
    /// There was nothing to run: the task waits for a person, or it ended before.
    Settled(Status),
    /// It was asked to stop. The task waits, and goes on where it stopped.
    Interrupted,
    /// Somebody else moved the task on: it was cancelled, or taken over.
    Lost,
    /// A step failed for good. The task is failed and can be retried.
    Failed(StepError),
}

/// What stops a run.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// At its next step.
    pub drain: CancellationToken,
    /// Now.
    pub now: CancellationToken,
}

/// Times and numbers of a run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a claim holds without a heartbeat; three heartbeats are sent in that time.
    pub lease: Duration,
    /// How long one attempt at a step may take.
    pub step_deadline: Duration,
    /// How long a run may take.
    pub run_deadline: Duration,
    /// How often a step is tried again.
    pub retries: usize,
    /// The pause before it is tried again the first time; it doubles, with jitter.
    pub retry_pause: Duration,
    /// How long a database that does not answer is waited for.
    pub outage: Duration,
}

impl Default for Settings {
    /// A lease of 12 s, 30 minutes for a step, 4 hours for a run, 3 more tries after 1, 2 and 4 s, 5 minutes for a
    /// database that is away.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(12),
            step_deadline: Duration::from_secs(30 * 60),
            run_deadline: Duration::from_secs(4 * 3600),
            retries: 3,
            retry_pause: Duration::from_secs(1),
            outage: Duration::from_secs(300),
        }
    }
}

/// Runs tasks for this process.
pub struct Executor {
    pub(crate) db: Arc<Database>,
    pub(crate) owner: Owner,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    permits: Permits,
    trial: Option<Arc<dyn Trial>>,
}

impl Executor {
    /// An executor that claims tasks as `owner`.
    #[must_use]
    pub fn new(db: Arc<Database>, owner: Owner, settings: Settings) -> Self {
        Self { db, owner, settings, metrics: Metrics::default(), permits: Permits::default(), trial: None }
    }

    /// The same with limits on what steps use at the same time.
    #[must_use]
    pub fn with_permits(self, permits: Permits) -> Self {
        Self { permits, ..self }
    }

    /// The same, counting with others.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// The same with a trial of its steps: for tests of workflows.
    #[must_use]
    pub fn with_trial(self, trial: Arc<dyn Trial>) -> Self {
        Self { trial: Some(trial), ..self }
    }

    /// Runs one task, and only that one. If another living process has it, it is waited for.
    ///
    /// # Errors
    /// [`StorageError`] if the task cannot be claimed, or its end cannot be written down.
    pub async fn run(
        &self,
        task: TaskId,
        workflow: &dyn Workflow,
        progress: Arc<dyn Progress>,
        cancel: &CancellationToken,
    ) -> Result<Finished, StorageError> {
        match self.claim(task, workflow, &progress, cancel).await? {
            Claim::Got(claimed) => {
                let stop = Stop { now: cancel.clone(), ..Stop::default() };
                self.run_claimed(claimed, workflow, progress, &stop).await
            }
            Claim::Settled(status) => Ok(Finished::Settled(status)),
            Claim::Held { .. } => Ok(Finished::Interrupted),
        }
    }

    /// Runs a task that this executor's owner has claimed.
    ///
    /// # Errors
    /// [`StorageError`] if its end cannot be written down.
    pub async fn run_claimed(
        &self,
        claimed: Claimed,
        workflow: &dyn Workflow,
        progress: Arc<dyn Progress>,
        stop: &Stop,
    ) -> Result<Finished, StorageError> {
        let span = tracing::error_span!("task", task = %claimed.task);
        let running = self.metrics.run_begins();
        let finished = self.run_within(claimed, workflow, progress, stop).instrument(span).await;
        drop(running);
        self.metrics.run_ended(&finished);
        finished
    }

    async fn run_within(
        &self,
        claimed: Claimed,
        workflow: &dyn Workflow,
        progress: Arc<dyn Progress>,
        stop: &Stop,
    ) -> Result<Finished, StorageError> {
        let task = claimed.task;
        let context = RunContext {
            db: self.db.clone(),
            claimed: claimed.clone(),
            settings: self.settings,
            permits: self.permits.clone(),
            metrics: self.metrics.clone(),
            progress: progress.clone(),
            drain: stop.drain.clone(),
            cancel: stop.now.child_token(),
            shortfalls: Mutex::default(),
            trial: self.trial.clone(),
        };
        let outcome = self.work(workflow, &context, &progress).await;
        let finished = self.settle(&claimed, outcome, stop).await?;
        // What is written down is written down, also if it cannot be read again now.
        if let Ok(stored) = self.db.task(task).await {
            progress.event(&Event::RunFinished { status: stored.status });
        }
        Ok(finished)
    }

    async fn claim(
        &self,
        task: TaskId,
        workflow: &dyn Workflow,
        progress: &Arc<dyn Progress>,
        cancel: &CancellationToken,
    ) -> Result<Claim, StorageError> {
        let mut told = false;
        loop {
            let claim = self.db.claim(task, &self.owner, self.settings.lease, workflow.version()).await?;
            let Claim::Held { wait } = claim else { return Ok(claim) };
            if !told {
                progress.event(&Event::Waiting { at_most: wait });
                told = true;
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(Claim::Held { wait }),
                () = sleep(wait.min(GLANCE)) => {}
            }
        }
    }

    async fn settle(
        &self,
        claimed: &Claimed,
        outcome: Result<Ending, StepError>,
        stop: &Stop,
    ) -> Result<Finished, StorageError> {
        let end = |to, reason: String, error: Option<String>| async move {
            // One more try than none for a run that was told to stop, even if the database is away.
            let nobody = CancellationToken::new();
            let patience = if stop.now.is_cancelled() { Duration::ZERO } else { self.settings.outage };
            let (reason, error) = (reason.as_str(), error.as_deref());
            patiently(patience, &nobody, || self.db.end_run(claimed, to, reason, error)).await
        };
        let (ended, finished) = match outcome {
            Ok(ending) => {
                (end(ending.status, "every step ended".to_owned(), None).await, Finished::Ended(ending))
            }
            Err(error) if error.cause == Cause::Lost => return Ok(Finished::Lost),
            Err(error) if error.cause == Cause::Interrupted || stop.now.is_cancelled() => {
                (end(Status::Pending, "interrupted".to_owned(), None).await, Finished::Interrupted)
            }
            // The database's absence is not the task's failure.
            Err(error) if error.is_outage() => {
                (end(Status::Pending, format!("released: {error}"), None).await, Finished::Interrupted)
            }
            Err(error) => {
                let reason = error.to_string();
                if let Some(bug) = error.as_bug() {
                    tracing::error!(task = %claimed.task, %reason, backtrace = %bug.backtrace(), "a step failed by a defect of this program");
                }
                (end(Status::Failed, reason.clone(), Some(reason)).await, Finished::Failed(error))
            }
        };
        match ended {
            Err(StorageError::Stale) => Ok(Finished::Lost),
            ended => ended.map(|()| finished),
        }
    }
}
