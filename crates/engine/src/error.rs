//! What can go wrong in the engine.

use std::path::PathBuf;

/// Why the engine does not run, or a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The model file cannot be used.
    #[error("the model {path} cannot be used: {reason}", path = path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The socket cannot be served.
    #[error("the socket {path} cannot be served: {reason}", path = path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The request is not one that can be answered.
    #[error("{0}")]
    Invalid(String),
    /// Prompt and answer do not fit into the model's context.
    #[error("the prompt has {tokens} tokens, and this model's context has {context}")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that prompt and answer may have together.
        context: usize,
    },
    /// Too many requests wait already.
    #[error("too many requests wait for the model")]
    Busy,
    /// Whoever asked went away.
    #[error("cancelled")]
    Cancelled,
    /// Whoever asked was there and did not read.
    #[error(
        "the answer was given up because it was not read while others waited; read it as it comes, or ask again"
    )]
    Unread,
    /// The computation failed.
    #[error("the model's computation failed: {0}")]
    Compute(String),
}

impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        Self::Compute(error.to_string())
    }
}
