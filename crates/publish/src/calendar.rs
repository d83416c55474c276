//! Publishes what was approved for a time that has come, and tells who is to be told.

use async_trait::async_trait;
use cofounder_executor::Chore;
use cofounder_storage::{Database, StorageError};
use std::sync::Arc;

use crate::Webhooks;

/// What a worker looks at on each of its rounds.
pub struct Calendar {
    /// Where posts wait.
    pub db: Arc<Database>,
    /// Who is told.
    pub webhooks: Arc<Webhooks>,
}

#[async_trait]
impl Chore for Calendar {
    async fn round(&self) -> Result<(), StorageError> {
        self.db.publish_due(|post| self.webhooks.announcements(post)).await.map(drop)
    }
}
