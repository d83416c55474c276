//! Trying a workflow: every step run twice, failed in turn, and cut off after. For tests of workflows.

use cofounder_domain::StepPath;

use crate::StepError;

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
