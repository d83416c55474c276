//! Outline: which sections the article has, and which passages each may use.

use cofounder_domain::{Brief, Passage, SourceId};
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
    vetting::Vetting,
    writer::Strategy,
};

/// How many passages an outline prompt shows.
const SHOWN: usize = 24;
/// How many passages one section may use.
const PER_SECTION: usize = 12;
/// Words of a section in a plan without a model, about.
const SECTION_WORDS: u32 = 110;
/// The shortest opening, in words, if its source has more.
const OPENING_WORDS: u32 = 90;
/// The shortest section that is planned, in words.
const MIN_SECTION_WORDS: u32 = 30;

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
    let vetting = Vetting::new(&brief.topic, passages);
    let mut sections: Vec<PlannedSection> = Vec::new();
    for section in answer.sections {
        let heading = plain(&section.heading);
        let repeated =
            sections.iter().any(|s| s.heading.as_deref().is_some_and(|h| h.eq_ignore_ascii_case(&heading)));
        if !is_heading(&heading) || repeated || vetting.objection(&section.heading).is_some() {
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
    let sound = is_heading(&title)
        && shares_a_word(&title, &brief.topic)
        && vetting.objection(&answer.title).is_none();
    let title = if sound { title } else { brief.topic.clone() };
    Ok(Plan { title, sections })
}

/// A plan without a model. Each section is what stands below one heading of a source. The opening is the beginning
/// of the source that fits the topic best; then each source gives the part that fits best, and, as long as words are
/// missing, its next ones. All but the opening stand in the sources' order.
fn by_headings(brief: &Brief, passages: &[Passage]) -> Plan {
    let ranking = Ranking::new(passages);
    let scores: BTreeMap<usize, f32> = ranking.rank(&brief.topic, passages.len()).into_iter().collect();
    let mut groups = groups(passages, &scores);
    lengthen_openings(&mut groups);
    let wanted = usize::try_from((brief.words / SECTION_WORDS).clamp(1, 12)).unwrap_or(1);
    let chosen = choose(&groups, wanted, brief.words);
    let share = brief.words / u32::try_from(chosen.len()).unwrap_or(1).max(1);
    let lacking: u32 = chosen.iter().map(|g| share.saturating_sub(g.words)).sum();
    let able = u32::try_from(chosen.iter().filter(|g| g.words > share).count()).unwrap_or(1).max(1);
    let mut sections: Vec<PlannedSection> = chosen
        .iter()
        .map(|g| PlannedSection {
            heading: g.heading.clone(),
            about: String::new(),
            // What a short source cannot give, the others do.
            words: if g.words > share {
                (share + lacking / able).min(g.words)
            } else {
                g.words.max(MIN_SECTION_WORDS)
            },
            passages: g.members.iter().map(|&i| passages[i].number).collect(),
        })
        .collect();
    if let Some(first) = sections.first_mut() {
        first.heading = None;
    }
    Plan { title: brief.topic.clone(), sections }
}

/// Neighbouring passages under the same heading.
#[derive(Debug)]
struct Group {
    source: SourceId,
    /// Whether its source begins with it.
    opens: bool,
    heading: Option<String>,
    first: usize,
    members: Vec<usize>,
    words: u32,
    score: f32,
}

fn groups(passages: &[Passage], scores: &BTreeMap<usize, f32>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, passage) in passages.iter().enumerate() {
        let words = u32::try_from(cofounder_domain::word_count(&passage.text)).unwrap_or(0);
        let before = index.checked_sub(1).map(|i| &passages[i]);
        let opens = before.is_none_or(|b| b.source != passage.source);
        let joins = before.is_some_and(|b| !opens && b.headings == passage.headings);
        match groups.last_mut().filter(|_| joins) {
            Some(group) => {
                group.members.push(index);
                group.words += words;
            }
            None => {
                let heading = passage.headings.last().map(|h| plain(h)).filter(|h| is_heading(h));
                let source = passage.source.clone();
                groups.push(Group {
                    source,
                    opens,
                    heading,
                    first: index,
                    members: vec![index],
                    words,
                    score: 0.0,
                });
            }
        }
    }
    for group in &mut groups {
        let mut each: Vec<f32> =
            group.members.iter().map(|i| scores.get(i).copied().unwrap_or(0.0)).collect();
        each.sort_by(|a, b| b.total_cmp(a));
        group.score = each.iter().take(2).sum();
    }
    groups
}

/// A source's beginning that is too short for an opening takes what follows it, below its first headings, along.
fn lengthen_openings(groups: &mut Vec<Group>) {
    let mut index = 0;
    while index < groups.len() {
        let follows = groups.get(index + 1).is_some_and(|next| next.source == groups[index].source);
        if groups[index].opens && groups[index].words < OPENING_WORDS && follows {
            let next = groups.remove(index + 1);
            let opening = &mut groups[index];
            opening.members.extend(next.members);
            opening.words += next.words;
            opening.score = opening.score.max(next.score);
        } else {
            index += 1;
        }
    }
}

/// At least one group, at most `wanted` unless they have too few words: the opening first, the others in order.
fn choose(groups: &[Group], wanted: usize, words: u32) -> Vec<&Group> {
    let source_score =
        |source: &SourceId| groups.iter().filter(|g| g.source == *source).map(|g| g.score).sum::<f32>();
    let mut openings: Vec<&Group> = groups.iter().filter(|g| g.opens).collect();
    openings.sort_by(|a, b| {
        source_score(&b.source).total_cmp(&source_score(&a.source)).then(a.first.cmp(&b.first))
    });
    let Some(opening) = openings.first().copied() else { return Vec::new() };
    let mut ranked: Vec<&Group> = groups.iter().filter(|g| g.first != opening.first).collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.first.cmp(&b.first)));
    let mut chosen = vec![opening];
    let enough = |chosen: &[&Group]| {
        chosen.len() >= wanted && chosen.iter().map(|g| g.words).sum::<u32>() >= words * 3 / 2
    };
    // Breadth first: a source gives its second part when every source has given its first.
    for depth in 1..=ranked.len() + 1 {
        for group in &ranked {
            let given = chosen.iter().filter(|c| c.source == group.source).count();
            let taken = chosen.iter().any(|c| c.first == group.first);
            if !taken && given < depth && !enough(&chosen) {
                chosen.push(group);
            }
        }
    }
    chosen[1..].sort_by_key(|g| g.first);
    chosen
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
