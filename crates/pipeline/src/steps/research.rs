//! Research: from what the brief names to numbered passages.

use cofounder_domain::{Brief, FaultKind, Passage, Source, SourceId};
use cofounder_executor::{Outcome, StepContext, StepError};
use cofounder_research::{Document, Ranking, ResearchError, contradictions, segment, suspicious};
use serde::{Deserialize, Serialize};

use crate::WritePost;

/// How many passages a task keeps at most. A passage has about 400 characters.
const MAX_PASSAGES: usize = 4_000;

/// The share of the topic's words that the sources should know.
const COVERED: f32 = 0.5;

/// What the article may rest on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// Numbered from 1, in the order of the sources.
    pub(crate) passages: Vec<Passage>,
    /// What a person should know about them, in plain words.
    pub(crate) notes: Vec<String>,
}

/// No source says anything that can be cited.
#[derive(Debug, thiserror::Error)]
#[error(
    "the sources hold no text that can be cited{0}. They are kept with the task; give others with --source PATH or --source URL"
)]
struct NoPassages(String);

/// Fetches what was not read when the task was made, and cuts every source into passages.
pub(crate) async fn run(
    post: &WritePost,
    step: &StepContext,
    brief: &Brief,
) -> Result<Outcome<Evidence>, StepError> {
    let task = step.task();
    let mut stored = post.db.task_sources(task).await.map_err(StepError::storage)?;
    let mut notes = Vec::new();
    for uri in brief.sources.iter().filter(|s| is_address(s)) {
        step.detail(format!("fetching {uri}"));
        let document = post.fetcher.fetch(uri, step.cancel()).await.map_err(research_error)?;
        post.db
            .add_source(step.claimed(), &document.source, &document.bytes)
            .await
            .map_err(StepError::storage)?;
    }
    if brief.sources.is_empty() {
        step.detail("asking Wikipedia".to_owned());
        for Document { source, bytes } in
            post.fetcher.wikipedia(&brief.topic, step.cancel()).await.map_err(research_error)?
        {
            post.db.add_source(step.claimed(), &source, &bytes).await.map_err(StepError::storage)?;
        }
    }
    if brief.sources.is_empty() || brief.sources.iter().any(|s| is_address(s)) {
        stored = post.db.task_sources(task).await.map_err(StepError::storage)?;
    }
    let passages = passages(&stored, &mut notes);
    if passages.is_empty() {
        let told = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        return Err(StepError::from_fault(FaultKind::InvalidInput, None, NoPassages(told)));
    }
    notes.extend(contradictions(&passages).iter().map(|c| told(c, &passages, &stored)));
    step.detail(format!("{} passages from {} sources", passages.len(), stored.len()));
    let covered = Ranking::new(&passages).coverage(&brief.topic);
    let evidence = Evidence { passages, notes };
    if covered < COVERED {
        let share = covered * 100.0;
        let why = format!(
            "the sources know only {share:.0} % of the topic's words: the article may not be about the topic"
        );
        return Ok(Outcome::degraded(evidence, vec![why]));
    }
    Ok(Outcome::done(evidence))
}

fn is_address(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Sources as articles name them: a title that reads like an instruction to a model gives way to the file's name.
pub(crate) fn named(mut sources: Vec<Source>) -> Vec<Source> {
    for source in &mut sources {
        if orders(&source.title) {
            source.title =
                source.uri.rsplit('/').find(|part| !part.is_empty()).unwrap_or("a source").to_owned();
        }
    }
    sources
}

/// Whether a heading or a title reads like an instruction to a model.
fn orders(line: &str) -> bool {
    let (source, text) = (SourceId::from_text(""), line.to_owned());
    suspicious(&Passage { number: 0, source, start: 0, end: text.len(), text, headings: Vec::new() })
}

/// The passages a writer may see: what addresses a model instead of a reader is left out and told.
fn passages(sources: &[Source], notes: &mut Vec<String>) -> Vec<Passage> {
    let mut kept: Vec<Passage> = Vec::new();
    for source in sources {
        let mut hostile = 0;
        for mut passage in segment(source, 1) {
            passage.headings.retain(|heading| !orders(heading));
            if suspicious(&passage) {
                hostile += 1;
            } else if kept.len() < MAX_PASSAGES {
                passage.number = u32::try_from(kept.len() + 1).unwrap_or(u32::MAX);
                kept.push(passage);
            }
        }
        if hostile > 0 {
            notes.push(format!(
                "{} holds {hostile} passage(s) that read like instructions to a language model; they were not used",
                source.uri
            ));
        }
    }
    if kept.len() == MAX_PASSAGES {
        notes.push(format!("only the first {MAX_PASSAGES} passages of the sources were used"));
    }
    kept
}

fn told(found: &cofounder_research::Contradiction, passages: &[Passage], sources: &[Source]) -> String {
    let title = |index: usize| {
        let source = passages.get(index).and_then(|p| sources.iter().find(|s| s.id == p.source));
        source.map_or_else(String::new, |s| s.title.clone())
    };
    format!("the sources \"{}\" and \"{}\" do not agree: {}", title(found.a), title(found.b), found.reason)
}

fn research_error(error: ResearchError) -> StepError {
    StepError::from_fault(error.kind(), error.retry_after(), error)
}
