//! What a workflow and its steps hold in their hands.

use backon::{BackoffBuilder, ExponentialBuilder};
use cofounder_domain::{StepPath, StepStatus, TaskId};
use cofounder_storage::{Claimed, Database, StepRecord, StepResult, StorageError};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Event, Progress, Settings, StepError};

/// How long a step may go on after its run was asked to stop.
const LAST_WORDS: Duration = Duration::from_millis(1_000);

/// What a step came to. A result that fell short is never a plain one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<T> {
    value: T,
    status: StepStatus,
    reasons: Vec<String>,
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

/// A run, as its workflow sees it.
pub struct RunContext {
    pub(crate) db: Arc<Database>,
    pub(crate) claimed: Claimed,
    pub(crate) settings: Settings,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) cancel: CancellationToken,
    pub(crate) shortfalls: Mutex<Vec<String>>,
}

/// One attempt at a step, as the step sees it.
#[derive(Clone)]
pub struct StepContext {
    task: TaskId,
    path: StepPath,
    cancel: CancellationToken,
    deadline: Instant,
    progress: Arc<dyn Progress>,
}

impl StepContext {
    /// The task.
    #[must_use]
    pub fn task(&self) -> TaskId {
        self.task
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

    /// Tells whoever watches how far it is.
    pub fn detail(&self, text: String) {
        self.progress.event(&Event::StepDetail { path: self.path.clone(), text });
    }
}

impl RunContext {
    /// The task.
    #[must_use]
    pub fn task(&self) -> TaskId {
        self.claimed.task
    }

    /// Why the steps so far fell short, in their order; empty if none did.
    #[must_use]
    pub fn shortfalls(&self) -> Vec<String> {
        self.shortfalls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a step, or takes its result from the journal. `work` may be called more than once: after a failure that
    /// time can mend, and by a later run if this one is interrupted.
    ///
    /// # Errors
    /// [`StepError`] if it failed for good, or the run must stop.
    pub async fn step<T, W, F>(&self, path: &str, work: W) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned,
        W: Fn(StepContext) -> F,
        F: Future<Output = Result<Outcome<T>, StepError>>,
    {
        let path = StepPath::new(path);
        if self.cancel.is_cancelled() {
            return Err(StepError::interrupted());
        }
        if let Some(kept) = self.kept(&path).await? {
            return Ok(kept);
        }
        let backoff = ExponentialBuilder::default().with_jitter().with_min_delay(self.settings.retry_pause);
        let mut pauses = backoff.with_max_times(self.settings.retries).build();
        loop {
            let started = Instant::now();
            let error = match self.attempt(&path, &work, started).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if self.cancel.is_cancelled() {
                return Err(StepError::interrupted());
            }
            let pause = error.retry().and_then(|least| pauses.next().map(|pause| pause.max(least)));
            self.failed(&path, &error, started.elapsed(), pause).await?;
            let Some(pause) = pause else { return Err(error) };
            tokio::select! {
                () = self.cancel.cancelled() => return Err(StepError::interrupted()),
                () = sleep(pause) => {}
            }
        }
    }

    /// The result of an earlier run, if there is one.
    async fn kept<T: DeserializeOwned>(&self, path: &StepPath) -> Result<Option<T>, StepError> {
        let record = self.db.step(self.claimed.task, path).await.map_err(StepError::storage)?;
        let Some(StepRecord { status, reasons, result: Some(result), .. }) = record else { return Ok(None) };
        let value = serde_json::from_value(result).map_err(StepError::bug)?;
        self.finished(path, status, Duration::ZERO, true, reasons);
        Ok(Some(value))
    }

    async fn attempt<T, W, F>(&self, path: &StepPath, work: &W, started: Instant) -> Result<T, StepError>
    where
        T: Serialize,
        W: Fn(StepContext) -> F,
        F: Future<Output = Result<Outcome<T>, StepError>>,
    {
        let attempt = self.db.begin_step(&self.claimed, path).await.map_err(StepError::storage)?;
        self.progress.event(&Event::StepStarted { path: path.clone(), attempt });
        let cancel = self.cancel.child_token();
        let deadline = started + self.settings.step_deadline;
        let context = StepContext {
            task: self.task(),
            path: path.clone(),
            cancel: cancel.clone(),
            deadline,
            progress: self.progress.clone(),
        };
        let work = work(context);
        tokio::pin!(work);
        let outcome = tokio::select! {
            biased;
            outcome = &mut work => outcome?,
            () = self.cancel.cancelled() => timeout(LAST_WORDS, work).await.map_err(|_| StepError::interrupted())??,
            () = tokio::time::sleep_until(deadline) => {
                cancel.cancel();
                // What it says now does not matter: it is late.
                drop(timeout(LAST_WORDS, work).await);
                return Err(StepError::late(self.settings.step_deadline));
            }
        };
        let result = serde_json::to_value(&outcome.value).map_err(StepError::bug)?;
        let end = StepResult {
            status: outcome.status,
            result: Some(&result),
            reasons: &outcome.reasons,
            error: None,
        };
        self.db.end_step(&self.claimed, path, &end).await.map_err(StepError::storage)?;
        self.finished(path, outcome.status, started.elapsed(), false, outcome.reasons);
        Ok(outcome.value)
    }

    /// Writes down and tells that an attempt failed.
    async fn failed(
        &self,
        path: &StepPath,
        error: &StepError,
        elapsed: Duration,
        pause: Option<Duration>,
    ) -> Result<(), StepError> {
        let reason = error.to_string();
        let end = StepResult { status: StepStatus::Failed, result: None, reasons: &[], error: Some(&reason) };
        match self.db.end_step(&self.claimed, path, &end).await {
            Err(StorageError::Stale) => return Err(StepError::storage(StorageError::Stale)),
            Err(unwritten) => tracing::warn!(%path, %unwritten, "a step's failure could not be written down"),
            Ok(()) => {}
        }
        match pause {
            Some(after) => self.progress.event(&Event::StepRetry { path: path.clone(), reason, after }),
            None => self.finished(path, StepStatus::Failed, elapsed, false, vec![reason]),
        }
        Ok(())
    }

    fn finished(
        &self,
        path: &StepPath,
        status: StepStatus,
        elapsed: Duration,
        replayed: bool,
        reasons: Vec<String>,
    ) {
        if matches!(status, StepStatus::Degraded | StepStatus::Skipped) {
            let mut shortfalls = self.shortfalls.lock().unwrap_or_else(PoisonError::into_inner);
            let new: Vec<_> = reasons.iter().filter(|r| !shortfalls.contains(r)).cloned().collect();
            shortfalls.extend(new);
        }
        self.progress.event(&Event::StepFinished { path: path.clone(), status, elapsed, replayed, reasons });
    }
}
