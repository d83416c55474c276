//! Words: which of them carry meaning, and which of them are forms of one word.

mod common;
mod stop;

use rust_stemmers::{Algorithm, Stemmer};
use std::collections::BTreeSet;

pub(crate) use common::is_common;
pub(crate) use stop::is_stop;

use crate::{
    fold::{fold, fold_lower},
    patterns::{Pattern, pattern},
};

static TOKEN: Pattern = Pattern::new(|| {
    pattern(r"\p{N}+(?:[.,:]\p{N}+)*[\p{L}\p{N}]*|[\p{L}\p{M}][\p{L}\p{M}\p{N}]*(?:'\p{L}+)?")
});

/// The words that carry a text's meaning, in order and in lower case: no stop words, no numbers, no
/// possessive endings.
#[must_use]
pub fn content_words(text: &str) -> Vec<String> {
    tokens(text).into_iter().filter(|w| carries(w)).collect()
}

/// Every word and number of a text in lower case, without possessive endings. Hyphens part words.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let folded = fold_lower(text);
    TOKEN.find_iter(&folded).map(|m| bare(m.as_str()).to_owned()).collect()
}

/// [`tokens`] as they are written.
pub(crate) fn written(text: &str) -> Vec<String> {
    let folded = fold(text);
    TOKEN.find_iter(&folded).map(|m| bare(m.as_str()).to_owned()).collect()
}

/// The distinct stems of the words that carry meaning.
pub(crate) fn stems(text: &str) -> BTreeSet<String> {
    content_words(text).iter().map(|w| stem(w)).collect()
}

/// What the forms of a word have in common (Snowball, English).
pub(crate) fn stem(word: &str) -> String {
    let british = word.replace("isation", "ization").replace("yse", "yze");
    let word =
        british.strip_suffix("ise").filter(|w| w.len() > 4).map_or(british.clone(), |w| format!("{w}ize"));
    let stem = Stemmer::create(Algorithm::English).stem(&word).into_owned();
    irregular(&stem).map_or(stem, str::to_owned)
}

/// A word without `'s`, `’s` and the apostrophe of a plural.
pub(crate) fn bare(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix("'S")).unwrap_or(word).trim_end_matches('\'')
}

fn carries(word: &str) -> bool {
    word.chars().count() > 1 && word.starts_with(|c: char| !c.is_numeric()) && !is_stop(word)
}

/// Verb forms that the stemmer cannot know to be one word.
fn irregular(stem: &str) -> Option<&'static str> {
    Some(match stem {
        "wrote" | "written" | "writ" => "write",
        "began" | "begun" => "begin",
        "ran" => "run",
        "held" => "hold",
        "kept" => "keep",
        "built" => "build",
        "grew" | "grown" => "grow",
        "known" | "knew" => "know",
        "chose" | "chosen" => "choos",
        "brought" => "bring",
        "bought" => "buy",
        "sold" => "sell",
        "sent" => "send",
        "spent" => "spend",
        "led" => "lead",
        "lost" => "lose",
        "left" => "leav",
        "found" => "find",
        "fell" | "fallen" => "fall",
        "rose" | "risen" => "rise",
        "spoke" | "spoken" => "speak",
        "stood" => "stand",
        "stored" => "store",
        "took" | "taken" => "take",
        "gave" | "given" => "give",
        "came" => "come",
        "went" | "gone" => "go",
        "broke" | "broken" => "break",
        "drove" | "driven" => "drive",
        "won" => "win",
        "paid" => "pay",
        "met" => "meet",
        "thought" => "think",
        "taught" => "teach",
        "caught" => "catch",
        "database" => "databas",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_carry_meaning() {
        assert_eq!(
            content_words("SQLite’s write-ahead log didn't arrive in 2010, but it's in 3.7.0 and UTF-16."),
            ["sqlite", "write", "ahead", "log", "arrive", "utf"]
        );
        assert!(content_words("It is what it was. 42!").is_empty());
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for (a, b) in [
            ("written", "writes"),
            ("organisation", "organization"),
            ("began", "begins"),
            ("databases", "database"),
        ] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
    }
}
