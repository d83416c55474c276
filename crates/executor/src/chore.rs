//! What else a worker does, beside running tasks.

use async_trait::async_trait;
use cofounder_storage::StorageError;

/// Something that is looked after on each of a worker's rounds, such as what is due at some time. Several workers may do
/// it at once, and it is done again soon if it fails.
#[async_trait]
pub trait Chore: Send + Sync {
    /// Does what is to be done now.
    ///
    /// # Errors
    /// Why it could not.
    async fn round(&self) -> Result<(), StorageError>;
}
