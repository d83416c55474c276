//! Repositories over the database: tasks and their history, runs and steps, model calls, money, sources, posts.
//!
//! [`Database`] is the only door to the data directory's database: it opens, migrates and refuses what it does
//! not understand. Every change that belongs together is one transaction, and no type of the database's driver
//! leaves this crate. It knows the words of `domain` and nothing of models, networks, or how an article is made.

mod budget;
mod calls;
mod database;
mod error;
mod migrate;
mod owner;
mod posts;
mod runs;
mod sources;
mod sql;
mod tasks;

pub use budget::{Reservation, Reserved};
pub use calls::{CallStart, FinishedCall, JournalledCall, Spent};
pub use database::Database;
pub use error::StorageError;
pub use owner::{Owner, boot_clock};
pub use posts::{Draft, PostSummary, Revision};
pub use runs::{Claim, Claimed, JournalEvent, StepRecord, StepResult};
pub use sources::SourceSummary;
pub use tasks::{HistoryEntry, NewSource, Page, Task};
