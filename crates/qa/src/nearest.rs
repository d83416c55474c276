//! The passages that a sentence without marks most likely rests on.

use cofounder_domain::Passage;
use std::collections::{BTreeSet, HashMap};

use crate::words::{content_words, stem, tokens};

/// Passages and how rare each of their terms is.
pub(crate) struct Nearest<'a> {
    passages: &'a [Passage],
    terms: HashMap<String, Vec<usize>>,
}

impl<'a> Nearest<'a> {
    pub(crate) fn new(passages: &'a [Passage]) -> Self {
        let mut found: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, passage) in passages.iter().enumerate() {
            let mut own = terms(&passage.text);
            own.extend(passage.headings.iter().flat_map(|h| terms(h)));
            for term in own {
                found.entry(term).or_default().push(index);
            }
        }
        Self { passages, terms: found }
    }

    /// Up to `count` passages, the one that shares the rarest and the most terms first.
    pub(crate) fn rank(&self, text: &str, count: usize) -> Vec<&'a Passage> {
        let mut scores: HashMap<usize, f32> = HashMap::new();
        for term in terms(text) {
            let Some(places) = self.terms.get(&term) else { continue };
            let weight = (1.0 + self.passages.len() as f32 / places.len() as f32).ln();
            for place in places {
                *scores.entry(*place).or_default() += weight;
            }
        }
        let mut ranked: Vec<(usize, f32)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.into_iter().take(count).map(|(index, _)| &self.passages[index]).collect()
    }
}

fn terms(text: &str) -> BTreeSet<String> {
    let numbers = tokens(text).into_iter().filter(|t| t.starts_with(|c: char| c.is_numeric()));
    content_words(text).iter().map(|w| stem(w)).chain(numbers).collect()
}
