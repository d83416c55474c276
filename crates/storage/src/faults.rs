//! Where a test makes the database fail.

use crate::StorageError;

/// What is done to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Just before it is sent.
    Before,
    /// When it has been answered.
    After,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// As if another change had come first (SQLSTATE 40001).
    Contended,
    /// As if the connection were lost.
    Lost,
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Contended => Self::Contended("injected".to_owned()),
            Failure::Lost => Self::Unavailable("injected".to_owned()),
        }
    }
}

/// Decides for each statement, `COMMIT` included, whether it fails. Set by code alone, never by configuration.
pub trait Faults: Send + Sync + std::fmt::Debug {
    /// Whether the statement fails at this moment.
    fn strike(&self, statement: &str, moment: Moment) -> Option<Failure>;
}
