//! The report that stands beside every article: what it rests on and what was checked.

use serde::{Deserialize, Serialize};

use crate::{Check, RailResult, Source, SourceId};

/// `<slug>.report.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Every source that the task read.
    pub sources: Vec<ReportSource>,
    /// Every factual sentence, in the article's order.
    pub claims: Vec<Claim>,
    /// What each rail found.
    pub rails: Vec<RailResult>,
    /// Every model call, in order.
    pub calls: Vec<CallRecord>,
    /// Sentences that were taken out since no passage supports them, and why.
    pub removed: Vec<Claim>,
    /// Why the article fell short of what the pipeline aims at; empty if it did not.
    pub degraded: Vec<String>,
    /// The article with its `[S<n>]` marks, as the rails read it: their spans are byte ranges of this text.
    pub draft: String,
    /// What else a reader of the report should know, in plain words.
    pub notes: Vec<String>,
}

/// A source, without its text (`cofounder source show ID` prints that).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSource {
    /// Its id.
    pub id: SourceId,
    /// Where it came from.
    pub uri: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many bytes it has.
    pub bytes: u64,
}

impl From<&Source> for ReportSource {
    fn from(source: &Source) -> Self {
        Self {
            id: source.id.clone(),
            uri: source.uri.clone(),
            title: source.title.clone(),
            sha256: source.sha256.clone(),
            bytes: source.bytes,
        }
    }
}

/// A factual sentence of the article.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The sentence, without its citations.
    pub text: String,
    /// Whether every check of it passed.
    pub supported: bool,
    /// The passages it cites.
    pub passages: Vec<ClaimPassage>,
    /// What was checked.
    pub checks: Vec<Check>,
}

/// A passage that a claim cites: bytes `start..end` of the source's extracted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimPassage {
    /// The source's id.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The passage's text.
    pub text: String,
}

/// One model call, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The step's path.
    pub step: String,
    /// `provider/model`.
    pub model: String,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// What it cost, in US dollars.
    pub cost_usd: f64,
    /// How long it took, in milliseconds.
    pub ms: u64,
}
