//! Two ways of writing, after what the model was measured to be able to.

pub(crate) mod fronting;
pub(crate) mod sections;
pub(crate) mod sentences;

use cofounder_domain::{Passage, Source};
use cofounder_qa as qa;
use serde::{Deserialize, Serialize};

use crate::render::escape;

/// How the article is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The model writes whole sections from ranked passages.
    Sections,
    /// The model puts one sentence of a source at a time into its own words; each answer is checked, and
    /// what no answer passes for is quoted.
    Sentences,
}

impl Strategy {
    /// Its name where a model's ability is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sections => "sections",
            Self::Sentences => "sentences",
        }
    }

    /// The strategy of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sections, Self::Sentences].into_iter().find(|s| s.name() == name)
    }
}

/// The passages with these numbers, in this order.
pub(crate) fn pick<'a>(passages: &'a [Passage], numbers: &[u32]) -> Vec<&'a Passage> {
    numbers.iter().filter_map(|n| passages.iter().find(|p| p.number == *n)).collect()
}

/// Two sentences at least this alike say the same.
const ALIKE: f32 = 0.6;

/// Whether two sentences say the same: in nearly the same words of meaning, and with the same numbers.
pub(crate) fn says_again(a: &str, b: &str) -> bool {
    let numbers = |text: &str| -> std::collections::BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '.' && c != ',');
        words
            .filter(|w| w.contains(|c: char| c.is_ascii_digit()))
            .map(|w| w.trim_matches(['.', ',']).to_owned())
            .collect()
    };
    let letters = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
    letters(a) == letters(b) || (qa::similar(a, b) >= ALIKE && numbers(a) == numbers(b))
}

/// A sentence of a source, word for word, with the source named; `turn` varies how.
pub(crate) fn attributed(sources: &[Source], passage: &Passage, text: &str, turn: usize) -> String {
    let (title, quote) = (title(sources, passage), escape(text));
    match turn % 4 {
        1 => format!("*{title}* puts it this way: “{quote}”"),
        2 => format!("In the words of *{title}*: “{quote}”"),
        3 => format!("*{title}* says: “{quote}”"),
        _ => format!("*{title}* notes: “{quote}”"),
    }
}

/// The title of a passage's source, as Markdown.
pub(crate) fn title(sources: &[Source], passage: &Passage) -> String {
    escape(sources.iter().find(|s| s.id == passage.source).map_or("the source", |s| s.title.as_str()))
}

/// How many words in a row the two texts share at most, white space, case and punctuation aside.
pub(crate) fn longest_shared_run(text: &str, source: &str) -> usize {
    let words = |t: &str| -> Vec<String> {
        t.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let (text, source) = (words(text), words(source));
    let mut best = 0;
    let mut row = vec![0usize; source.len() + 1];
    for word in &text {
        for at in (0..source.len()).rev() {
            row[at + 1] = if *word == source[at] { row[at] + 1 } else { 0 };
            best = best.max(row[at + 1]);
        }
    }
    best
}

/// Whether a text takes a source's words rather than its facts: such text must stand in quotation marks.
pub(crate) fn copies(text: &str, source: &str) -> bool {
    let words = cofounder_domain::word_count(text).max(1);
    let run = longest_shared_run(text, source);
    run >= 10 || (run >= 5 && run * 10 >= words * 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_is_another_statement() {
        assert!(says_again("The tower is 34 metres high.", "The tower of stone is 34 metres high."));
        assert!(!says_again("The tower is 34 metres high.", "The tower is 99 metres high."));
    }

    #[test]
    fn a_copy_is_told_from_a_paraphrase() {
        let source = "SQLite reads and writes directly to ordinary disk files, and it needs no server.";
        assert!(copies("SQLite reads and writes directly to ordinary disk files.", source));
        assert!(!copies("No server is needed, since SQLite works on ordinary disk files.", source));
        assert_eq!(longest_shared_run("to ordinary disk", source), 3);
        assert_eq!(longest_shared_run("", source), 0);
    }
}
