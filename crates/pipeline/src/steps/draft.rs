//! Draft: one section after the other, by the strategy that fits the model.

use cofounder_domain::{Brief, Passage, Source};
use cofounder_executor::{Outcome, StepContext, StepError};
use serde::{Deserialize, Serialize};

use crate::{
    article::{Section, Sentence},
    pen::Pen,
    steps::{outline::Plan, rules},
    writer::{Strategy, sections, sentences},
};

/// A section as drafted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Drafted {
    pub(crate) section: Section,
    /// How many of its sentences had to be quoted.
    pub(crate) quoted: usize,
}

/// What a section is drafted from.
pub(crate) struct Desk<'a> {
    pub(crate) brief: &'a Brief,
    pub(crate) plan: &'a Plan,
    pub(crate) passages: &'a [Passage],
    pub(crate) sources: &'a [Source],
}

/// Drafts the section with this index.
pub(crate) async fn run(
    desk: &Desk<'_>,
    strategy: Strategy,
    index: usize,
    before: &[Section],
    pen: &Pen<'_>,
    step: &StepContext,
) -> Result<Outcome<Drafted>, StepError> {
    if strategy == Strategy::Sentences {
        return by_sentences(desk, index, before, pen, step, None).await;
    }
    let said: Vec<String> =
        before.iter().filter_map(|s| s.sentences().next()).map(|s| s.text.clone()).collect();
    let work =
        sections::Assignment { plan: desk.plan, index, passages: desk.passages, said: &said, critique: None };
    match sections::write(pen, &work).await? {
        Ok(section) => Ok(Outcome::done(Drafted { section, quoted: 0 })),
        Err(why) => by_sentences(desk, index, before, pen, step, Some(why)).await,
    }
}

/// The sentences that one sentence of an article says: a quotation may hold several.
fn single(sentence: &Sentence) -> Vec<String> {
    let text = cofounder_qa::plain(&sentence.text);
    let quote = text.split_once('“').and_then(|(_, rest)| rest.rsplit_once('”'));
    let text = quote.map_or(text.as_str(), |(inside, _)| inside);
    cofounder_domain::sentences(text).into_iter().map(|s| text[s.start..s.end].to_owned()).collect()
}

async fn by_sentences(
    desk: &Desk<'_>,
    index: usize,
    before: &[Section],
    pen: &Pen<'_>,
    step: &StepContext,
    why: Option<String>,
) -> Result<Outcome<Drafted>, StepError> {
    let said: Vec<String> = before.iter().flat_map(Section::sentences).flat_map(single).collect();
    let rules = rules(desk.brief, desk.sources);
    let work = sentences::Material {
        section: &desk.plan.sections[index],
        passages: desk.passages,
        sources: desk.sources,
        rules: &rules,
        said: &said,
    };
    let written = sentences::write(pen, &work, &|text| step.detail(text)).await?;
    step.detail(format!("{} words, {} sentence(s) quoted", written.section.words(), written.quoted));
    let drafted = Drafted { section: written.section, quoted: written.quoted };
    let mut reasons = Vec::new();
    if let Some(why) = why {
        let heading = drafted.section.heading.as_deref().unwrap_or("the opening");
        reasons.push(format!(
            "\"{heading}\" was written sentence by sentence: the model's section was of no use ({why})"
        ));
    }
    if drafted.quoted > 0 {
        reasons.push(
            "sentences are quoted where the model gave no wording of its own that passed the checks"
                .to_owned(),
        );
    }
    Ok(if reasons.is_empty() { Outcome::done(drafted) } else { Outcome::degraded(drafted, reasons) })
}
