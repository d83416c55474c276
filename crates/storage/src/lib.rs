//! Repositories over the database: tasks and their queue, runs and steps, model calls, money, effects, sources, posts.
//!
//! [`Database`] is the only door to a database, be it SQLite or PostgreSQL: it opens, migrates and refuses what it does
//! not understand. The statements are the same for both; a suite of tests runs each of its bodies on both. Every change
//! that belongs together is one transaction, and no type of a database's driver leaves this crate. It knows the words
//! of `domain` and nothing of models, networks, or how an article is made.

mod budget;
mod calls;
mod creation;
mod database;
mod effects;
mod error;
mod faults;
mod group;
mod journal;
mod lease;
mod location;
mod migrate;
mod owner;
mod posts;
mod queue;
mod recovery;
mod runs;
mod schedules;
mod sources;
mod sql;
mod tasks;
mod wake;
mod work;

pub use budget::{Reservation, Reserved};
pub use calls::{CallStart, FinishedCall, JournalledCall, Spent};
pub use creation::{NewSource, Terms};
pub use database::{Connections, Database, PoolSettings};
pub use effects::{Delivery, DueEffect, EffectRecord, NewEffect};
pub use error::StorageError;
pub use faults::{Failure, Faults, Moment};
pub use journal::JournalEvent;
pub use location::{Location, LocationError};
pub use owner::{Owner, boot_clock, owner_name};
pub use posts::{Draft, PostSummary, Revision};
pub use queue::{Claim, Claimed, Wants};
pub use recovery::{Patience, Recovered};
pub use runs::{RunRecord, StepRecord, StepResult};
pub use schedules::Schedule;
pub use sources::SourceSummary;
pub use tasks::{HistoryEntry, Listed, Page, Task};
pub use wake::Wakeup;
pub use work::patiently;
