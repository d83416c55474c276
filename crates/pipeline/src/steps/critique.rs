//! Critique and revision: an editor's eye on the whole draft, at most [`ROUNDS`] times.
//!
//! The model's review is advisory. It may name problems of form; facts are the business of `verify`.

use cofounder_domain::Brief;
use cofounder_executor::{Outcome, StepError};
use cofounder_metering::Role;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    article::{Article, Section},
    pen::{Manner, Pen},
    prompts,
    steps::{bug, draft::Desk},
    writer::{Strategy, says_again, sections},
};

/// How often a draft is reviewed and revised.
pub(crate) const ROUNDS: u32 = 1;

/// What a review found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Review {
    pub(crate) issues: Vec<Issue>,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issue {
    /// Number of the section, from 1.
    pub(crate) section: usize,
    pub(crate) problem: String,
    pub(crate) fix: String,
}

/// Reviews the draft. What no program can judge is left to a model that can; where there is none, that part
/// is skipped and says so.
pub(crate) async fn run(
    brief: &Brief,
    article: &Article,
    strategy: Strategy,
    pen: &Pen<'_>,
) -> Result<Outcome<Review>, StepError> {
    let mut review = Review { issues: repeats(article) };
    if strategy == Strategy::Sentences {
        let why = "the model is too small to review a text, so only repetition was looked for";
        return Ok(Outcome::degraded(review, vec![why.to_owned()]));
    }
    let values = minijinja::context! { topic => brief.topic.as_str(), words => brief.words, draft => numbered(article) };
    let prompt = prompts::render("critique", values).map_err(bug)?;
    match pen.json::<Review>(prompt, &Manner::json(Role::Critic, 600, "review", schema())).await? {
        Ok(found) => {
            let known = article.sections.len();
            let sound = found
                .issues
                .into_iter()
                .filter(|i| (1..=known).contains(&i.section) && !i.problem.trim().is_empty());
            review.issues.extend(sound.take(5));
            Ok(Outcome::done(review))
        }
        Err(why) => Ok(Outcome::degraded(review, vec![format!("the model's review was of no use: {why}")])),
    }
}

/// The draft after the review: repeated sentences are taken out; sections that the model found wanting are
/// written anew, and kept only where they are no worse grounded and no shorter.
pub(crate) async fn revise(
    desk: &Desk<'_>,
    mut article: Article,
    review: &Review,
    strategy: Strategy,
    pen: &Pen<'_>,
) -> Result<Outcome<Article>, StepError> {
    let mut reasons = Vec::new();
    drop_repeats(&mut article);
    for index in 0..article.sections.len() {
        let said: Vec<String> =
            review.issues.iter().filter(|i| i.section == index + 1 && !i.fix.is_empty()).map(told).collect();
        if strategy == Strategy::Sentences || said.is_empty() || index >= desk.plan.sections.len() {
            continue;
        }
        let before = article.sections[index].to_markdown(&crate::article::Sentence::marked);
        let critique = said.join(" ");
        let others: Vec<String> = article.sections[..index]
            .iter()
            .filter_map(|s| s.sentences().next())
            .map(|s| s.text.clone())
            .collect();
        let work = sections::Assignment {
            plan: desk.plan,
            index,
            passages: desk.passages,
            said: &others,
            critique: Some((&critique, &before)),
        };
        match sections::write(pen, &work).await? {
            Ok(new) if better(&new, &article.sections[index]) => article.sections[index] = new,
            Ok(_) => reasons.push(format!("section {}: the revision was worse and was not taken", index + 1)),
            Err(why) => reasons.push(format!("section {}: the revision was of no use ({why})", index + 1)),
        }
    }
    drop_repeats(&mut article);
    Ok(if reasons.is_empty() { Outcome::done(article) } else { Outcome::degraded(article, reasons) })
}

fn told(issue: &Issue) -> String {
    format!("{} {}", issue.problem.trim(), issue.fix.trim())
}

fn better(new: &Section, old: &Section) -> bool {
    new.words() * 10 >= old.words() * 6 && as_well_grounded(new, old)
}

/// Whether as large a share of the new sentences cites something.
pub(crate) fn as_well_grounded(new: &Section, old: &Section) -> bool {
    let cited = |s: &Section| {
        s.sentences().filter(|s| !s.cites.is_empty()).count() as f32 / s.sentences().count().max(1) as f32
    };
    cited(new) + 0.05 >= cited(old)
}

/// Sentences that say what an earlier one said.
fn repeats(article: &Article) -> Vec<Issue> {
    let mut seen: Vec<&str> = Vec::new();
    let mut issues = Vec::new();
    for (index, section) in article.sections.iter().enumerate() {
        for sentence in section.sentences() {
            if seen.iter().any(|s| says_again(s, &sentence.text)) {
                let problem = format!("It repeats an earlier sentence: {}", sentence.text);
                issues.push(Issue { section: index + 1, problem, fix: String::new() });
            } else {
                seen.push(&sentence.text);
            }
        }
    }
    issues
}

pub(crate) fn drop_repeats(article: &mut Article) {
    let mut seen: Vec<String> = Vec::new();
    for section in &mut article.sections {
        for paragraph in &mut section.paragraphs {
            paragraph.sentences.retain(|sentence| {
                let new = !seen.iter().any(|s| says_again(s, &sentence.text));
                if new {
                    seen.push(sentence.text.clone());
                }
                new
            });
        }
        section.drop_empty();
    }
}

fn numbered(article: &Article) -> String {
    let sections = article.sections.iter().enumerate().map(|(index, section)| {
        let body = section.to_markdown(&|s| s.text.clone());
        format!("Section {}\n{body}", index + 1)
    });
    sections.collect::<Vec<_>>().join("\n\n")
}

fn schema() -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {"issues": {"type": "array", "maxItems": 5, "items": {
            "type": "object",
            "properties": {"section": {"type": "integer", "minimum": 1}, "problem": {"type": "string", "maxLength": 240}, "fix": {"type": "string", "maxLength": 240}},
            "required": ["section", "problem", "fix"], "additionalProperties": false
        }}},
        "required": ["issues"], "additionalProperties": false
    })
}
