//! A workflow at work: beside it somebody keeps its lease alive, and looks whether it may go on.

use cofounder_domain::FaultKind;
use cofounder_storage::{Claimed, StorageError, patiently};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Ending, Event, Executor, Progress, RunContext, StepError, Workflow, context::LAST_WORDS, executor::GLANCE,
};

/// How long a run may go on after it was stopped: its step may have last words, and it notes them.
const LAST_LINES: Duration = LAST_WORDS.saturating_add(Duration::from_millis(200));
/// How long it may go on after it was asked to stop: whatever its last step came to is to be journalled.
const LAST_ENTRY: Duration = LAST_WORDS.saturating_add(Duration::from_secs(2));

#[derive(Debug, thiserror::Error)]
#[error("the task took longer than the {} s that it may take", .0.as_secs())]
struct Overdue(Duration);

#[derive(Debug, thiserror::Error)]
#[error("the task's deadline passed while it ran")]
struct PastDeadline;

impl Executor {
    /// Runs the workflow beside the heartbeat. A run that may not go on is told so, and then not waited for much longer.
    pub(crate) async fn work(
        &self,
        workflow: &dyn Workflow,
        context: &RunContext,
        progress: &Arc<dyn Progress>,
    ) -> Result<Ending, StepError> {
        let lost = self.keep_lease(&context.claimed);
        tokio::pin!(lost);
        let limit = tokio::select! {
            limit = self.prepare(context, progress) => limit?,
            lost = &mut lost => return Err(StepError::storage(lost)),
        };
        let run = caught(workflow, context);
        tokio::pin!(run);
        let stopped = tokio::select! {
            biased;
            outcome = &mut run => return outcome,
            lost = &mut lost => StepError::storage(lost),
            () = sleep(limit.unwrap_or(self.settings.run_deadline)) => self.overdue(limit.is_some()),
            () = long_cancelled(&context.cancel) => return Err(StepError::interrupted()),
        };
        context.cancel.cancel();
        // What it says now does not matter.
        drop(timeout(LAST_LINES, run).await);
        Err(stopped)
    }

    fn overdue(&self, by_deadline: bool) -> StepError {
        if by_deadline {
            return StepError::from_fault(FaultKind::Unsupported, None, PastDeadline);
        }
        StepError::from_fault(FaultKind::Unsupported, None, Overdue(self.settings.run_deadline))
    }

    /// Tells what is kept from earlier runs; returns how long the task may still take, if it has a deadline that comes
    /// before the run's own.
    async fn prepare(
        &self,
        context: &RunContext,
        progress: &Arc<dyn Progress>,
    ) -> Result<Option<Duration>, StepError> {
        let task = context.task();
        let stored = patiently(self.settings.outage, &context.cancel, || async {
            let kept = self.db.steps(task).await?.iter().filter(|s| s.result.is_some()).count();
            Ok((self.db.task(task).await?.deadline_at, kept))
        });
        let (deadline, kept) = stored.await.map_err(StepError::storage)?;
        progress.event(&Event::RunStarted { task, kept });
        let left = deadline.map(|at| (at - self.db.now()).to_std().unwrap_or(Duration::ZERO));
        Ok(left.filter(|left| *left < self.settings.run_deadline))
    }

    /// Keeps the lease alive, and looks whether the task has been moved on; ends only when the claim no longer holds.
    async fn keep_lease(&self, claimed: &Claimed) -> StorageError {
        let (beat, mut wakeup) = (self.settings.lease / 3, self.db.wakeup(false));
        let mut next = Instant::now() + beat;
        loop {
            wakeup.wait(GLANCE.min(next - Instant::now())).await;
            let looked = if Instant::now() < next {
                self.db.still_mine(claimed).await
            } else {
                next = Instant::now() + beat;
                self.db.heartbeat(claimed, self.settings.lease).await
            };
            match looked {
                Ok(()) => {}
                Err(StorageError::Stale) => return StorageError::Stale,
                Err(error) => {
                    tracing::warn!(%error, task = %claimed.task, "the lease could not be prolonged")
                }
            }
        }
    }
}

/// Ends when the run should have ended long ago: it is at work outside its steps, and does not look.
async fn long_cancelled(cancel: &CancellationToken) {
    cancel.cancelled().await;
    sleep(LAST_ENTRY).await;
}

/// The workflow's outcome. A panic is a failure, not the end of the process.
async fn caught(workflow: &dyn Workflow, context: &RunContext) -> Result<Ending, StepError> {
    let caught = AssertUnwindSafe(workflow.run(context)).catch_unwind().await;
    caught.unwrap_or_else(|panic| Err(StepError::bug(format!("a step panicked: {}", words(panic.as_ref())))))
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
