//! Which passages say most about a query.

use cofounder_domain::Passage;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::words::stems;

/// How fast further occurrences of a word stop to count (Robertson and Zaragoza, "The Probabilistic
/// Relevance Framework: BM25 and Beyond", 2009, section 3.4).
const K1: f32 = 1.2;
/// How much a passage's length counts.
const B: f32 = 0.75;
/// What a word in a heading above a passage counts, against one in the passage.
const HEADING: f32 = 0.5;

/// An index of passages by their content words. Scores are those of BM25 over stemmed English words; words
/// in the headings above a passage count half.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// For each word the passages that have it, and how often.
    occurrences: HashMap<String, Vec<(usize, f32)>>,
    lengths: Vec<f32>,
    mean: f32,
}

impl Ranking {
    /// Indexes passages; a rank's index is the place in this slice.
    #[must_use]
    pub fn new(passages: &[Passage]) -> Self {
        let mut occurrences: HashMap<String, Vec<(usize, f32)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(passages.len());
        for (index, passage) in passages.iter().enumerate() {
            let mut counts: BTreeMap<String, f32> = BTreeMap::new();
            let words = stems(&passage.text);
            lengths.push(words.len() as f32);
            for word in words {
                *counts.entry(word).or_default() += 1.0;
            }
            for word in passage.headings.iter().flat_map(|h| stems(h)).collect::<BTreeSet<_>>() {
                *counts.entry(word).or_default() += HEADING;
            }
            for (word, count) in counts {
                occurrences.entry(word).or_default().push((index, count));
            }
        }
        let mean = (lengths.iter().sum::<f32>() / lengths.len().max(1) as f32).max(1.0);
        Self { occurrences, lengths, mean }
    }

    /// The best `k` passages for a query as (index, score), best first; equal ones in their own order. A
    /// passage without any of the query's content words is never among them.
    #[must_use]
    pub fn rank(&self, query: &str, k: usize) -> Vec<(usize, f32)> {
        let mut scores: BTreeMap<usize, f32> = BTreeMap::new();
        for word in stems(query).into_iter().collect::<BTreeSet<_>>() {
            let Some(found) = self.occurrences.get(&word) else { continue };
            let weight = self.weight(found.len());
            for (index, count) in found {
                let length = 1.0 - B + B * self.lengths[*index] / self.mean;
                *scores.entry(*index).or_default() += weight * count * (K1 + 1.0) / (count + K1 * length);
            }
        }
        let mut ranked: Vec<(usize, f32)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(k);
        ranked
    }

    /// The share of the query's content words that occur in any passage or heading, 0 to 1: how much of what
    /// is asked the passages can speak about. 0 for a query without content words.
    #[must_use]
    pub fn coverage(&self, query: &str) -> f32 {
        let words: BTreeSet<String> = stems(query).into_iter().collect();
        let known = words.iter().filter(|w| self.occurrences.contains_key(*w)).count();
        known as f32 / words.len().max(1) as f32
    }

    /// The inverse document frequency, always above 0.
    fn weight(&self, found_in: usize) -> f32 {
        let (all, found_in) = (self.lengths.len() as f32, found_in as f32);
        (1.0 + (all - found_in + 0.5) / (found_in + 0.5)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::SourceId;

    fn passages(texts: &[(&str, &str)]) -> Vec<Passage> {
        let passage = |(heading, text): &(&str, &str)| Passage {
            number: 1,
            source: SourceId::from_text("x"),
            start: 0,
            end: text.len(),
            text: (*text).to_owned(),
            headings: vec![(*heading).to_owned()],
        };
        texts.iter().map(passage).collect()
    }

    #[test]
    fn the_passage_about_the_query_comes_first_and_strangers_never() {
        let ranking = Ranking::new(&passages(&[
            ("Limits", "A database has at most 281 terabytes."),
            ("Backups", "The online interface copies pages while others write."),
            ("Transactions", "A transaction commits or rolls back; transactions are atomic."),
        ]));
        assert_eq!(ranking.rank("atomic transaction", 5).iter().map(|r| r.0).collect::<Vec<_>>(), [2]);
        assert_eq!(ranking.rank("a backup", 5)[0].0, 1, "the heading counts");
        assert!(ranking.rank("zebra", 5).is_empty());
        assert!(ranking.rank("why is it so", 5).is_empty());
        assert!(ranking.rank("database transaction pages", 2).len() == 2);
    }

    #[test]
    fn equal_passages_keep_their_order() {
        let ranking = Ranking::new(&passages(&[("", "same words"), ("", "same words"), ("", "same words")]));
        assert_eq!(ranking.rank("words", 3).iter().map(|r| r.0).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn coverage_is_the_share_of_known_content_words() {
        let ranking = Ranking::new(&passages(&[("SQLite", "A database in one file.")]));
        assert!((ranking.coverage("Why SQLite databases") - 1.0).abs() < 1e-6);
        assert!((ranking.coverage("the SQLite zebra") - 0.5).abs() < 1e-6);
        assert!(ranking.coverage("why") < 1e-6 && Ranking::new(&[]).coverage("SQLite") < 1e-6);
    }
}
