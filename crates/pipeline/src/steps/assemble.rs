//! Assemble: the rails look at the whole article, the gate is set, and the draft is stored as a post that
//! waits for a person.

use cofounder_domain::{Brief, Gate, Report, Source};
use cofounder_executor::{Outcome, StepContext, StepError};
use cofounder_qa as qa;
use cofounder_storage::Draft;
use serde::{Deserialize, Serialize};

use crate::{
    WritePost,
    render::Sheet,
    steps::{research::Evidence, seo::Seo, verify::Verified},
};

/// What became of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assembled {
    pub(crate) slug: String,
    pub(crate) gate: Gate,
}

/// What an article is put together from.
pub(crate) struct Parts<'a> {
    pub(crate) brief: &'a Brief,
    pub(crate) sources: &'a [Source],
    pub(crate) evidence: &'a Evidence,
    pub(crate) verified: &'a Verified,
    pub(crate) seo: &'a Seo,
    /// Why the steps before fell short.
    pub(crate) degraded: Vec<String>,
}

/// No sentence is left.
#[derive(Debug, thiserror::Error)]
#[error(
    "no sentence of the draft is supported by the sources, so there is no article. The sources and every model call are kept; \
     give sources that say more about the topic, or another --model"
)]
struct NothingSupported;

/// Runs the rails and stores the draft.
pub(crate) async fn run(
    post: &WritePost,
    step: &StepContext,
    parts: Parts<'_>,
) -> Result<Outcome<Assembled>, StepError> {
    let article = &parts.verified.article;
    if article.sentences().next().is_none() {
        return Err(StepError::from_fault(cofounder_domain::FaultKind::InvalidInput, None, NothingSupported));
    }
    let draft = article.to_markdown();
    let rails = qa::run_rails(
        &qa::RailInput {
            markdown: &draft,
            title: &article.title,
            topic: &parts.brief.topic,
            words_wanted: Some(parts.brief.words as usize),
            passages: &parts.evidence.passages,
            claims: Some(&parts.verified.claims),
            prompts: &[crate::prompts::SYSTEM, crate::prompts::SENTENCE_SYSTEM],
        },
        &post.settings.rails,
    );
    let gate = qa::gate(&rails);
    let (words, wanted) = (article.words(), parts.brief.words as usize);
    let mut short = Vec::new();
    if words * 10 < wanted * 7 {
        short.push(format!("it has {words} words of the {wanted} asked for: the sources support no more that the checks passed"));
    }
    let degraded: Vec<String> = parts.degraded.into_iter().chain(short.clone()).collect();
    let report = Report {
        sources: parts.sources.iter().map(Into::into).collect(),
        claims: parts.verified.claims.clone(),
        rails,
        calls: Vec::new(),
        removed: parts.verified.removed.clone(),
        degraded: degraded.clone(),
        draft,
        notes: parts.evidence.notes.clone(),
    };
    let sheet = Sheet { article, passages: &parts.evidence.passages, sources: parts.sources };
    let stored = post
        .db
        .save_draft(
            step.claimed(),
            &Draft {
                slug: parts.seo.slug.clone(),
                title: article.title.clone(),
                description: parts.seo.description.clone(),
                tags: parts.seo.tags.clone(),
                markdown: sheet.markdown(),
                gate,
                degraded: degraded.clone(),
                report,
            },
        )
        .await
        .map_err(StepError::storage)?;
    let assembled = Assembled { slug: stored.slug, gate };
    Ok(if short.is_empty() { Outcome::done(assembled) } else { Outcome::degraded(assembled, short) })
}
