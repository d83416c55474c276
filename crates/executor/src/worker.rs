//! A worker: takes tasks from the queue for as long as it lives.

use async_trait::async_trait;
use cofounder_domain::TaskId;
use cofounder_storage::{Claimed, Patience, StorageError, Wakeup, Wants};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Chore, Courier, Executor, Finished, Progress, StepError, Stop, Workflow, courier, late::Late, schedule,
};

/// Every so many claims the oldest task comes first, whatever its priority. A task that has `n` older ones before it is
/// claimed among the next `OLDEST_EVERY * (n + 1)` claims of any worker that can run it.
const OLDEST_EVERY: u64 = 4;

/// Makes the workflow of a task that was claimed.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// The newest version of the workflow that it makes.
    fn version(&self) -> u32;

    /// The workflow of this task.
    ///
    /// # Errors
    /// Why there is none; the task fails with it.
    async fn workflow(
        &self,
        task: TaskId,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn Workflow>, StepError>;

    /// Who is told what happens in the task.
    fn progress(&self, task: TaskId) -> Arc<dyn Progress>;
}

/// Times and numbers of a worker.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Tasks at the same time.
    pub concurrency: usize,
    /// What it has beside the ordinary, such as `gpu`.
    pub capabilities: Vec<String>,
    /// How often it looks for work that nobody told it of, and for tasks whose worker is gone.
    pub poll: Duration,
    /// Whether it listens to the database's notifications as well.
    pub notifications: bool,
    /// How long running steps may go on when it is told to stop.
    pub grace: Duration,
    /// Resident memory, in bytes, above which it claims nothing more.
    pub memory: Option<u64>,
    /// When a task whose workers keep ending is given up.
    pub patience: Patience,
    /// Whether it ends when there is nothing left to do.
    pub until_idle: bool,
}

impl Default for WorkerSettings {
    /// Two tasks at a time, a look every second, 20 s of grace, and three runs in a row that bring nothing.
    fn default() -> Self {
        Self {
            concurrency: 2,
            capabilities: Vec::new(),
            poll: Duration::from_secs(1),
            notifications: true,
            grace: Duration::from_secs(20),
            memory: None,
            patience: Patience { runs: 3, pause: Duration::from_secs(1) },
            until_idle: false,
        }
    }
}

/// What a worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Runs whose steps all ended.
    pub ended: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that were interrupted or lost; their tasks go on elsewhere or later.
    pub released: u64,
}

/// Takes tasks from the queue and runs them.
pub struct Worker {
    executor: Arc<Executor>,
    workshop: Arc<dyn Workshop>,
    courier: Option<Arc<dyn Courier>>,
    chores: Vec<Arc<dyn Chore>>,
    settings: WorkerSettings,
}

/// What changes while a worker works.
struct Shift {
    running: JoinSet<Result<Finished, StorageError>>,
    claims: u64,
    report: Report,
    /// When it last made its rounds.
    rounds: Option<Instant>,
    /// Whether the last look for work found nothing at all.
    idle: bool,
    /// Whether it has said that its memory is full.
    full: bool,
}

impl Worker {
    /// A worker that runs what `workshop` makes.
    #[must_use]
    pub fn new(executor: Executor, workshop: Arc<dyn Workshop>, settings: WorkerSettings) -> Self {
        Self { executor: Arc::new(executor), workshop, courier: None, chores: Vec::new(), settings }
    }

    /// The same, carrying out effects as well.
    #[must_use]
    pub fn with_courier(self, courier: Arc<dyn Courier>) -> Self {
        Self { courier: Some(courier), ..self }
    }

    /// The same, looking after something else as well.
    #[must_use]
    pub fn with_chore(mut self, chore: Arc<dyn Chore>) -> Self {
        self.chores.push(chore);
        self
    }

    /// Works until `stop.drain`, then claims nothing more, lets running steps end within the grace time, and releases
    /// the rest; `stop.now` ends that time at once.
    ///
    /// # Errors
    /// [`StorageError`] if the database is not one that this program may work on (any more). One that is away is waited
    /// for.
    pub async fn run(&self, stop: &Stop) -> Result<Report, StorageError> {
        let mut wakeup = self.executor.db.wakeup(self.settings.notifications);
        let mut shift = Shift {
            running: JoinSet::new(),
            claims: 0,
            report: Report::default(),
            rounds: None,
            idle: false,
            full: false,
        };
        let courier = self.courier.clone().map(|courier| {
            let wakeup = self.executor.db.wakeup(false);
            let (executor, poll) = (self.executor.clone(), self.settings.poll);
            tokio::spawn(courier::keep_delivering(executor, courier, wakeup, poll, stop.clone()))
        });
        let ended = loop {
            if stop.drain.is_cancelled() || stop.now.is_cancelled() {
                break Ok(());
            }
            match self.look(&mut shift, stop).await {
                Ok(()) => {}
                Err(error) if is_final(&error) => break Err(error),
                Err(error) => tell(&error),
            }
            if self.settings.until_idle && shift.idle && shift.running.is_empty() {
                break Ok(());
            }
            self.rest(&mut shift, &mut wakeup, stop).await;
        };
        self.drain(&mut shift, stop).await;
        if let Some(courier) = courier {
            // What it is sending ends with its own time limit, or is judged by others.
            drop(timeout(self.settings.grace, courier).await);
        }
        ended.map(|()| shift.report)
    }

    /// One look at the database: what can be claimed and, every so often, what else is to be done.
    async fn look(&self, shift: &mut Shift, stop: &Stop) -> Result<(), StorageError> {
        if shift.rounds.is_none_or(|last| last.elapsed() >= self.settings.poll) {
            self.make_rounds().await?;
            shift.rounds = Some(Instant::now());
        }
        while shift.running.len() < self.settings.concurrency && self.has_room(shift) {
            let claimed = self.claim(shift).await?;
            if claimed.is_empty() {
                break;
            }
            for claimed in claimed {
                self.start(shift, claimed, stop);
            }
        }
        if self.settings.until_idle {
            let targets = self.courier.as_ref().map(|courier| courier.targets()).unwrap_or_default();
            shift.idle = !self.executor.db.has_open_work(&self.wants(false), &targets).await?;
        }
        Ok(())
    }

    /// What became due, and whose worker is gone. Before, whether the database is still one that it may work on.
    async fn make_rounds(&self) -> Result<(), StorageError> {
        let db = &self.executor.db;
        db.check_schema().await?;
        schedule::fire(db).await?;
        db.promote().await?;
        for chore in &self.chores {
            // What keeps one from being done keeps no task waiting.
            match chore.round().await {
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => tell(&error),
                Ok(()) => {}
            }
        }
        let recovered = db.recover(&self.executor.owner, self.settings.patience).await?;
        self.executor.metrics.recovered(recovered.waiting.len(), recovered.given_up.len());
        for task in &recovered.given_up {
            tracing::error!(%task, "given up: its workers keep ending before anything is journalled");
        }
        Ok(())
    }

    async fn claim(&self, shift: &mut Shift) -> Result<Vec<Claimed>, StorageError> {
        let wants = self.wants(shift.claims % OLDEST_EVERY == OLDEST_EVERY - 1);
        let executor = &self.executor;
        let claimed = executor.db.claim_next(&executor.owner, executor.settings.lease, &wants).await?;
        shift.claims += claimed.len() as u64;
        Ok(claimed)
    }

    fn wants(&self, oldest: bool) -> Wants {
        let capabilities = self.settings.capabilities.clone();
        Wants { capabilities, workflow: self.workshop.version(), oldest, limit: 1 }
    }

    fn start(&self, shift: &mut Shift, claimed: Claimed, stop: &Stop) {
        let (executor, workshop, stop) = (self.executor.clone(), self.workshop.clone(), stop.clone());
        shift.running.spawn(async move {
            let progress = workshop.progress(claimed.task);
            let late = Late { workshop, task: claimed.task };
            executor.run_claimed(claimed, &late, progress, &stop).await
        });
    }

    /// Whether its memory allows another task. Running ones write their results down, and are not touched.
    fn has_room(&self, shift: &mut Shift) -> bool {
        let Some(limit) = self.settings.memory else { return true };
        let resident = memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64);
        let full = resident > limit;
        if full && !shift.full {
            tracing::warn!(resident, limit, "claiming nothing more until there is less in memory");
        }
        shift.full = full;
        !full
    }

    /// Until a run ends, something may have to be done, or the worker is told to stop.
    async fn rest(&self, shift: &mut Shift, wakeup: &mut Wakeup, stop: &Stop) {
        tokio::select! {
            Some(ended) = shift.running.join_next() => count(&mut shift.report, ended),
            () = wakeup.wait(self.settings.poll) => {}
            () = stop.drain.cancelled() => {}
            () = stop.now.cancelled() => {}
        }
    }

    /// Waits for what runs: until its next step for the grace time, and then no more.
    async fn drain(&self, shift: &mut Shift, stop: &Stop) {
        stop.drain.cancel();
        let until = Instant::now() + self.settings.grace;
        while !shift.running.is_empty() {
            tokio::select! {
                Some(ended) = shift.running.join_next() => count(&mut shift.report, ended),
                () = sleep(until - Instant::now()), if !stop.now.is_cancelled() => stop.now.cancel(),
            }
        }
    }
}

fn count(report: &mut Report, ended: Result<Result<Finished, StorageError>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(Finished::Ended(_) | Finished::Settled(_))) => report.ended += 1,
        Ok(Ok(Finished::Failed(_))) => report.failed += 1,
        Ok(Ok(Finished::Interrupted | Finished::Lost)) => report.released += 1,
        Ok(Err(error)) => {
            report.released += 1;
            tracing::warn!(%error, "the end of a run could not be written down; its lease will end");
        }
        Err(error) => {
            report.failed += 1;
            tracing::error!(%error, "a run ended by a defect of this program");
        }
    }
}

/// Whether it is the database as a whole that this program may not work on. Anything else may pass, or be a single
/// row's fault.
fn is_final(error: &StorageError) -> bool {
    use StorageError as E;
    matches!(
        error,
        E::Newer { .. } | E::Older { .. } | E::Corrupt { .. } | E::Refused { .. } | E::ReadOnly { .. }
    )
}

fn tell(error: &StorageError) {
    match error {
        StorageError::Bug(bug) => {
            tracing::error!(%error, backtrace = %bug.backtrace(), "looking for work failed by a defect of this program");
        }
        _ => tracing::warn!(%error, "looking for work again soon"),
    }
}
