//! How alike two sentences are.

use std::collections::BTreeSet;

use crate::words::{stem, tokens};

/// What is compared of a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    words: BTreeSet<String>,
    numbers: BTreeSet<String>,
}

impl Fingerprint {
    pub(crate) fn of(text: &str) -> Self {
        let words = crate::words::content_words(text).iter().map(|w| stem(w)).collect();
        let numbers = tokens(text).into_iter().filter(|t| t.starts_with(|c: char| c.is_numeric())).collect();
        Self { words, numbers }
    }

    /// From 0, nothing in common, to 1, the same. The mean of how much of both sentences is shared (Jaccard)
    /// and how much of the shorter one, so that a sentence which only says more or less than an earlier one
    /// is still found; the latter counts only where the shorter has three words or more. Sentences that
    /// differ in their numbers say different things.
    pub(crate) fn alike(&self, other: &Self) -> f32 {
        let shared =
            self.words.intersection(&other.words).count() + self.numbers.intersection(&other.numbers).count();
        let (a, b) = (self.len(), other.len());
        let (less, all) = (a.min(b), a + b - shared);
        if less == 0 {
            return 0.0;
        }
        let jaccard = shared as f32 / all as f32;
        let contained = if less >= 3 { shared as f32 / less as f32 } else { jaccard };
        let both = !self.numbers.is_empty() && !other.numbers.is_empty();
        let differ =
            both && !self.numbers.is_subset(&other.numbers) && !other.numbers.is_subset(&self.numbers);
        (jaccard + contained) / 2.0 * if differ { 0.75 } else { 1.0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len() + self.numbers.len()
    }
}

/// How alike two sentences are, from 0 to 1. A reworded repeat scores 0.6 or more.
#[must_use]
pub fn similar(a: &str, b: &str) -> f32 {
    let (a, b) = (Fingerprint::of(a), Fingerprint::of(b));
    a.alike(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_score_high_and_other_facts_low() {
        for (a, b) in [
            ("SQLite is small.", "SQLite is small."),
            (
                "D. Richard Hipp began to write SQLite in the year 2000.",
                "In 2000, D. Richard Hipp started writing SQLite.",
            ),
            (
                "SQLite is a small library.",
                "SQLite is a small library that fits into one single file on disk.",
            ),
            (
                "A complete SQLite database is a single file.",
                "A single file holds a complete SQLite database.",
            ),
        ] {
            assert!(similar(a, b) >= 0.6, "{} {a} {b}", similar(a, b));
        }
        for (a, b) in [
            (
                "Window functions arrived in SQLite version 3.25.0 in 2018.",
                "Outer joins arrived in SQLite version 3.39.0 in 2022.",
            ),
            (
                "Window functions arrived in SQLite version 3.25.0 in 2018.",
                "The upsert clause arrived in SQLite version 3.24.0 in 2018.",
            ),
            ("SQLite is fast.", "A covering index makes SQLite fast where a query reads a few columns."),
            ("", ""),
        ] {
            assert!(similar(a, b) < 0.6, "{} {a} {b}", similar(a, b));
        }
    }
}
