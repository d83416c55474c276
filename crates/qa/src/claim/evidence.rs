//! What the cited passages say, prepared for comparison.

use cofounder_domain::{Passage, sentences};
use std::collections::{BTreeSet, HashSet};

use super::{Rules, names::NameRun};
use crate::{
    fold::fold,
    quantity::{Quantity, identifiers, quantities_of_source},
    words::{stem, stems, written},
};

/// One sentence of a passage.
pub(super) struct Line {
    pub(super) folded: String,
    /// Every word, in the spelling that names are compared in.
    pub(super) words: HashSet<String>,
    pub(super) stems: BTreeSet<String>,
    pub(super) quantities: Vec<Quantity>,
    pub(super) names: Vec<NameRun>,
    /// Whether it leans on the line before, which is then read with it.
    pub(super) leans: bool,
}

/// All passages that one claim cites.
pub(super) struct Evidence {
    pub(super) lines: Vec<Line>,
    /// Words of the passages and of the headings above them.
    pub(super) words: HashSet<String>,
    pub(super) stems: BTreeSet<String>,
    /// Words that need no evidence, or have it in a heading.
    pub(super) given: HashSet<String>,
    /// Stems of names that need no evidence and that no passage has.
    pub(super) allowed_stems: BTreeSet<String>,
    pub(super) identifiers: HashSet<String>,
}

impl Evidence {
    pub(super) fn of(cited: &[&Passage], rules: &Rules) -> Self {
        let mut lines = Vec::new();
        let mut words = HashSet::new();
        let mut all_stems = BTreeSet::new();
        let mut given = HashSet::new();
        let mut ids = HashSet::new();
        for passage in cited {
            for (index, span) in sentences(&passage.text).into_iter().enumerate() {
                lines.push(Line::of(&passage.text[span.start..span.end], index > 0));
            }
            let whole = fold(&passage.text);
            words.extend(spellings(&whole));
            ids.extend(identifiers(&whole));
            all_stems.extend(stems(&whole));
            for heading in &passage.headings {
                given.extend(spellings(&fold(heading)));
                all_stems.extend(stems(heading));
            }
        }
        let mut allowed_stems = BTreeSet::new();
        for name in &rules.allowed_names {
            let name = fold(name);
            given.extend(spellings(&name));
            ids.extend(identifiers(&name));
            allowed_stems.extend(stems(&name).difference(&all_stems).cloned());
        }
        Self { lines, words, stems: all_stems, given, allowed_stems, identifiers: ids }
    }

    /// Whether a name's word stands in a passage, in a heading above one, or needs no evidence.
    pub(super) fn has_word(&self, word: &str) -> bool {
        let key = key(word);
        let plural = key.strip_suffix('s').filter(|k| k.len() > 1);
        let known = |k: &str| self.words.contains(k) || self.given.contains(k);
        known(&key)
            || plural.is_some_and(known)
            || known(&format!("{key}s"))
            || known(&stem(&key))
            || self.identifiers.contains(&key)
    }

    /// Whether a name needs no evidence: it is allowed, or it is none, but the first word of its clause, which a
    /// passage writes small.
    pub(super) fn gives(&self, name: &NameRun) -> bool {
        let small = |word: &str| {
            let mut words = self.lines.iter().flat_map(|l| l.folded.split(|c: char| !c.is_alphanumeric()));
            words.any(|w| w == word)
        };
        name.words.iter().any(|w| self.given.contains(w))
            || (name.at == 0 && name.words.len() == 1 && small(&name.words[0]))
    }

    /// Runs of lines that are read together: a line, and those before it that it leans on.
    pub(super) fn windows(&self) -> Vec<&[Line]> {
        let start = |end: usize| (0..=end).rev().find(|i| !self.lines[*i].leans).unwrap_or(0);
        (0..self.lines.len()).map(|end| &self.lines[start(end)..=end]).collect()
    }
}

impl Line {
    fn of(text: &str, follows: bool) -> Self {
        let folded = fold(text);
        Self {
            words: spellings(&folded).collect(),
            stems: stems(&folded),
            quantities: quantities_of_source(&folded),
            names: super::names::runs(&folded),
            leans: follows && leans(&folded),
            folded,
        }
    }
}

/// Words as names are compared: in lower case, without accents; also two neighbours written as one, so that
/// `e-mail` is `email`.
pub(super) fn spellings(folded: &str) -> impl Iterator<Item = String> + use<> {
    let words: Vec<String> = written(folded).iter().map(|w| key(w)).collect();
    let pairs: Vec<String> = words.windows(2).map(|w| format!("{}{}", w[0], w[1])).collect();
    words.into_iter().chain(pairs)
}

/// A word in lower case and without accents.
pub(super) fn key(word: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    word.nfd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_lowercase()
}

/// Whether a sentence speaks of what the sentence before it named.
fn leans(folded: &str) -> bool {
    let words: Vec<String> = written(folded).iter().map(|w| w.to_lowercase()).collect();
    let anywhere = words.iter().any(|w| matches!(w.as_str(), "he" | "she" | "they" | "him" | "them"));
    let early = words.iter().take(4).any(|w| {
        matches!(
            w.as_str(),
            "it" | "its"
                | "this"
                | "that"
                | "these"
                | "those"
                | "their"
                | "his"
                | "her"
                | "such"
                | "both"
                | "one"
        )
    });
    anywhere || early || words.first().is_some_and(|w| w == "the")
}
