//! What a post rests on: its claims with their passages, and its sources.

use cofounder_domain::{Check, Claim, ClaimPassage, ReportSource, Source, Verdict};
use cofounder_storage::SourceSummary;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{SOURCE, at},
};

/// A factual sentence of a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct ClaimItem {
    /// The sentence, without its citations.
    pub text: String,
    /// Whether every check of it passed.
    pub supported: bool,
    /// The passages that it cites.
    pub passages: Vec<PassageItem>,
    /// What was checked.
    pub checks: Vec<CheckItem>,
}

/// A passage that a claim cites: bytes `start` to `end` of a source's extracted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassageItem {
    /// The source's id.
    pub source: String,
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The passage's text.
    pub text: String,
}

/// One check of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckItem {
    /// Which: `citation`, `quote`, `numbers`, `names`, `support`, ….
    pub name: String,
    /// `pass`, `warn`, `fail`, `skipped` or `error`.
    pub verdict: String,
    /// What it found; empty for a plain pass.
    pub reason: String,
}

/// A source without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct SourceItem {
    /// Its id: the beginning of its hash.
    pub id: String,
    /// Where it came from.
    pub uri: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many bytes were fetched.
    pub bytes: u64,
    /// When it was first stored; absent where it is named by a post.
    pub created_at: Option<Moment>,
}

/// A source with a part of its extracted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct SourceDocument {
    /// Its id: the beginning of its hash.
    pub id: String,
    /// Where it came from.
    pub uri: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many bytes were fetched.
    pub bytes: u64,
    /// How many bytes its extracted text has.
    pub text_bytes: usize,
    /// The first byte of the part that is shown.
    pub start: usize,
    /// One past the last byte of it.
    pub end: usize,
    /// That part of the extracted text.
    pub text: String,
}

impl From<Claim> for ClaimItem {
    fn from(claim: Claim) -> Self {
        let Claim { text, supported, passages, checks } = claim;
        let passages = passages.into_iter().map(PassageItem::from).collect();
        Self { text, supported, passages, checks: checks.into_iter().map(CheckItem::from).collect() }
    }
}

impl From<ClaimPassage> for PassageItem {
    fn from(passage: ClaimPassage) -> Self {
        let ClaimPassage { source, start, end, text } = passage;
        Self { source: source.to_string(), start, end, text }
    }
}

impl From<Check> for CheckItem {
    fn from(check: Check) -> Self {
        let verdict = match check.verdict {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
            Verdict::Skipped => "skipped",
            Verdict::Error => "error",
        };
        Self { name: check.name, verdict: verdict.to_owned(), reason: check.reason }
    }
}

impl From<SourceSummary> for SourceItem {
    fn from(source: SourceSummary) -> Self {
        let SourceSummary { id, uri, title, sha256, bytes, created_at } = source;
        Self { id: id.to_string(), uri, title, sha256, bytes, created_at: Some(created_at.into()) }
    }
}

impl From<ReportSource> for SourceItem {
    fn from(source: ReportSource) -> Self {
        let ReportSource { id, uri, title, sha256, bytes } = source;
        Self { id: id.to_string(), uri, title, sha256, bytes, created_at: None }
    }
}

impl SourceDocument {
    /// The part of a source's text that lies between two bytes, widened to whole characters.
    #[must_use]
    pub fn part(source: &Source, start: usize, end: usize) -> Self {
        let text = &source.text;
        let start = text.floor_char_boundary(start);
        let end = text.ceil_char_boundary(end).max(start);
        Self {
            id: source.id.to_string(),
            uri: source.uri.clone(),
            title: source.title.clone(),
            sha256: source.sha256.clone(),
            bytes: source.bytes,
            text_bytes: text.len(),
            start,
            end,
            text: text[start..end].to_owned(),
        }
    }
}

/// The sample source's hash, and what a passage of it says.
const SHA256: &str = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const SAYS: &str = "SQLite does not compete with client/server databases. SQLite competes with fopen().";

impl Sample for ClaimItem {
    fn sample() -> Self {
        let check = |name: &str| CheckItem {
            name: name.to_owned(),
            verdict: "pass".to_owned(),
            reason: String::new(),
        };
        Self {
            text: "SQLite's competitor is fopen(), and no client/server database.".to_owned(),
            supported: true,
            passages: vec![PassageItem {
                source: SHA256[..16].to_owned(),
                start: 612,
                end: 612 + SAYS.len(),
                text: SAYS.to_owned(),
            }],
            checks: vec![check("citation"), check("names"), check("support")],
        }
    }
}

impl Sample for SourceItem {
    fn sample() -> Self {
        let SourceDocument { id, uri, title, sha256, bytes, .. } = SourceDocument::sample();
        Self { id, uri, title, sha256, bytes, created_at: Some(at(1)) }
    }
}

impl Sample for SourceDocument {
    fn sample() -> Self {
        Self {
            id: SHA256[..16].to_owned(),
            uri: SOURCE.to_owned(),
            title: "Appropriate Uses For SQLite".to_owned(),
            sha256: SHA256.to_owned(),
            bytes: 27_418,
            text_bytes: 17_932,
            start: 612,
            end: 612 + SAYS.len(),
            text: SAYS.to_owned(),
        }
    }
}
