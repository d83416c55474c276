//! Sources, passages and what a rail found.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::SourceId;

/// The SHA-256 of some bytes, as 64 hexadecimal digits.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A fetched document. Its bytes and its extracted text are stored by the hash of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Short for `sha256`.
    pub id: SourceId,
    /// Where it came from: a `file:` or `http(s):` URL.
    pub uri: String,
    /// Its own title, or its file name.
    pub title: String,
    /// SHA-256 of the bytes as fetched.
    pub sha256: String,
    /// How many bytes were fetched.
    pub bytes: u64,
    /// The extracted text, which passages are ranges of.
    pub text: String,
}

/// A byte range of a source's extracted text: one or a few sentences that can be cited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The number the writer sees, as `[S<n>]`; unique within a task, from 1.
    pub number: u32,
    /// The source it is a range of.
    pub source: SourceId,
    /// First byte, in the source's extracted text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The text of the range, to the letter.
    pub text: String,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
}

/// A byte range of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What a rail, or one check of a claim, found. A rail that could not measure says so: it is never a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Measured, and good.
    Pass,
    /// Measured, and a person should look.
    Warn,
    /// Measured, and bad.
    Fail,
    /// Not measured; the reason says why.
    Skipped,
    /// Measuring failed; the reason says how.
    Error,
}

/// One check of one claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Which check: `citation`, `quote`, `numbers`, `names` or `support`.
    pub name: String,
    /// What it found.
    pub verdict: Verdict,
    /// What it found, in words a person reads; empty for a plain pass.
    pub reason: String,
}

/// What one rail found in one draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RailResult {
    /// The rail's name, e.g. `grounding`.
    pub rail: String,
    /// The rail's version; it changes when its findings can.
    pub version: u32,
    /// Whether a failure (or a skip) stops approval.
    pub blocking: bool,
    /// What it found.
    pub verdict: Verdict,
    /// In words a person reads; empty for a plain pass.
    pub reason: String,
    /// Where, as byte ranges of [`crate::Report::draft`].
    pub spans: Vec<Span>,
}
