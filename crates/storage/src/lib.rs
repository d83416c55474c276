//! Repositories over the database: tasks and their queue, runs and steps, model calls and their
//! ledger, money, tokens, people and their sessions, effects, sources, posts.
//!
//! [`Database`] is the only door to a database, be it SQLite or PostgreSQL: it opens, migrates and refuses what it does
//! not understand. The statements are the same for both; a suite of tests runs each of its bodies on both. Every change
//! that belongs together is one transaction, and no type of a database's driver leaves this crate. It knows the words
//! of `domain` and nothing of models, networks, or how an article is made.

mod access_tokens;
mod accounts;
mod audit;
mod by_hand;
mod calls;
mod categories;
mod creation;
mod database;
mod days;
mod deliveries;
mod drafts;
mod editing;
mod effects;
mod error;
mod faults;
mod feed;
mod group;
mod health;
mod identities;
mod journal;
mod keeping;
mod lease;
mod ledger;
mod ledger_reading;
mod links;
mod location;
mod migrate;
mod owner;
mod people;
mod people_changes;
mod posts;
mod publication;
mod queue;
mod recovery;
mod retrying;
mod revisions;
mod rework;
mod runs;
mod schedules;
mod sessions;
mod slices;
mod sources;
mod spent;
mod sql;
mod states;
mod stats;
mod tags;
mod tasks;
mod tokens;
mod wake;
mod wording;
mod work;

pub use access_tokens::{AccessToken, NewAccessToken, OPEN_ACCESS_TOKENS};
pub use accounts::{Account, AccountState, Taken};
pub use audit::{Act, Acting, Actor, ActorKind, AuditFilter, AuditLine};
pub use by_hand::NewPost;
pub use calls::{CallEnd, CallStart, FailedCall, FinishedCall, JournalledCall};
pub use categories::{Category, CategoryChange, NewCategory};
pub use creation::{Asked, NewSource, Terms};
pub use database::{Connections, Database, PoolSettings};
pub use days::DayCounts;
pub use deliveries::{DeliveryFilter, DeliveryRecord};
pub use drafts::Draft;
pub use editing::PostChange;
pub use effects::{Delivery, DueEffect, EffectRecord, NewEffect};
pub use error::StorageError;
pub use faults::{Failure, Faults, Moment};
pub use feed::FeedEvent;
pub use health::TargetHealth;
pub use identities::{IdentityKey, LinkedIdentity, Newcomer};
pub use journal::JournalEvent;
pub use keeping::{
    Backup, BackupFile, BackupInfo, KeepingError, KeepingProgress, NOT_CARRIED, Restored, TableSum,
};
pub use ledger::{CallKind, CallState, CallTokens, LedgerCall};
pub use ledger_reading::{LedgerFilter, LedgerRow, LedgerSum, SumBy};
pub use links::{Acceptance, Link, LinkPurpose, NewLink};
pub use location::{Location, LocationError};
pub use owner::{Owner, boot_clock, owner_name};
pub use people::{Credentials, NewPerson, PasswordHash, Person};
pub use people_changes::{ChangedPerson, PersonChange, Replacement};
pub use posts::{PostFilter, PostSummary};
pub use queue::{Claim, Claimed, Wants};
pub use recovery::{Patience, Recovered};
pub use revisions::{Revision, RevisionText};
pub use rework::TaskNote;
pub use runs::{RunRecord, StepRecord, StepResult};
pub use schedules::Schedule;
pub use sessions::{NewSession, Session, SignedIn};
pub use slices::{OpenSlice, Spend};
pub use sources::SourceSummary;
pub use spent::Spent;
pub use states::{BegunSignIn, NewSignIn, OPEN_SIGN_INS, OPEN_SIGN_INS_OF_A_BROWSER};
pub use stats::{Begun, Depths};
pub use tags::Tag;
pub use tasks::{HistoryEntry, Listed, Page, Task};
pub use tokens::{NewToken, Token};
pub use wake::Wakeup;
pub use work::patiently;
