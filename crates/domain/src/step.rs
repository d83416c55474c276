//! Steps: named stages of a run.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a step within its run, e.g. `draft/section-3` or `revise/2`: lower-case words, digits and
/// hyphens, divided by slashes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(transparent)]
pub struct StepPath(String);

impl StepPath {
    /// A path from its text.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// A path below this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0))
    }

    /// The whole path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first word: the step that the pipeline lists.
    #[must_use]
    pub fn root(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a step stands. Skipped and degraded are results of their own, never a kind of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Begun, and its result is not journalled yet.
    Running,
    /// Its result is journalled.
    Done,
    /// Its result is journalled, and it fell short of what it aims at; the step says why.
    Degraded,
    /// It was not done, and its result says why.
    Skipped,
    /// Its last attempt ended with an error.
    Failed,
}

impl StepStatus {
    /// The name used on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Degraded => "degraded",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}
