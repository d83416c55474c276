//! Outline: which sections the article has, and which passages each may use.

use cofounder_domain::{Brief, Passage};
use cofounder_executor::{Outcome, StepError};
use cofounder_metering::Role;
use cofounder_research::Ranking;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

use crate::{
    pen::{Manner, Pen},
    prompts,
    steps::bug,
    writer::Strategy,
};

/// How many passages an outline prompt shows.
const SHOWN: usize = 24;
/// How many passages one section may use.
const PER_SECTION: usize = 12;

/// The article's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) title: String,
    pub(crate) sections: Vec<PlannedSection>,
}

/// One section of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlannedSection {
    /// Absent for the opening.
    pub(crate) heading: Option<String>,
    pub(crate) about: String,
    pub(crate) words: u32,
    /// Numbers of passages, the most relevant first.
    pub(crate) passages: Vec<u32>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    title: String,
    sections: Vec<AnswerSection>,
}

#[derive(Debug, Deserialize)]
struct AnswerSection {
    heading: String,
    #[serde(default)]
    about: String,
}

/// The plan together with how the article will be written, so that a resumed run goes on the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outlined {
    pub(crate) plan: Plan,
    pub(crate) strategy: Strategy,
}

/// Plans the article.
pub(crate) async fn run(
    strategy: Strategy,
    pen: &Pen<'_>,
    brief: &Brief,
    passages: &[Passage],
) -> Result<Outcome<Outlined>, StepError> {
    let (plan, why) = match strategy {
        Strategy::Sections => by_model(pen, brief, passages).await?,
        Strategy::Sentences => {
            let why =
                "the model is too small to plan an article, so the sections follow the sources' own headings";
            (by_headings(brief, passages), Some(why.to_owned()))
        }
    };
    let outlined = Outlined { plan, strategy };
    Ok(why.map_or_else(
        || Outcome::done(outlined.clone()),
        |why| Outcome::degraded(outlined.clone(), vec![why]),
    ))
}

/// A plan by the model, or, where its answer is of no use, by the sources' own headings, with the reason.
async fn by_model(
    pen: &Pen<'_>,
    brief: &Brief,
    passages: &[Passage],
) -> Result<(Plan, Option<String>), StepError> {
    let (low, high) = section_counts(brief.words);
    let ranking = Ranking::new(passages);
    let shown: Vec<_> = ranking.rank(&brief.topic, SHOWN).into_iter().map(|(i, _)| &passages[i]).collect();
    let shown = if shown.is_empty() { passages.iter().take(SHOWN).collect() } else { shown };
    let values = minijinja::context! {
        topic => brief.topic.as_str(), words => brief.words, low => low, high => high, passages => prompts::shown(&shown),
    };
    let prompt = prompts::render("outline", values).map_err(bug)?;
    let manner = Manner::json(Role::Outline, 700, "outline", schema(high));
    match pen.json::<Answer>(prompt, &manner).await? {
        Ok(answer) => match usable(answer, brief, &ranking, passages) {
            Ok(plan) => Ok((plan, None)),
            Err(why) => Ok((by_headings(brief, passages), Some(fallback(&why)))),
        },
        Err(why) => Ok((by_headings(brief, passages), Some(fallback(&why)))),
    }
}

fn fallback(why: &str) -> String {
    format!("the model's outline was of no use ({why}), so the sections follow the sources' own headings")
}

fn section_counts(words: u32) -> (u32, u32) {
    let high = (words / 120).clamp(2, 8);
    ((high / 2).max(2), high)
}

fn schema(high: u32) -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 120},
            "sections": {
                "type": "array", "minItems": 1, "maxItems": high,
                "items": {
                    "type": "object",
                    "properties": {"heading": {"type": "string", "maxLength": 80}, "about": {"type": "string", "maxLength": 240}},
                    "required": ["heading", "about"], "additionalProperties": false
                }
            }
        },
        "required": ["title", "sections"], "additionalProperties": false
    })
}

/// Reads the model's answer as a plan, or says why it is none: a schema holds form, not sense.
fn usable(answer: Answer, brief: &Brief, ranking: &Ranking, passages: &[Passage]) -> Result<Plan, String> {
    let mut sections: Vec<PlannedSection> = Vec::new();
    for section in answer.sections {
        let heading = plain(&section.heading);
        let repeated =
            sections.iter().any(|s| s.heading.as_deref().is_some_and(|h| h.eq_ignore_ascii_case(&heading)));
        if !is_heading(&heading) || repeated {
            continue;
        }
        let query = format!("{heading} {}", section.about);
        let ranked: Vec<u32> =
            ranking.rank(&query, PER_SECTION).into_iter().map(|(i, _)| passages[i].number).collect();
        if !ranked.is_empty() {
            sections.push(PlannedSection {
                heading: Some(heading),
                about: plain(&section.about),
                words: 0,
                passages: ranked,
            });
        }
    }
    if sections.is_empty() {
        return Err("it names no section that the passages can fill".to_owned());
    }
    let words = brief.words / u32::try_from(sections.len()).unwrap_or(1).max(1);
    for section in &mut sections {
        section.words = words;
    }
    let title = plain(&answer.title);
    let title =
        if is_heading(&title) && shares_a_word(&title, &brief.topic) { title } else { brief.topic.clone() };
    Ok(Plan { title, sections })
}

/// A plan without a model: the headings of the sources under which the passages that fit the topic best
/// stand, in the sources' order, behind an opening without heading.
fn by_headings(brief: &Brief, passages: &[Passage]) -> Plan {
    let ranking = Ranking::new(passages);
    let scores: BTreeMap<usize, f32> = ranking.rank(&brief.topic, passages.len()).into_iter().collect();
    let groups = groups(passages, &scores);
    let wanted = usize::try_from((brief.words / 110).clamp(1, 12)).unwrap_or(1);
    let mut best: Vec<&Group> = groups.iter().collect();
    best.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.first.cmp(&b.first)));
    best.truncate(wanted);
    best.sort_by_key(|g| g.first);
    let spare: Vec<u32> = groups
        .iter()
        .filter(|g| !best.iter().any(|b| b.first == g.first))
        .flat_map(|g| &g.members)
        .map(|&i| passages[i].number)
        .collect();
    let words = brief.words / u32::try_from(best.len()).unwrap_or(1).max(1);
    let mut sections: Vec<PlannedSection> = best
        .iter()
        .map(|g| PlannedSection {
            heading: g.heading.clone(),
            about: String::new(),
            words,
            passages: g.members.iter().map(|&i| passages[i].number).collect(),
        })
        .collect();
    if let Some(last) = sections.last_mut() {
        // What is left serves where a section runs dry.
        last.passages.extend(spare);
    }
    if let Some(first) = sections.first_mut() {
        first.heading = None;
    }
    Plan { title: brief.topic.clone(), sections }
}

struct Group {
    heading: Option<String>,
    first: usize,
    members: Vec<usize>,
    score: f32,
}

/// Neighbouring passages under the same heading, with the sum of their best scores.
fn groups(passages: &[Passage], scores: &BTreeMap<usize, f32>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, passage) in passages.iter().enumerate() {
        let joins = index > 0 && {
            let before = &passages[index - 1];
            before.source == passage.source && before.headings == passage.headings
        };
        match groups.last_mut().filter(|_| joins) {
            Some(group) => group.members.push(index),
            None => {
                let heading = passage.headings.last().map(|h| plain(h)).filter(|h| is_heading(h));
                groups.push(Group { heading, first: index, members: vec![index], score: 0.0 });
            }
        }
    }
    for group in &mut groups {
        let mut each: Vec<f32> =
            group.members.iter().map(|i| scores.get(i).copied().unwrap_or(0.0)).collect();
        each.sort_by(|a, b| b.total_cmp(a));
        group.score = each.iter().take(4).sum();
    }
    groups
}

/// One line without Markdown's marks.
fn plain(text: &str) -> String {
    let text: String =
        text.chars().filter(|c| !matches!(c, '#' | '*' | '`' | '[' | ']' | '<' | '>' | '_')).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches(['"', '.', ':', ' ']).to_owned()
}

fn is_heading(text: &str) -> bool {
    let words = cofounder_domain::word_count(text);
    (1..=14).contains(&words) && text.chars().count() <= 100 && text.chars().any(char::is_alphabetic)
}

fn shares_a_word(title: &str, topic: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| w.len() > 3)
            .map(str::to_owned)
            .collect()
    };
    let topic = words(topic);
    topic.is_empty() || words(title).iter().any(|w| topic.contains(w))
}
