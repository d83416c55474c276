//! Durable execution: a workflow is a list of steps, and each step's result is journalled before the next begins.
//!
//! An [`Executor`] claims a task, keeps its lease alive, runs the workflow, and writes down how it ended. A step
//! whose result is journalled is not run again: an interrupted task goes on where it stopped. A step that fails in
//! a way that time can mend is tried again after a pause; it has a deadline, holds [`Permits`] of what it uses, and can
//! be cancelled at any await point. A [`Worker`] takes tasks from the queue, sets those free whose worker is gone, makes
//! those that a schedule asks for, and has a [`Courier`] carry out effects outside, once each.
//!
//! This crate does not know what its steps do: nothing of models, articles or networks. [`Metrics`] counts what they came
//! to, and knows nobody who reads it.

mod chore;
mod context;
mod courier;
mod error;
mod event;
mod executor;
mod late;
mod metrics;
mod permits;
mod schedule;
mod step;
mod trial;
mod watch;
mod worker;

pub use chore::Chore;
pub use context::RunContext;
pub use courier::Courier;
pub use error::StepError;
pub use event::{Event, Progress, Silent};
pub use executor::{Ending, Executor, Finished, Settings, Stop, Workflow};
pub use metrics::Metrics;
pub use permits::{Permit, Permits};
pub use schedule::{Rule, RuleError};
pub use step::{Needs, Outcome, StepContext};
pub use trial::{Case, Trial, crash, try_every_step};
pub use worker::{Report, Worker, WorkerSettings, Workshop};
