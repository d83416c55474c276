//! Why a step, or a whole run, did not come to a result.

use cofounder_domain::{Bug, FaultKind, Retry, StepPath, TaskId};
use cofounder_storage::StorageError;
use std::{error::Error, fmt, time::Duration};

/// Why a step did not come to a result.
#[derive(Debug)]
pub struct StepError {
    pub(crate) cause: Cause,
    source: Box<dyn Error + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The step's own failure.
    Fault { kind: FaultKind, retry_after: Option<Duration> },
    /// The run was asked to stop; the task can be resumed.
    Interrupted,
    /// Somebody else has the task by now: nothing more may be written.
    Lost,
    /// The database does not take what happened: nothing more can be written.
    Storage(FaultKind),
}

#[derive(Debug, thiserror::Error)]
#[error("the run was asked to stop")]
struct Stopped;

#[derive(Debug, thiserror::Error)]
#[error("it took longer than the {} s that a step may take", .0.as_secs())]
struct Late(Duration);

#[derive(Debug, thiserror::Error)]
#[error(
    "the journalled result of the step `{path}` cannot be read ({reason}). It is kept as it is; \
     `cofounder task retry {task} --from {path}` does the step anew"
)]
struct Unreadable {
    task: TaskId,
    path: StepPath,
    reason: String,
}

impl StepError {
    /// A failure of a known kind; `retry_after` is what the error itself says.
    pub fn from_fault(
        kind: FaultKind,
        retry_after: Option<Duration>,
        error: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self { cause: Cause::Fault { kind, retry_after }, source: Box::new(error) }
    }

    /// A failure of the database.
    #[must_use]
    pub fn storage(error: StorageError) -> Self {
        let cause = match error {
            StorageError::Stale => Cause::Lost,
            _ => Cause::Storage(error.kind()),
        };
        Self { cause, source: Box::new(error) }
    }

    /// A mistake of ours, noticed here.
    #[must_use]
    pub fn bug(what: impl fmt::Display) -> Self {
        Self::from_fault(FaultKind::Bug, None, Bug::here(what))
    }

    pub(crate) fn interrupted() -> Self {
        Self { cause: Cause::Interrupted, source: Box::new(Stopped) }
    }

    pub(crate) fn late(deadline: Duration) -> Self {
        Self::from_fault(FaultKind::Unavailable, None, Late(deadline))
    }

    pub(crate) fn unreadable(task: TaskId, path: &StepPath, error: impl fmt::Display) -> Self {
        let unreadable = Unreadable { task, path: path.clone(), reason: error.to_string() };
        Self::from_fault(FaultKind::Unsupported, None, unreadable)
    }

    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self.cause {
            Cause::Fault { kind, .. } | Cause::Storage(kind) => kind,
            Cause::Interrupted | Cause::Lost => FaultKind::Conflict,
        }
    }

    /// The mistake of ours that it is, if it is one, with its backtrace.
    #[must_use]
    pub fn as_bug(&self) -> Option<&Bug> {
        let mut error: Option<&(dyn Error + 'static)> = Some(self.source.as_ref());
        while let Some(cause) = error {
            match cause.downcast_ref::<Bug>() {
                Some(bug) => return Some(bug),
                None => error = cause.source(),
            }
        }
        None
    }

    /// Whether trying again can help, and after what time at the least.
    pub(crate) fn retry(&self) -> Option<Duration> {
        match self.cause {
            Cause::Fault { kind, retry_after } if kind.retry() != Retry::Never => {
                Some(retry_after.unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Whether the database did not answer: it may, soon, and nothing speaks against the step itself.
    pub(crate) fn is_outage(&self) -> bool {
        self.cause == Cause::Storage(FaultKind::Unavailable)
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
