//! Finding, fetching, extracting, segmenting and ranking sources.
//!
//! From what a person names (a file, a directory, an `http(s)` URL, or nothing but a topic) to numbered
//! [`Passage`](cofounder_domain::Passage)s that can be cited:
//! [`Reference`] → [`read_path`] or [`Fetcher`] → [`extract()`] → [`segment()`] → [`Ranking`].
//!
//! Everything that comes in is hostile until proven otherwise: sizes, times, depths and addresses are
//! bounded, and a source's text stays data. This crate knows no model, no prompt, no database and no
//! task; it never stores what it read, and it does not know what an article is.

mod charset;
mod client;
mod contradiction;
mod document;
mod error;
mod extract;
mod fetch;
mod files;
mod limits;
mod public_address;
mod rank;
mod reference;
mod segment;
mod suspicion;
mod wikipedia;
mod words;

pub use contradiction::{Contradiction, contradictions};
pub use document::{Document, Reading, Skipped};
pub use error::ResearchError;
pub use extract::{Extracted, Format, NotText, extract};
pub use fetch::Fetcher;
pub use files::read_path;
pub use limits::{Limits, Settings, Timeouts, WikipediaSettings};
pub use public_address::is_public;
pub use rank::Ranking;
pub use reference::Reference;
pub use segment::segment;
pub use suspicion::suspicious;
