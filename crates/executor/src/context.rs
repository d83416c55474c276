//! What a workflow holds in its hands: it runs steps, and takes the results of earlier ones from the journal.

use backon::{BackoffBuilder, ExponentialBuilder};
use cofounder_domain::{StepPath, StepStatus, TaskId};
use cofounder_storage::{Claimed, Database, StepRecord, StepResult, StorageError, patiently};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    Event, Metrics, Needs, Outcome, Permits, Progress, Settings, StepContext, StepError, Trial, error::Cause,
};

/// How long a step may go on after its run was asked to stop.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(1_000);

/// A run, as its workflow sees it.
pub struct RunContext {
    pub(crate) db: Arc<Database>,
    pub(crate) claimed: Claimed,
    pub(crate) settings: Settings,
    pub(crate) permits: Permits,
    pub(crate) metrics: Metrics,
    pub(crate) progress: Arc<dyn Progress>,
    /// Stops the run at its next step.
    pub(crate) drain: CancellationToken,
    /// Stops the run now.
    pub(crate) cancel: CancellationToken,
    pub(crate) shortfalls: Mutex<Vec<String>>,
    pub(crate) trial: Option<Arc<dyn Trial>>,
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
        self.step_with(path, Needs::default(), work).await
    }

    /// The same for a step with needs of its own.
    ///
    /// # Errors
    /// [`StepError`] if it failed for good, or the run must stop.
    pub async fn step_with<T, W, F>(&self, path: &str, needs: Needs<'_>, work: W) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned,
        W: Fn(StepContext) -> F,
        F: Future<Output = Result<Outcome<T>, StepError>>,
    {
        let path = StepPath::new(path);
        let span = tracing::error_span!("step", step = %path);
        self.done(path, needs, work).instrument(span).await
    }

    async fn done<T, W, F>(&self, path: StepPath, needs: Needs<'_>, work: W) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned,
        W: Fn(StepContext) -> F,
        F: Future<Output = Result<Outcome<T>, StepError>>,
    {
        if self.cancel.is_cancelled() || self.drain.is_cancelled() {
            return Err(StepError::interrupted());
        }
        if let Some(kept) = self.kept(&path).await? {
            return Ok(kept);
        }
        let mut pauses = self.pauses(needs.retries.unwrap_or(self.settings.retries));
        let mut outages = self.pauses(usize::MAX);
        let mut outage: Option<Instant> = None;
        loop {
            // While a step pauses, others may have what it uses.
            let permits = self.permits(needs.permits).await?;
            let started = Instant::now();
            let error = match self.attempt(&path, needs, &work, started).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            drop(permits);
            if error.cause == Cause::Lost {
                // Whoever has the task now writes; this run does not.
                return Err(error);
            }
            if self.cancel.is_cancelled() {
                return Err(StepError::interrupted());
            }
            let pause = if error.is_outage() {
                // The database's absence is not the step's failure, and cannot be written down now.
                let since = *outage.get_or_insert(started);
                outages.next().filter(|_| since.elapsed() < self.settings.outage)
            } else {
                outage = None;
                let pause = error.retry().and_then(|least| pauses.next().map(|pause| pause.max(least)));
                self.failed(&path, &error, started.elapsed(), pause).await?;
                pause
            };
            let Some(pause) = pause else { return Err(error) };
            tokio::select! {
                () = self.cancel.cancelled() => return Err(StepError::interrupted()),
                () = self.drain.cancelled() => return Err(StepError::interrupted()),
                () = sleep(pause) => {}
            }
        }
    }

    pub(crate) fn pauses(&self, times: usize) -> impl Iterator<Item = Duration> + use<> {
        let backoff = ExponentialBuilder::default().with_jitter().with_min_delay(self.settings.retry_pause);
        backoff.with_max_times(times).build()
    }

    async fn permits(&self, resources: &[&str]) -> Result<Vec<crate::Permit>, StepError> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(StepError::interrupted()),
            () = self.drain.cancelled() => Err(StepError::interrupted()),
            permits = self.permits.acquire(self.task(), resources) => Ok(permits),
        }
    }

    /// The result of an earlier run, if there is one.
    async fn kept<T: DeserializeOwned>(&self, path: &StepPath) -> Result<Option<T>, StepError> {
        let record = patiently(self.settings.outage, &self.cancel, || self.db.step(self.claimed.task, path));
        let Some(StepRecord { status, reasons, result: Some(result), .. }) =
            record.await.map_err(StepError::storage)?
        else {
            return Ok(None);
        };
        let value = serde_json::from_str(&result);
        let value = value.map_err(|error| StepError::unreadable(self.task(), path, error))?;
        self.finished(path, status, Duration::ZERO, true, reasons);
        Ok(Some(value))
    }

    async fn attempt<T, W, F>(
        &self,
        path: &StepPath,
        needs: Needs<'_>,
        work: &W,
        started: Instant,
    ) -> Result<T, StepError>
    where
        T: Serialize,
        W: Fn(StepContext) -> F,
        F: Future<Output = Result<Outcome<T>, StepError>>,
    {
        let attempt = self.db.begin_step(&self.claimed, path).await.map_err(StepError::storage)?;
        self.metrics.attempt_begins(path);
        self.progress.event(&Event::StepStarted { path: path.clone(), attempt });
        let outcome = match &self.trial {
            None => self.carry_out(path, needs, work, started).await?,
            Some(trial) => {
                trial.before(path, attempt)?;
                if trial.twice(path) {
                    self.carry_out(path, needs, work, started).await?;
                }
                self.carry_out(path, needs, work, started).await?
            }
        };
        let result = serde_json::to_value(&outcome.value).map_err(StepError::bug)?;
        let end = StepResult {
            status: outcome.status,
            result: Some(&result),
            reasons: &outcome.reasons,
            error: None,
        };
        self.write_end(path, &end).await.map_err(StepError::storage)?;
        if let Some(trial) = &self.trial {
            trial.after(path)?;
        }
        self.finished(path, outcome.status, started.elapsed(), false, outcome.reasons);
        Ok(outcome.value)
    }

    /// Does the step's work within its deadline.
    async fn carry_out<T, W, F>(
        &self,
        path: &StepPath,
        needs: Needs<'_>,
        work: &W,
        started: Instant,
    ) -> Result<Outcome<T>, StepError>
    where
        W: Fn(StepContext) -> F,
        F: Future<Output = Result<Outcome<T>, StepError>>,
    {
        let cancel = self.cancel.child_token();
        let allowed = needs.deadline.unwrap_or(self.settings.step_deadline);
        let deadline = started + allowed;
        let work = work(StepContext {
            db: self.db.clone(),
            claimed: self.claimed.clone(),
            path: path.clone(),
            cancel: cancel.clone(),
            deadline,
            progress: self.progress.clone(),
        });
        tokio::pin!(work);
        tokio::select! {
            biased;
            outcome = &mut work => outcome,
            () = self.cancel.cancelled() => timeout(LAST_WORDS, work).await.map_err(|_| StepError::interrupted())?,
            () = tokio::time::sleep_until(deadline) => {
                cancel.cancel();
                // What it says now does not matter: it is late.
                drop(timeout(LAST_WORDS, work).await);
                Err(StepError::late(allowed))
            }
        }
    }

    /// Writes down how a step ended, with patience for a database that is away. If an earlier try was lost on its way
    /// back, the step has its end already.
    async fn write_end(&self, path: &StepPath, end: &StepResult<'_>) -> Result<(), StorageError> {
        let first = self.db.end_step(&self.claimed, path, end).await;
        let Err(StorageError::Unavailable(_)) = first else { return first };
        patiently(self.settings.outage, &self.cancel, || async {
            self.db.still_mine(&self.claimed).await?;
            match self.db.step(self.claimed.task, path).await? {
                Some(step) if step.status == end.status => Ok(()),
                _ => self.db.end_step(&self.claimed, path, end).await,
            }
        })
        .await
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
        match self.write_end(path, &end).await {
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
        if !replayed {
            self.metrics.step_ended(path, status, elapsed);
        }
        self.progress.event(&Event::StepFinished { path: path.clone(), status, elapsed, replayed, reasons });
    }
}
