//! Content words: what a text is about, comparable across inflections.

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// English words that say nothing about a text's subject.
const STOP_WORDS: [&str; 119] = [
    "a", "about", "after", "all", "also", "although", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "between", "both", "but", "by", "can", "could", "did", "do",
    "does", "doing", "down", "during", "each", "even", "few", "for", "from", "further", "had", "has", "have",
    "having", "he", "her", "here", "him", "his", "how", "however", "i", "if", "in", "into", "is", "it",
    "its", "just", "may", "me", "might", "more", "most", "much", "must", "my", "nor", "of", "off", "on",
    "once", "only", "or", "other", "our", "out", "over", "own", "same", "shall", "she", "should", "so",
    "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "through", "to", "too", "under", "until", "up", "us", "very", "was", "we", "were", "what",
    "when", "where", "which", "while", "who", "whom", "whose", "why", "will", "with", "would", "yet", "you",
    "your",
];

/// The content words of a text in order, in lower case and stemmed (English).
pub(crate) fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    content_words(text).map(|word| stemmer.stem(&word).into_owned()).collect()
}

/// The content words of a text in order, in lower case.
pub(crate) fn content_words(text: &str) -> impl Iterator<Item = String> {
    text.unicode_words().map(str::to_lowercase).map(without_possessive).filter(|w| !is_stop_word(w))
}

fn without_possessive(word: String) -> String {
    match word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")) {
        Some(owner) => owner.to_owned(),
        None => word,
    }
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_meet_and_stop_words_go() {
        assert!(STOP_WORDS.is_sorted());
        assert_eq!(
            stems("Why the databases' Transactions are committing"),
            ["databas", "transact", "commit"]
        );
        assert_eq!(
            stems("SQLite's database commits a transaction"),
            ["sqlite", "databas", "commit", "transact"].map(|w| if w == "sqlite" {
                stems("SQLite").remove(0)
            } else {
                w.to_owned()
            })
        );
    }
}
