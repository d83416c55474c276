//! Child processes that end with their parent.
//!
//! A child runs in a process group of its own, so that whatever it starts can be ended with it. A [`Service`]
//! is a child that stays: started when it is needed, started again with a growing delay after a crash, its
//! output kept in a log of bounded size. Its standard input is a pipe that is never written to; a child that
//! ends when that pipe does cannot outlive this process, even if this process is killed. [`run_job`] runs a
//! child that ends by itself, within a deadline.
//!
//! This crate does not know what its children do, speaks no protocol with them, and decides nothing about
//! models, memory or money.

mod exit;
mod group;
mod job;
mod log;
mod service;

pub use exit::Exit;
pub use job::{JobError, JobResult, JobSpec, run_job};
pub use service::{Backoff, Service, ServiceError, ServiceSpec};
