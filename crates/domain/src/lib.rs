//! The words of the business: ids, the task's statuses, people's roles, money, time, sources and claims.
//!
//! Every other crate speaks in these types. This crate performs no input or output, knows no async
//! runtime, no database, no network, and never reads the clock by itself: see [`Clock`].

mod brief;
mod bug;
mod evidence;
mod fault;
mod ids;
mod money;
mod person;
mod post;
mod report;
mod sentence;
mod status;
mod step;
mod time;

pub use brief::{Brief, BriefError, DEFAULT_WORDS, MAX_TOPIC_CHARS, MAX_WORDS, MIN_WORDS};
pub use bug::Bug;
pub use evidence::{Check, Passage, RailResult, Source, Span, Verdict, content_hash};
pub use fault::{FaultKind, LogLevel, Retry};
pub use ids::{CallId, PersonId, PostId, RunId, SessionId, SiteId, SourceId, TaskId, TokenId};
pub use money::{NanoUsd, Price, Tokens};
pub use person::{Email, EmailError, Role, RoleError};
pub use post::{Gate, Post, slugify};
pub use report::{CallRecord, Claim, ClaimPassage, Report, ReportSource};
pub use sentence::{sentences, word_count};
pub use status::{IllegalTransition, Status};
pub use step::{StepPath, StepStatus};
pub use time::{Clock, SystemClock, Timestamp, format_timestamp};
