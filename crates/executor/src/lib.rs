//! Durable execution: a workflow is a list of steps, and each step's result is journalled before the next begins.
//!
//! An [`Executor`] claims a task, keeps its lease alive, runs the workflow, and writes down how it ended. A step
//! whose result is journalled is not run again: an interrupted task goes on where it stopped. A step that fails in
//! a way that time can mend is tried again after a pause; it has a deadline, and it can be cancelled at any await
//! point.
//!
//! This crate does not know what its steps do: nothing of models, articles or networks.

mod context;
mod error;
mod event;
mod executor;

pub use context::{Outcome, RunContext, StepContext};
pub use error::StepError;
pub use event::{Event, Progress, Silent};
pub use executor::{Ending, Executor, Finished, Settings, Workflow};
