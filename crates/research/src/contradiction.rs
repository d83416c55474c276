//! Tells where two sources say the same thing with different numbers, or the opposite.

use cofounder_domain::{Passage, sentences};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::words::{content_words, stems};

/// A sentence with fewer content words is too vague to be compared.
const MIN_WORDS: usize = 3;
/// The share of content words that two sentences must have in common.
const OVERLAP: f32 = 0.7;
/// The most content words of one sentence that the other may lack.
const STRANGERS: usize = 2;
/// A word in more sentences than this is no sign that two of them speak of the same: only sentences that
/// share a rarer one are compared.
const COMMON: usize = 100;
/// The most contradictions that are told: beyond it, the sources speak of different things.
const MAX_TOLD: usize = 20;

const NEGATIONS: [&str; 12] = [
    "not", "no", "never", "none", "cannot", "without", "neither", "nobody", "nothing", "isn't", "doesn't",
    "can't",
];

/// Words that a year follows.
const YEAR_FOLLOWS: [&str; 20] = [
    "in",
    "since",
    "until",
    "from",
    "year",
    "by",
    "before",
    "after",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Two passages of different sources that do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The index of the earlier passage.
    pub a: usize,
    /// The index of the later one.
    pub b: usize,
    /// Both sentences and what differs, in words a person reads.
    pub reason: String,
}

/// The contradictions between passages of different sources, in their order, at most 20. A cheap and careful
/// test of single sentences: nearly the same words, and another number for the same unit, or a negation in
/// only one of them. It finds some contradictions, by far not all, and may be wrong: it is for a reader to
/// look at.
#[must_use]
pub fn contradictions(passages: &[Passage]) -> Vec<Contradiction> {
    let statements = statements(passages);
    let mut by_word: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, statement) in statements.iter().enumerate() {
        for word in &statement.words {
            by_word.entry(word).or_default().push(index);
        }
    }
    let mut found: Vec<Contradiction> = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let mut near: BTreeSet<usize> = BTreeSet::new();
        for word in &statement.words {
            let others = &by_word[word.as_str()];
            if others.len() <= COMMON {
                near.extend(others.iter().filter(|other| **other > index));
            }
        }
        for other in near.into_iter().map(|i| &statements[i]) {
            if let Some(difference) = statement.against(other) {
                let reason = format!("{difference}: \"{}\" / \"{}\"", statement.text, other.text);
                found.push(Contradiction { a: statement.passage, b: other.passage, reason });
                if found.len() == MAX_TOLD {
                    return found;
                }
            }
        }
    }
    found
}

struct Statement<'a> {
    passage: usize,
    source: &'a str,
    text: &'a str,
    /// Content words without numbers and negations, stemmed.
    words: BTreeSet<String>,
    /// Numbers by their unit: the word behind, or `version`, or `in` for a year.
    numbers: BTreeMap<String, BTreeSet<String>>,
    negated: bool,
}

fn statements(passages: &[Passage]) -> Vec<Statement<'_>> {
    let mut all = Vec::new();
    for (index, passage) in passages.iter().enumerate() {
        for span in sentences(&passage.text) {
            let statement = Statement::new(index, passage, &passage.text[span.start..span.end]);
            if statement.words.len() >= MIN_WORDS {
                all.push(statement);
            }
        }
    }
    all
}

impl<'a> Statement<'a> {
    fn new(passage: usize, of: &'a Passage, text: &'a str) -> Self {
        let negation =
            |w: &String| NEGATIONS.contains(&w.as_str()) || w.ends_with("n't") || w.ends_with("n’t");
        let negated = content_words(text).filter(negation).count() % 2 == 1;
        let words =
            content_words(text).filter(|w| !negation(w) && !w.starts_with(|c: char| c.is_ascii_digit()));
        let words = words.flat_map(|w| stems(&w)).collect();
        Self { passage, source: of.source.as_str(), text, words, numbers: numbers(text), negated }
    }

    /// What differs, if both speak of the same.
    fn against(&self, other: &Self) -> Option<String> {
        if self.source == other.source || self.text == other.text {
            return None;
        }
        let shared = self.words.intersection(&other.words).count();
        let all = self.words.len() + other.words.len() - shared;
        let strangers = (self.words.len() - shared).max(other.words.len() - shared);
        if shared < MIN_WORDS || (shared as f32) < OVERLAP * all as f32 || strangers > STRANGERS {
            return None;
        }
        let differing = self.numbers.iter().find_map(|(unit, ours)| {
            let theirs = other.numbers.get(unit)?;
            (ours.len() == 1 && theirs.len() == 1 && ours != theirs).then(|| (ours.first(), theirs.first()))
        });
        if let Some((Some(ours), Some(theirs))) = differing {
            return Some(format!("one says {ours}, the other {theirs}"));
        }
        (self.negated != other.negated && strangers <= 1 && self.numbers == other.numbers)
            .then(|| "one denies what the other says".to_owned())
    }
}

/// The numbers of a sentence by what they count.
fn numbers(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let words: Vec<&str> =
        text.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (index, word) in words.iter().enumerate() {
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let before = index.checked_sub(1).map(|i| words[i].to_lowercase()).unwrap_or_default();
        let behind = words.get(index + 1).and_then(|w| stems(w).pop());
        let number: String = word.chars().filter(|c| *c != ',' && *c != '_').collect();
        let dated = behind.is_none() || YEAR_FOLLOWS.contains(&before.as_str());
        let year = dated && word.len() == 4 && word.parse::<u16>().is_ok_and(|y| (1000..2200).contains(&y));
        let unit = if before == "version" {
            "version".to_owned()
        } else if year {
            "year".to_owned()
        } else {
            behind.unwrap_or_default()
        };
        found.entry(unit).or_default().insert(number);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::SourceId;

    fn of(texts: &[(&str, &str)]) -> Vec<(usize, usize)> {
        let passages: Vec<Passage> = texts
            .iter()
            .map(|(source, text)| Passage {
                number: 1,
                source: SourceId::from_text(source),
                start: 0,
                end: text.len(),
                text: (*text).to_owned(),
                headings: Vec::new(),
            })
            .collect();
        contradictions(&passages).into_iter().map(|c| (c.a, c.b)).collect()
    }

    #[test]
    fn another_number_for_the_same_thing_is_told() {
        assert_eq!(
            of(&[
                ("a", "Birds fly. A table in SQLite has at most 2,000 columns by default."),
                ("b", "By default, a table in SQLite has at most 3,000 columns."),
            ]),
            [(0, 1)]
        );
        assert_eq!(
            of(&[
                ("a", "SQLite was first released in August 2000."),
                ("b", "SQLite was first released in August 2003.")
            ]),
            [(0, 1)]
        );
    }

    #[test]
    fn the_opposite_is_told() {
        assert_eq!(
            of(&[
                ("a", "Readers block a writer in WAL mode."),
                ("b", "In WAL mode, readers do not block a writer."),
            ]),
            [(0, 1)]
        );
    }

    #[test]
    fn agreement_other_subjects_and_one_source_are_not() {
        let same = "SQLite was first released in August 2000.";
        assert!(of(&[("a", same), ("b", same)]).is_empty());
        assert!(of(&[("a", same), ("a", "SQLite was first released in August 2003.")]).is_empty());
        assert!(
            of(&[
                ("a", "Window functions arrived in SQLite version 3.25.0 in 2018."),
                ("b", "Common table expressions arrived in SQLite version 3.8.3 in 2014."),
            ])
            .is_empty()
        );
        assert!(
            of(&[("a", "The page size has 4,096 bytes."), ("b", "The page size has 4096 bytes of data.")])
                .is_empty()
        );
    }
}
