//! The port to the embedded engine: somebody else starts processes.

use crate::ProviderError;
use async_trait::async_trait;
use std::{fmt, path::PathBuf};

/// Starts embedded engines.
#[async_trait]
pub trait Launcher: Send + Sync + fmt::Debug {
    /// The Unix socket at which the engine of a local model listens. Starts the engine if it does not run; cheap
    /// if it does. It is asked before each call, so that a restarted engine is found again.
    ///
    /// # Errors
    /// [`ProviderError::Launch`] if the model is not there or the engine does not start.
    async fn socket(&self, model: &str) -> Result<PathBuf, ProviderError>;
}

/// For programs without an engine: every model is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEngine;

#[async_trait]
impl Launcher for NoEngine {
    async fn socket(&self, model: &str) -> Result<PathBuf, ProviderError> {
        Err(ProviderError::launch(format!("this program runs no engine, so {model} cannot be started")))
    }
}
