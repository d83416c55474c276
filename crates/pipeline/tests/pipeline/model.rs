//! A model on the other side of the wire: what it is asked, and what a good one answers.

use cofounder_testkit::provider::{Reply, Seen};
use serde_json::{Value, json};

use crate::material::{FACTS, HEADINGS, TOPIC, facts};

/// A question, told from the request alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// For a plan.
    Outline,
    /// For a section; the text is its heading.
    Section {
        /// As the prompt names it.
        heading: String,
        /// Whether an editor found the last version wanting.
        again: bool,
        /// The passages that it is shown.
        passages: Vec<(u32, String)>,
    },
    /// For an editor's review.
    Review,
    /// For a better sentence.
    Rewrite {
        /// What did not pass.
        sentence: String,
        /// The passages that it is shown.
        passages: Vec<(u32, String)>,
    },
    /// For a description and tags.
    Seo,
    /// To go on with a sentence that was begun.
    Sentence {
        /// The source's.
        text: String,
        /// The beginning.
        start: String,
    },
}

impl Asked {
    /// What a request asks for.
    pub(crate) fn of(body: &Value) -> Self {
        let messages = said(body);
        let prompt = messages.iter().rfind(|(role, _)| role == "user").map(|(_, text)| text.as_str());
        let prompt = prompt.unwrap_or_default();
        match body["response_format"]["json_schema"]["name"].as_str() {
            Some("outline") => return Self::Outline,
            Some("review") => return Self::Review,
            Some("seo") => return Self::Seo,
            _ => {}
        }
        if let Some(text) = prompt.strip_prefix("Sentence: ") {
            let start = messages.last().map(|(_, text)| text.clone()).unwrap_or_default();
            return Self::Sentence { text: text.to_owned(), start };
        }
        let passages = passages(prompt);
        if prompt.contains("did not pass a check") {
            let sentence = prompt.lines().nth(1).unwrap_or_default().to_owned();
            return Self::Rewrite { sentence, passages };
        }
        let order = prompt.lines().rfind(|line| line.starts_with("Write section"));
        let heading = order.and_then(|line| line.split(", \"").nth(1)?.split("\", in about").next());
        let heading = heading.unwrap_or_else(|| panic!("an unknown question: {prompt}")).to_owned();
        Self::Section { heading, again: prompt.contains("An editor said"), passages }
    }
}

/// Every message of a request: role and text.
pub(crate) fn said(body: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|m| (text(&m["role"]), text(&m["content"]))).collect()
}

fn passages(prompt: &str) -> Vec<(u32, String)> {
    let marked = prompt.lines().filter_map(|line| line.strip_prefix("[S")?.split_once("] "));
    marked.filter_map(|(number, text)| Some((number.parse().ok()?, text.to_owned()))).collect()
}

/// The chats among all requests.
pub(crate) fn questions(seen: &[Seen]) -> Vec<Asked> {
    seen.iter().filter(|s| s.path.ends_with("/chat/completions")).map(|s| Asked::of(&s.body)).collect()
}

/// What a good model answers.
pub(crate) fn good(asked: &Asked) -> Reply {
    match asked {
        Asked::Outline => Reply::text(outline()),
        Asked::Section { heading, passages, .. } => Reply::text(section(heading, passages)),
        Asked::Review => Reply::text(json!({"issues": []}).to_string()),
        Asked::Rewrite { sentence, passages } => Reply::text(rewritten(sentence, passages)),
        Asked::Seo => Reply::text(seo()),
        Asked::Sentence { text, start } => Reply::text(completed(text, start)),
    }
}

/// A plan that follows the source.
pub(crate) fn outline() -> String {
    let sections = HEADINGS.map(|heading| {
        let about: Vec<&str> = facts(heading).into_iter().map(|f| f.source).collect();
        json!({"heading": heading, "about": about.join(" ").chars().take(230).collect::<String>()})
    });
    json!({"title": TOPIC, "sections": sections}).to_string()
}

/// A section in words of its own, each sentence with the mark of its passage.
pub(crate) fn section(heading: &str, passages: &[(u32, String)]) -> String {
    let marked = facts(heading).into_iter().filter_map(|fact| {
        let (number, _) = passages.iter().find(|(_, text)| text.contains(fact.source))?;
        Some(format!("{} [S{number}]", fact.reworded))
    });
    marked.collect::<Vec<_>>().join(" ")
}

/// The sentence in other words if it is a fact's, else the first fact that the passages have.
fn rewritten(sentence: &str, passages: &[(u32, String)]) -> String {
    let own = FACTS.iter().filter(|f| f.source == sentence);
    let found = own.chain(&FACTS).find_map(|fact| {
        let (number, _) = passages.iter().find(|(_, text)| text.contains(fact.source))?;
        Some(format!("{} [S{number}]", fact.reworded))
    });
    found.unwrap_or_default()
}

/// A description that the article supports.
pub(crate) fn seo() -> String {
    let description =
        "The tide mill has a pond of nine hectares, and volunteers grind wheat there on two days a week.";
    json!({"description": description, "tags": ["tide mill", "history"]}).to_string()
}

/// The rest of a sentence that begins with its last phrase: what stood before that phrase.
fn completed(text: &str, start: &str) -> String {
    let tail = start.trim_end_matches(',').to_lowercase();
    let head = text.to_lowercase().rfind(&tail).map_or(text, |at| &text[..at]);
    let head = head.trim_end_matches([' ', ',', '.']);
    let mut letters = head.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
    format!(" {first}{}.", letters.as_str())
}
