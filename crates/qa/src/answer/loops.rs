//! A text that goes round in circles.

use cofounder_domain::sentences;
use std::{collections::HashMap, ops::Range};

use crate::{
    fold::fold_lower,
    patterns::{Pattern, pattern},
};

static WORD: Pattern = Pattern::new(|| pattern(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}'’.-]*"));

/// The longest run of words that is looked for right behind itself.
const MAX_PERIOD: usize = 16;
/// So long a run of words does not come three times by chance.
pub(crate) const LONG: usize = 8;
/// A shorter sentence may well come twice.
const MIN_SENTENCE: usize = 4;

/// What is said again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loop {
    /// Where it is said again.
    pub(crate) range: Range<usize>,
    pub(crate) what: String,
}

/// The first run of words that stands three times in a row (four times if it is one word), or, if it is
/// long, three times anywhere.
pub(crate) fn repeated_run(text: &str) -> Option<Loop> {
    stutter(text).or_else(|| refrain(text, LONG))
}

/// The first run of words that stands three times in a row, four times if it is one word.
pub(crate) fn stutter(text: &str) -> Option<Loop> {
    in_a_row(text, &words(text))
}

/// The first run of `length` words that stands three times anywhere.
pub(crate) fn refrain(text: &str, length: usize) -> Option<Loop> {
    anywhere(text, &words(text), length)
}

type Word = (Range<usize>, String);

fn words(text: &str) -> Vec<Word> {
    let bare = |w: &str| w.trim_end_matches(['.', '-', '’', '\'']).to_lowercase();
    WORD.find_iter(text).map(|m| (m.range(), bare(m.as_str()))).collect()
}

fn in_a_row(text: &str, words: &[Word]) -> Option<Loop> {
    for period in 1..=MAX_PERIOD.min(words.len() / 3) {
        let needed = if period == 1 { 3 } else { 2 * period };
        let mut same = 0;
        for at in period..words.len() {
            same = if words[at].1 == words[at - period].1 { same + 1 } else { 0 };
            if same >= needed {
                let run = &words[at + 1 - period..=at];
                let what = run.iter().map(|(_, w)| w.as_str()).collect::<Vec<_>>().join(" ");
                // Digits repeat in tables and in long numbers.
                if what.chars().any(char::is_alphabetic) {
                    return Some(Loop { range: span(text, run), what });
                }
            }
        }
    }
    None
}

fn anywhere(text: &str, words: &[Word], length: usize) -> Option<Loop> {
    let mut seen: HashMap<Vec<&str>, (usize, usize)> = HashMap::new();
    for (at, run) in words.windows(length).enumerate() {
        let key: Vec<&str> = run.iter().map(|(_, w)| w.as_str()).collect();
        let entry = seen.entry(key).or_insert((0, 0));
        if entry.0 == 0 || at >= entry.1 + length {
            *entry = (entry.0 + 1, at);
            if entry.0 >= 3 {
                let what = run.iter().map(|(_, w)| w.as_str()).collect::<Vec<_>>().join(" ");
                return Some(Loop { range: span(text, run), what });
            }
        }
    }
    None
}

fn span(text: &str, run: &[Word]) -> Range<usize> {
    let start = run.first().map_or(0, |w| w.0.start);
    start..run.last().map_or(start, |w| w.0.end).min(text.len())
}

/// The first sentence of four words or more that stands twice.
pub(crate) fn repeated_sentence(text: &str) -> Option<Loop> {
    let mut seen = std::collections::HashSet::new();
    sentences(text).into_iter().find_map(|span| {
        let sentence = crate::marks::strip_citations(&text[span.start..span.end]);
        let key: String =
            fold_lower(&sentence).chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect();
        let key = key.split_whitespace().collect::<Vec<_>>().join(" ");
        let again = key.split(' ').count() >= MIN_SENTENCE && !seen.insert(key);
        again.then(|| Loop { range: span.start..span.end, what: sentence.trim().to_owned() })
    })
}
