//! Claims a task and runs its workflow to an end.

use async_trait::async_trait;
use cofounder_domain::{Gate, Status, TaskId};
use cofounder_storage::{Claim, Claimed, Database, Owner, StorageError};
use futures_util::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Event, Progress, RunContext, StepError, error::Cause};

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
}

impl Default for Settings {
    /// A lease of 15 s, 30 minutes for a step, 4 hours for a run, 3 more tries after 1, 2 and 4 s.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            step_deadline: Duration::from_secs(30 * 60),
            run_deadline: Duration::from_secs(4 * 3600),
            retries: 3,
            retry_pause: Duration::from_secs(1),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the task took longer than the {} s that it may take", .0.as_secs())]
struct Overdue(Duration);

#[derive(Debug, thiserror::Error)]
#[error("a step panicked: {0}")]
struct Panicked(String);

/// Runs tasks for this process.
#[derive(Debug)]
pub struct Executor {
    db: Arc<Database>,
    owner: Owner,
    settings: Settings,
}

impl Executor {
    /// An executor that claims tasks as `owner`.
    #[must_use]
    pub fn new(db: Arc<Database>, owner: Owner, settings: Settings) -> Self {
        Self { db, owner, settings }
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
        let claimed = match self.claim(task, workflow, &progress, cancel).await? {
            Claim::Got(claimed) => claimed,
            Claim::Settled(status) => return Ok(Finished::Settled(status)),
            Claim::Held { .. } => return Ok(Finished::Interrupted),
        };
        let kept = self.db.steps(task).await?.iter().filter(|s| s.result.is_some()).count();
        progress.event(&Event::RunStarted { task, kept });
        let context = RunContext {
            db: self.db.clone(),
            claimed: claimed.clone(),
            settings: self.settings,
            progress: progress.clone(),
            cancel: cancel.child_token(),
            shortfalls: Mutex::default(),
        };
        let outcome = self.work(workflow, &context).await;
        let finished = self.settle(&claimed, outcome, cancel).await?;
        let status = self.db.task(task).await?.status;
        progress.event(&Event::RunFinished { status });
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
                () = sleep(wait.min(Duration::from_millis(500))) => {}
            }
        }
    }

    /// Runs the workflow beside the heartbeat. A panic is a failure, not the end of the process.
    async fn work(&self, workflow: &dyn Workflow, context: &RunContext) -> Result<Ending, StepError> {
        let run = AssertUnwindSafe(workflow.run(context)).catch_unwind();
        let run = timeout(self.settings.run_deadline, run);
        tokio::select! {
            biased;
            outcome = run => match outcome {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(panic)) => Err(StepError::bug(Panicked(words(panic.as_ref())))),
                Err(_) => Err(StepError::from_fault(cofounder_domain::FaultKind::Unsupported, None, Overdue(self.settings.run_deadline))),
            },
            lost = self.heartbeat(&context.claimed) => {
                context.cancel.cancel();
                Err(StepError::storage(lost))
            }
        }
    }

    /// Keeps the lease alive; ends only when it is lost.
    async fn heartbeat(&self, claimed: &Claimed) -> StorageError {
        loop {
            sleep(self.settings.lease / 3).await;
            match self.db.heartbeat(claimed, self.settings.lease).await {
                Ok(()) => {}
                Err(StorageError::Stale) => return StorageError::Stale,
                Err(error) => tracing::warn!(%error, "the lease could not be prolonged"),
            }
        }
    }

    async fn settle(
        &self,
        claimed: &Claimed,
        outcome: Result<Ending, StepError>,
        cancel: &CancellationToken,
    ) -> Result<Finished, StorageError> {
        match outcome {
            Ok(ending) => {
                self.db.end_run(claimed, ending.status, "every step ended", None).await?;
                Ok(Finished::Ended(ending))
            }
            Err(error) if error.cause == Cause::Lost => Ok(Finished::Lost),
            Err(error) if error.cause == Cause::Interrupted || cancel.is_cancelled() => {
                match self.db.end_run(claimed, Status::Pending, "interrupted", None).await {
                    Err(StorageError::Stale) => Ok(Finished::Lost),
                    other => other.map(|()| Finished::Interrupted).map_err(|_| unwritten(error)),
                }
            }
            Err(error) => {
                let reason = error.to_string();
                if error.kind() == cofounder_domain::FaultKind::Bug {
                    tracing::error!(task = %claimed.task, %reason, "a step failed by a defect of this program");
                }
                match self.db.end_run(claimed, Status::Failed, &reason, Some(&reason)).await {
                    Err(StorageError::Stale) => Ok(Finished::Lost),
                    Err(cause) => Err(cause),
                    Ok(()) => Ok(Finished::Failed(error)),
                }
            }
        }
    }
}

fn unwritten(error: StepError) -> StorageError {
    StorageError::Unavailable(format!("the end of the run could not be written down: {error}"))
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
