//! Rework: what a person said of a draft reaches the writer of each section to the letter. The draft is the one that
//! they saw, with what `verify` had left of it; whatever the writer makes of it is verified again.

use cofounder_executor::{Outcome, StepError};

use crate::{
    article::{Article, Section, Sentence},
    pen::Pen,
    steps::{
        critique::{as_well_grounded, drop_repeats},
        draft::Desk,
    },
    writer::{Strategy, sections},
};

/// The path of a step that is done again after each rework: `verify`, `verify/2`, ….
pub(crate) fn path(step: &str, round: usize) -> String {
    if round == 0 { step.to_owned() } else { format!("{step}/{}", round + 1) }
}

/// The article after a person's notes. A section is replaced only by one that is as well grounded.
pub(crate) async fn run(
    desk: &Desk<'_>,
    before: &Article,
    notes: &str,
    strategy: Strategy,
    pen: &Pen<'_>,
) -> Result<Outcome<Article>, StepError> {
    let mut article = before.clone();
    if strategy == Strategy::Sentences {
        let why = "the model is too small to follow a person's notes, so the draft is as it was: edit it by hand, or ask again with an able --model";
        return Ok(Outcome::degraded(article, vec![why.to_owned()]));
    }
    let (mut reasons, mut planned) = (Vec::new(), 0);
    for index in 0..article.sections.len() {
        let Some(place) = place(desk, planned, &article.sections[index]) else { continue };
        planned = place + 1;
        let last = article.sections[index].to_markdown(&Sentence::marked);
        let said: Vec<String> =
            article.sections[..index].iter().filter_map(first).map(|s| s.text.clone()).collect();
        let notes =
            format!("{notes} (This is said of the whole article: change what concerns this section.)");
        let work = sections::Assignment {
            plan: desk.plan,
            index: place,
            passages: desk.passages,
            said: &said,
            critique: Some((&notes, &last)),
        };
        let number = index + 1;
        match sections::write(pen, &work).await? {
            Ok(new) if as_well_grounded(&new, &article.sections[index]) => article.sections[index] = new,
            Ok(_) => {
                reasons.push(format!("section {number}: what the notes led to cites less, and was not taken"))
            }
            Err(why) => reasons.push(format!("section {number}: the notes led to nothing of use ({why})")),
        }
    }
    drop_repeats(&mut article);
    Ok(if reasons.is_empty() { Outcome::done(article) } else { Outcome::degraded(article, reasons) })
}

/// Which planned section this one was written from: sections of which nothing was left are gone.
fn place(desk: &Desk<'_>, from: usize, section: &Section) -> Option<usize> {
    let planned = desk.plan.sections.iter().enumerate().skip(from);
    planned.into_iter().find(|(_, planned)| planned.heading == section.heading).map(|(place, _)| place)
}

fn first(section: &Section) -> Option<&Sentence> {
    section.sentences().next()
}
