//! Why a step, or a whole run, did not come to a result.

use cofounder_domain::{FaultKind, Retry};
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

    pub(crate) fn interrupted() -> Self {
        Self { cause: Cause::Interrupted, source: Box::new(Stopped) }
    }

    pub(crate) fn late(deadline: Duration) -> Self {
        Self::from_fault(FaultKind::Unavailable, None, Late(deadline))
    }

    pub(crate) fn bug(error: impl Error + Send + Sync + 'static) -> Self {
        Self::from_fault(FaultKind::Bug, None, error)
    }

    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self.cause {
            Cause::Fault { kind, .. } | Cause::Storage(kind) => kind,
            Cause::Interrupted | Cause::Lost => FaultKind::Conflict,
        }
    }

    /// Whether trying again can help, and after what time at the least.
    pub(crate) fn retry(&self) -> Option<Duration> {
        match self.cause {
            Cause::Fault { kind, retry_after } if kind.retry() != Retry::Never => {
                Some(retry_after.unwrap_or_default())
            }
            Cause::Storage(FaultKind::Unavailable) => Some(Duration::ZERO),
            _ => None,
        }
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
