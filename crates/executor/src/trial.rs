//! Trying a workflow: every step run twice, failed in turn, and cut off after. For tests of workflows.

use async_trait::async_trait;
use cofounder_domain::{FaultKind, StepPath, TaskId};
use cofounder_storage::{Database, StepRecord};
use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Finished, StepError};

/// Interferes with the steps of a run.
pub trait Trial: Send + Sync {
    /// Called when an attempt has begun, before its work.
    ///
    /// # Errors
    /// What the attempt fails with instead.
    fn before(&self, path: &StepPath, attempt: u32) -> Result<(), StepError>;

    /// Whether the step's work is done twice, as if the first time had been forgotten.
    fn twice(&self, path: &StepPath) -> bool;

    /// Called when the step's result has been journalled.
    ///
    /// # Errors
    /// With [`crash`], the run ends here without another word.
    fn after(&self, path: &StepPath) -> Result<(), StepError>;
}

/// Ends a run as a crash would: nothing more is written.
#[must_use]
pub fn crash() -> StepError {
    StepError::storage(cofounder_storage::StorageError::Stale)
}

/// A task to be tried, with all that is around it.
#[async_trait]
pub trait Case: Send + Sync {
    /// What must be the same however the task came to its end.
    type Outcome: PartialEq + Debug + Send;

    /// Where its journal is.
    fn db(&self) -> &Database;

    /// The task.
    fn task(&self) -> TaskId;

    /// Runs the task under this trial, as a process of its own would: with an owner that is gone when it returns. Steps
    /// that fail must be tried again.
    async fn run(&self, trial: Option<Arc<dyn Trial>>) -> Finished;

    /// What it came to, and what was done outside to come there.
    async fn outcome(&self) -> Self::Outcome;
}

/// What is done to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ordeal {
    /// Its work is done, forgotten, and done again.
    Twice,
    /// Its first attempt fails in a way that time can mend.
    Fails,
    /// Its run ends without a word when its result is journalled; another owner goes on.
    Crash,
}

/// Runs a task plainly, and then, for each of its steps, new tasks in which this step is done twice, fails once, or is
/// the last before a crash. All must come to the same outcome through the same steps. Returns the steps.
///
/// # Errors
/// What came out differently, and where.
pub async fn try_every_step<C: Case>(new: impl AsyncFn() -> C) -> Result<Vec<StepPath>, String> {
    let plain = new().await;
    ended(plain.run(None).await)?;
    let (steps, expected) = (done(&plain).await?, plain.outcome().await);
    let paths: Vec<_> = steps.iter().map(|step| step.name.clone()).collect();
    for path in &paths {
        for ordeal in [Ordeal::Twice, Ordeal::Fails, Ordeal::Crash] {
            let tried = try_step(&new().await, path, ordeal, &paths, &expected).await;
            tried.map_err(|reason| format!("{path}, {ordeal:?}: {reason}"))?;
        }
    }
    Ok(paths)
}

async fn try_step<C: Case>(
    case: &C,
    path: &StepPath,
    ordeal: Ordeal,
    paths: &[StepPath],
    expected: &C::Outcome,
) -> Result<(), String> {
    let trial = Arc::new(One { path: path.clone(), ordeal, met: AtomicBool::new(false) });
    let mut finished = case.run(Some(trial.clone())).await;
    if !trial.met.load(Ordering::SeqCst) {
        return Err(format!("the step did not come up: {finished:?}"));
    }
    if ordeal == Ordeal::Crash {
        match finished {
            Finished::Lost => finished = case.run(None).await,
            other => return Err(format!("it was to crash: {other:?}")),
        }
    }
    ended(finished)?;
    let steps = done(case).await?;
    if !steps.iter().map(|step| &step.name).eq(paths) {
        return Err(format!("other steps: {:?}", steps.iter().map(|s| &s.name).collect::<Vec<_>>()));
    }
    for step in steps {
        let attempts = if ordeal == Ordeal::Fails && step.name == *path { 2 } else { 1 };
        if step.attempts != attempts {
            return Err(format!("{} was begun {} times instead of {attempts}", step.name, step.attempts));
        }
    }
    let outcome = case.outcome().await;
    if outcome == *expected { Ok(()) } else { Err(format!("{outcome:?}\ninstead of {expected:?}")) }
}

fn ended(finished: Finished) -> Result<(), String> {
    match finished {
        Finished::Ended(_) => Ok(()),
        other => Err(format!("it did not end: {other:?}")),
    }
}

/// The steps, each with a result.
async fn done(case: &impl Case) -> Result<Vec<StepRecord>, String> {
    let steps = case.db().steps(case.task()).await.map_err(|error| error.to_string())?;
    match steps.iter().find(|step| step.result.is_none()) {
        Some(without) => Err(format!("{} has no result: {:?}", without.name, without.status)),
        None => Ok(steps),
    }
}

/// Does one thing to one step, once.
struct One {
    path: StepPath,
    ordeal: Ordeal,
    met: AtomicBool,
}

impl One {
    /// Whether it is the step's turn, which comes once.
    fn now(&self, path: &StepPath, ordeal: Ordeal) -> bool {
        self.ordeal == ordeal && self.path == *path && !self.met.swap(true, Ordering::SeqCst)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("failed on trial")]
struct OnTrial;

impl Trial for One {
    fn before(&self, path: &StepPath, _attempt: u32) -> Result<(), StepError> {
        match self.now(path, Ordeal::Fails) {
            true => Err(StepError::from_fault(FaultKind::Unavailable, None, OnTrial)),
            false => Ok(()),
        }
    }

    fn twice(&self, path: &StepPath) -> bool {
        self.now(path, Ordeal::Twice)
    }

    fn after(&self, path: &StepPath) -> Result<(), StepError> {
        if self.now(path, Ordeal::Crash) { Err(crash()) } else { Ok(()) }
    }
}
