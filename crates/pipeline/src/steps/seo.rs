//! Seo: address, description and tags. A description is text too: it must pass the checks of facts.

use cofounder_domain::{Passage, slugify};
use cofounder_executor::{Outcome, StepError};
use cofounder_metering::Role;
use cofounder_qa as qa;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

use crate::{
    article::{Article, Form},
    pen::{Manner, Pen},
    prompts,
    steps::bug,
    vetting::Vetting,
    writer::{Strategy, pick},
};

/// The longest description that search engines show whole, in characters.
const MAX_DESCRIPTION: usize = 160;
const MAX_TAGS: usize = 6;

/// What search engines and feeds are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seo {
    pub(crate) slug: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    description: String,
    #[serde(default)]
    tags: Vec<String>,
}

/// By the model where it is able and its answer holds; else from the article itself.
pub(crate) async fn run(
    article: &Article,
    passages: &[Passage],
    rules: &qa::Rules,
    strategy: Strategy,
    pen: &Pen<'_>,
) -> Result<Outcome<Seo>, StepError> {
    let plain = Seo { slug: slugify(&article.title), description: description(article), tags: tags(article) };
    if strategy == Strategy::Sentences {
        let why =
            "the model is too small to describe a text, so description and tags are taken from the article";
        return Ok(Outcome::degraded(plain, vec![why.to_owned()]));
    }
    let draft: Vec<String> = article.sections.iter().map(|s| s.to_markdown(&|s| s.text.clone())).collect();
    let values = minijinja::context! { title => article.title.as_str(), draft => draft.join("\n\n") };
    let prompt = prompts::render("seo", values).map_err(bug)?;
    match pen.json::<Answer>(prompt.clone(), &Manner::json(Role::Seo, 300, "seo", schema())).await? {
        Ok(answer) => Ok(checked(answer, plain, article, passages, rules, &prompt)),
        Err(why) => {
            Ok(Outcome::degraded(plain, vec![format!("the model's description was of no use: {why}")]))
        }
    }
}

fn checked(
    answer: Answer,
    plain: Seo,
    article: &Article,
    passages: &[Passage],
    rules: &qa::Rules,
    prompt: &str,
) -> Outcome<Seo> {
    let text = qa::clean_answer(&answer.description);
    let cites: Vec<u32> = article.sentences().flat_map(|s| s.cites.clone()).collect();
    let cited = pick(passages, &cites);
    let tags: Vec<String> = answer.tags.into_iter().filter_map(|t| tag(&t)).take(MAX_TAGS).collect();
    let tags = if tags.is_empty() { plain.tags } else { tags };
    let short = (20..=MAX_DESCRIPTION + 20).contains(&text.chars().count());
    // Support is judged against everything the article cites: a description sums up.
    let sound =
        qa::check_claim(&text, &cited, rules).iter().all(|c| c.verdict == cofounder_domain::Verdict::Pass);
    let faulty = qa::answer_faults(&text, prompt).into_iter().next().map(|f| f.to_string());
    let faulty = faulty.or_else(|| Vetting::new(&article.title, passages).objection(&text));
    if short && sound && faulty.is_none() {
        return Outcome::done(Seo { slug: plain.slug, description: text, tags });
    }
    let why = "the model's description did not pass the checks, so the article's first sentence stands in its place";
    Outcome::degraded(Seo { slug: plain.slug, description: plain.description, tags }, vec![why.to_owned()])
}

fn schema() -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {
            "description": {"type": "string", "maxLength": 200},
            "tags": {"type": "array", "maxItems": MAX_TAGS, "items": {"type": "string", "maxLength": 30}}
        },
        "required": ["description", "tags"], "additionalProperties": false
    })
}

/// The first sentence in the writer's own words, or, if all are quoted, the first of all, cut at a word where it is
/// too long.
fn description(article: &Article) -> String {
    let own = article.sentences().find(|s| s.form == Form::Prose);
    let first = own.or_else(|| article.sentences().next()).map(|s| qa::plain(&s.text)).unwrap_or_default();
    if first.chars().count() <= MAX_DESCRIPTION {
        return first;
    }
    let head: String = first.chars().take(MAX_DESCRIPTION - 1).collect();
    let cut = head.rfind(' ').unwrap_or(head.len());
    let kept = head[..cut].trim_end_matches([',', ';', ' ']);
    let open = kept.matches('“').count() > kept.matches('”').count();
    format!("{kept}…{}", if open { "”" } else { "" })
}

/// The words that stand most often in the article, the title's first.
fn tags(article: &Article) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for sentence in article.sentences() {
        for word in qa::content_words(&qa::plain(&sentence.text)) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut ranked: Vec<(String, usize)> =
        counts.into_iter().filter(|(w, n)| *n >= 2 && w.len() >= 4).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.into_iter().map(|(w, _)| w).take(4).collect()
}

fn tag(text: &str) -> Option<String> {
    let tag = text.trim().trim_start_matches('#').to_lowercase();
    let sound = (2..=30).contains(&tag.chars().count())
        && tag.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '+' | '.'));
    sound.then_some(tag)
}
