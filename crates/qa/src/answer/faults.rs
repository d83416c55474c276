//! What can be wrong with a model's answer, whatever it was asked for.

use super::{
    language::{Language, language},
    loops::{repeated_run, repeated_sentence},
    prompt::Instructions,
    signs,
};
use crate::{marks::strip_citations, quotations::quotations};

/// One thing that is wrong with an answer. Its text form is a reason that a person understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no word in it.
    #[error("the answer is empty")]
    Empty,
    /// It goes round in circles; the text is what it repeats.
    #[error("the answer repeats itself: “{0}”")]
    Loop(String),
    /// It repeats its instructions.
    #[error("the answer repeats the instructions: “{0}”")]
    PromptEcho(String),
    /// The model declines, or speaks of itself.
    #[error("the answer is a refusal: “{0}”")]
    Refusal(String),
    /// It is in another language than the prompt; the text is that language's English name.
    #[error("the answer is in {0}, not in English")]
    WrongLanguage(String),
    /// It is an error message, or data in the place of prose.
    #[error("the answer is an error message or data, not prose: “{0}”")]
    ErrorText(String),
    /// It has places that nobody filled in.
    #[error("the answer has a place that was not filled in: “{0}”")]
    Template(String),
    /// It gives orders to a model.
    #[error("the answer carries instructions to a model: “{0}”")]
    Injection(String),
    /// It has tokens of a chat template, or labels of speakers.
    #[error("the answer has a token of the chat format: “{0}”")]
    SpecialToken(String),
}

/// The most characters of the text that a fault shows.
const SHOWN: usize = 80;

/// What is wrong with an answer to a prompt, the gravest first; empty if nothing is. Lines of the prompt that
/// begin with `[S` are passages: to repeat them is another question than to repeat the instructions.
#[must_use]
pub fn answer_faults(text: &str, prompt: &str) -> Vec<Fault> {
    let text = strip_citations(text);
    if !text.chars().any(char::is_alphanumeric) {
        return vec![Fault::Empty];
    }
    let outside = outside_quotations(&text);
    let hit = |pattern: &regex::Regex, text: &str| pattern.find(text).map(|m| shown(m.as_str()));
    let mut faults = Vec::new();
    faults.extend(hit(&signs::DATA, &text).or_else(|| hit(&signs::ERROR, &text)).map(Fault::ErrorText));
    faults.extend(
        hit(&signs::DECLINE, &outside).or_else(|| hit(&signs::REFUSAL, &outside)).map(Fault::Refusal),
    );
    faults.extend(hit(&signs::SPECIAL, &text).or_else(|| hit(&signs::LABEL, &text)).map(Fault::SpecialToken));
    faults
        .extend(hit(&signs::INJECTION, &text).or_else(|| hit(&signs::MENTION, &text)).map(Fault::Injection));
    faults.extend(Instructions::of(&[prompt]).echo(&text).map(|at| Fault::PromptEcho(shown(&text[at]))));
    faults.extend(
        repeated_sentence(&text).or_else(|| repeated_run(&text)).map(|l| Fault::Loop(shown(&l.what))),
    );
    faults.extend(
        signs::TEMPLATE
            .find_iter(&text)
            .find(|m| !signs::is_link(&text, &m.range()))
            .map(|m| Fault::Template(shown(m.as_str()))),
    );
    faults.extend(foreign(&text, prompt).map(Fault::WrongLanguage));
    faults
}

fn foreign(text: &str, prompt: &str) -> Option<String> {
    if matches!(language(prompt), Language::Other(_)) {
        return None;
    }
    match language(text) {
        Language::Other(name) => Some(name),
        _ => None,
    }
}

/// The text with spaces in the place of what it quotes.
fn outside_quotations(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for inside in quotations(text).inside {
        crate::place::blank(&mut bytes, inside.start, inside.end);
    }
    crate::place::text(bytes)
}

/// The beginning of a text, on one line.
pub(crate) fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN {
        return line;
    }
    line.chars().take(SHOWN).collect::<String>() + "…"
}
