//! Every proper name of a claim must stand in a cited passage.

use std::collections::HashSet;

use super::{
    evidence::{Evidence, key},
    roles,
};
use crate::{
    patterns::{Pattern, pattern},
    quantity::{identifiers, unit},
    words::{bare, is_common, is_stop},
};

/// The words of one name, in order, as names are compared; with how the text writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NameRun {
    pub(super) words: Vec<String>,
    pub(super) shown: String,
    /// First byte in the folded text.
    pub(super) at: usize,
}

impl NameRun {
    /// Whether both have a word in common, as `Marie Curie` and `Curie` have.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.words.iter().any(|w| other.words.contains(w))
    }
}

static WORD: Pattern = Pattern::new(|| pattern(r"[\p{L}][\p{L}\p{M}\p{N}]*(?:'\p{L}+)?"));
/// Capitals that are no names: months are dates, and these stand before names, numbers or nothing.
const NO_NAME: &str = "mr mrs ms dr prof sir i internet web version chapter section figure table part celsius fahrenheit january
    february march april may june july august september october november december jan feb aug sept oct nov dec";

pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let runs = runs(folded);
    for run in &runs {
        if let Some(word) = run.words.iter().find(|w| !has(w, run, evidence)) {
            let whole = if run.words.len() > 1 && !run.shown.eq_ignore_ascii_case(word) {
                format!(" (of “{}”)", run.shown)
            } else {
                String::new()
            };
            return Err(format!("the name “{}”{whole} is in no cited passage", spelled(word, &run.shown)));
        }
        if crossed(run, evidence) {
            return Err(format!(
                "the cited passages have the words of “{}”, but as parts of different names",
                run.shown
            ));
        }
    }
    if let Some(id) =
        identifiers(folded).iter().find(|id| !evidence.identifiers.contains(*id) && !evidence.has_word(id))
    {
        return Err(format!("“{}” is in no cited passage", id.to_uppercase()));
    }
    roles::check(folded, &runs, evidence)
}

fn spelled<'a>(word: &'a str, shown: &'a str) -> &'a str {
    shown.split([' ', '-']).find(|w| key(bare(w)) == word).unwrap_or(word)
}

fn has(word: &str, run: &NameRun, evidence: &Evidence) -> bool {
    evidence.has_word(word) || abbreviates(word, evidence) || abbreviated(run, evidence)
}

/// Whether words of a passage in a row begin with the letters of an acronym: `WAL`, write-ahead log.
fn abbreviates(word: &str, evidence: &Evidence) -> bool {
    let letters: Vec<char> = word.chars().collect();
    let upper = letters.len() == 2;
    if !(2..=6).contains(&letters.len()) {
        return false;
    }
    evidence.lines.iter().any(|line| {
        let words: Vec<&str> = WORD.find_iter(&line.folded).map(|m| m.as_str()).collect();
        words.windows(letters.len()).any(|run| {
            run.iter().zip(&letters).all(|(w, l)| {
                let first = w.chars().next();
                first.is_some_and(|c| c.to_lowercase().next() == Some(*l) && (!upper || c.is_uppercase()))
            })
        })
    })
}

/// Whether a passage has the capitals of a name of two words or more: `US`, United States.
fn abbreviated(run: &NameRun, evidence: &Evidence) -> bool {
    (2..=3).any(|len| {
        run.words.windows(len).any(|part| {
            let letters: String =
                part.iter().filter_map(|w| w.chars().next()).flat_map(char::to_uppercase).collect();
            let dotted: String = letters.chars().flat_map(|c| [c, '.']).collect();
            evidence.lines.iter().any(|l| {
                WORD.find_iter(&l.folded).any(|m| m.as_str() == letters) || l.folded.contains(&dotted)
            })
        })
    })
}

/// Whether two words in a row stand in the passages only with other partners, as `Anna Dahl` where those
/// speak of Anna Berg and Carl Dahl.
fn crossed(run: &NameRun, evidence: &Evidence) -> bool {
    run.words.windows(2).any(|pair| {
        if pair.iter().any(|w| evidence.given.contains(w) || w.chars().count() < 2) {
            return false;
        }
        let with = |w: &String| {
            evidence
                .lines
                .iter()
                .flat_map(|l| &l.names)
                .filter(|n| n.words.len() > 1 && n.words.contains(w))
                .collect::<Vec<_>>()
        };
        let (first, second) = (with(&pair[0]), with(&pair[1]));
        let alone = |w: &String| evidence.lines.iter().flat_map(|l| &l.names).any(|n| n.words == [w.clone()]);
        !first.is_empty()
            && !second.is_empty()
            && !alone(&pair[0])
            && !first.iter().any(|n| n.words.contains(&pair[1]))
    })
}

/// The proper names of a folded text: words with a capital that open no sentence, or that open one and are
/// no ordinary words. Neighbours make one name.
pub(super) fn runs(folded: &str) -> Vec<NameRun> {
    let shouting = shouting(folded);
    let mut runs: Vec<NameRun> = Vec::new();
    let mut before: Option<(usize, bool, bool)> = None;
    for found in WORD.find_iter(folded) {
        // `1Password` is compared as a whole, as an identifier is.
        if folded[..found.start()].ends_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let word = bare(found.as_str());
        let gap = &folded[before.map_or(0, |(end, _, _)| end)..found.start()];
        let initial = before.is_some_and(|(_, _, initial)| initial);
        let opens = before.is_none()
            || (gap.contains(['.', '!', '?', ':', ';', '(', '\'', '[', '/', '*'])
                && !(initial && gap == ". "))
            || gap.contains(" - ");
        let measure = folded[..found.start()]
            .trim_end_matches([' ', '-'])
            .ends_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '€'));
        let named = !shouting && is_name(word, opens) && !(measure && unit(&word.to_lowercase()).is_some());
        if named {
            let joins = before.is_some_and(|(_, was, _)| was)
                && (matches!(gap, " " | "-" | "'s ") || (initial && gap == ". "));
            match runs.last_mut().filter(|_| joins) {
                Some(run) => {
                    run.words.push(key(word));
                    run.shown = folded[run.at..found.end()].to_owned();
                }
                None => {
                    runs.push(NameRun { words: vec![key(word)], shown: word.to_owned(), at: found.start() })
                }
            }
        }
        let end = found.start() + word.len();
        before = Some((end, named, word.len() == 1 && word.chars().all(char::is_uppercase)));
    }
    for run in &mut runs {
        // An initial alone says nothing that could be checked.
        let long: HashSet<String> = run.words.iter().filter(|w| w.chars().count() > 1).cloned().collect();
        if !long.is_empty() {
            run.words.retain(|w| long.contains(w));
        }
    }
    runs.retain(|r| r.words.iter().any(|w| w.chars().count() > 1));
    runs
}

fn is_name(word: &str, opens: bool) -> bool {
    let lower = word.to_lowercase();
    let capital = word.starts_with(char::is_uppercase);
    let inner = word.chars().skip(1).any(char::is_uppercase);
    let coded = word.chars().any(char::is_numeric) && word.chars().any(char::is_uppercase);
    let shouted = inner && word.chars().all(|c| !c.is_lowercase());
    if NO_NAME.split_whitespace().any(|w| w == lower) || !(capital || inner) {
        return false;
    }
    if is_stop(&lower) {
        return shouted && matches!(lower.as_str(), "us" | "it" | "who");
    }
    inner || coded || !opens || !is_common(&lower)
}

/// Whether a text is written in capitals throughout, so that they tell nothing.
fn shouting(folded: &str) -> bool {
    let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
    letters > 15 && folded.chars().filter(|c| c.is_lowercase()).count() * 5 < letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        runs(text).into_iter().map(|r| r.shown).collect()
    }

    #[test]
    fn names_are_found() {
        for (text, want) in [
            ("The library was written by D. Richard Hipp in August 2000.", vec!["D. Richard Hipp"]),
            (
                "SQLite's authors use ACID, UTF-16 and FTS5 on an iPhone.",
                vec!["SQLite", "ACID", "UTF", "FTS5", "iPhone"],
            ),
            ("Oracle bought it. Developers did not.", vec!["Oracle"]),
            ("Linus Torvalds wrote Linux: The kernel is free.", vec!["Linus Torvalds", "Linux"]),
            ("It works. (See the web.) However, I like it.", vec![]),
            ("Common table expressions arrived in 2014.", vec![]),
            ("THIS IS A VERY LOUD SENTENCE.", vec![]),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }
}
