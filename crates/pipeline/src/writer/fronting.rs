//! How a very small model is helped to put a sentence into other words: it is given the sentence's last phrase as
//! the beginning of its own, and goes on from there.
//!
//! Left alone, a model of 135 million parameters copies a sentence or makes things up; begun like this it wrote a
//! sound sentence about one time in four (`docs/adr/0004-two-writers.md`).

use cofounder_domain::word_count;
use cofounder_qa as qa;
use std::collections::BTreeSet;

use super::longest_shared_run;

/// Words that begin a phrase which can stand before its sentence as well as behind it.
const PHRASES: [&str; 16] = [
    "in", "on", "at", "by", "with", "without", "for", "since", "under", "during", "before", "after",
    "inside", "within", "between", "among",
];
/// Words that begin a clause of which the same is true.
const CLAUSES: [&str; 8] = ["because", "when", "while", "if", "unless", "until", "since", "whenever"];
/// Words that a phrase without a verb of its own does not hold.
const VERBS: [&str; 24] = [
    "is", "are", "was", "were", "be", "been", "has", "have", "had", "do", "does", "did", "can", "could",
    "may", "might", "will", "would", "should", "must", "and", "but", "or", "such",
];
/// Words whose reach changes with their place.
const NEGATIONS: [&str; 12] = [
    "not", "no", "never", "nor", "neither", "none", "nothing", "nobody", "cannot", "only", "hardly", "rarely",
];
/// Phrases that only look like one.
const FIXED: [&str; 6] = ["at once", "at all", "in use", "in turn", "for example", "for instance"];
/// So many words may a sentence share with its source in a row without being a copy.
const SHARED: usize = 8;
/// So many letters of a word are its root.
const ROOT: usize = 5;
/// Words that mean something named elsewhere.
const LEANING: [&str; 9] = ["it", "its", "they", "them", "their", "this", "these", "that", "those"];
/// How many ways to part one sentence are tried.
const WAYS: usize = 2;

/// A sentence, parted before its last phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parted {
    /// What stands before the phrase.
    head: String,
    /// The phrase.
    tail: String,
}

impl Parted {
    /// The ways to part a sentence before a phrase that can be moved, the shortest phrase first.
    pub(crate) fn all(sentence: &str) -> Vec<Self> {
        let Some(body) = sentence.strip_suffix('.') else { return Vec::new() };
        let words: Vec<&str> = body.split(' ').collect();
        // "Not a replacement for every database" is not "for every database, not a replacement".
        if words.iter().any(|w| NEGATIONS.contains(&w.to_lowercase().trim_matches(','))) {
            return Vec::new();
        }
        let places = (3..words.len().saturating_sub(1)).rev().filter(|&at| opens(&words, at));
        places.filter_map(|at| Self::at(&words, at)).take(WAYS).collect()
    }

    fn at(words: &[&str], at: usize) -> Option<Self> {
        let tail = words[at..].join(" ");
        let head = words[..at].join(" ").trim_end_matches(',').to_owned();
        if two_statements(&head) {
            return None;
        }
        let fits = (2..=SHARED).contains(&word_count(&tail)) && (4..=14).contains(&word_count(&head));
        (fits && !FIXED.contains(&tail.to_lowercase().as_str())).then_some(Self { head, tail })
    }

    /// The beginning that the model is given.
    pub(crate) fn start(&self) -> String {
        let mut letters = self.tail.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        format!("{first}{},", letters.as_str())
    }

    /// The sentence that an answer makes, or why it makes none.
    pub(crate) fn read(&self, answer: &str, source: &str) -> Result<String, &'static str> {
        let rest = answer.trim();
        let end = rest.find(". ").map_or(rest.len(), |at| at + 1);
        let rest = rest[..end].lines().next().unwrap_or_default().trim_end();
        if !rest.ends_with('.') || rest.contains(['"', '“', '”', ':', ';', '\u{fffd}']) {
            return Err("it is no whole sentence");
        }
        let (had, has) = (word_count(&self.head), word_count(rest));
        if has < 4 || has * 3 < had * 2 || has * 2 > had * 3 {
            return Err("it is too short or too long");
        }
        if !same_case(rest, &self.head) {
            return Err("it writes a name another way");
        }
        if again(rest, &self.tail, &self.head) {
            return Err("it says its beginning again");
        }
        if repeats(rest) {
            return Err("it repeats itself");
        }
        let sentence = format!("{} {rest}", self.start());
        if longest_shared_run(&sentence, source) > SHARED {
            return Err("it is a copy");
        }
        if !same_words(&sentence, source) || !in_order(rest, &self.head) {
            return Err("it says something else");
        }
        let last = rest.trim_end_matches('.').rsplit(' ').next().unwrap_or_default().to_lowercase();
        if PHRASES.contains(&last.as_str())
            || ["of", "to", "from", "as", "the", "a", "an", "and", "or"].contains(&last.as_str())
        {
            return Err("its end is missing");
        }
        Ok(sentence)
    }
}

/// Whether a sentence without its last phrase says two things: the phrase may belong to the second only.
fn two_statements(head: &str) -> bool {
    const NOUN_FOLLOWS: [&str; 18] = [
        "a", "an", "the", "every", "each", "all", "any", "some", "no", "its", "their", "other", "one", "two",
        "three", "many", "most", "both",
    ];
    let words: Vec<&str> = head.split(' ').collect();
    let joins = |pair: &[&str]| {
        let noun = NOUN_FOLLOWS.contains(&pair[1].to_lowercase().as_str())
            || pair[1].starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
        matches!(pair[0].to_lowercase().as_str(), "and" | "or" | "but" | "nor" | "yet")
            && (pair[0] == "but" || !noun)
    };
    head.contains(',') || words.windows(2).any(joins)
}

/// Whether a phrase that can be moved begins at this word.
fn opens(words: &[&str], at: usize) -> bool {
    let word = words[at].to_lowercase();
    let before = words[at - 1].to_lowercase();
    // "the size of the cache in use": a phrase that belongs to the word before it cannot be moved without harm, which
    // no word list tells; after these words it always does.
    let bound = PHRASES.contains(&before.as_str())
        || ["of", "to", "from", "as", "only", "not", "and", "or", "than"].contains(&before.as_str());
    if bound {
        return false;
    }
    let rest = &words[at + 1..];
    let holds_verb = rest.iter().any(|w| VERBS.contains(&w.to_lowercase().trim_end_matches(',')));
    let leans = rest
        .iter()
        .any(|w| matches!(w.to_lowercase().as_str(), "this" | "these" | "those" | "it" | "they" | "them"));
    let relative = leans
        || rest
            .iter()
            .any(|w| matches!(w.to_lowercase().as_str(), "that" | "which" | "who" | "whose" | "where"));
    let begins_again = rest.iter().any(|w| CLAUSES.contains(&w.to_lowercase().as_str()));
    if begins_again || rest.iter().any(|w| w.ends_with(',')) {
        return false;
    }
    let opens = if holds_verb { CLAUSES.contains(&word.as_str()) } else { PHRASES.contains(&word.as_str()) };
    opens && !relative
}

/// Whether three words in a row stand in the text twice.
fn repeats(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let threes: Vec<&[&str]> = words.windows(3).collect();
    threes.iter().enumerate().any(|(index, three)| threes[index + 1..].contains(three))
}

/// Whether the words of meaning are the source's, all of them and no others. An ending may differ.
fn same_words(sentence: &str, source: &str) -> bool {
    let roots = |text: &str| -> BTreeSet<String> {
        qa::content_words(text).iter().map(|w| w.chars().take(ROOT).collect()).collect()
    };
    let leaning = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        words.filter(|w| LEANING.contains(&w.as_str())).collect()
    };
    roots(sentence) == roots(source) && leaning(sentence).is_subset(&leaning(source))
}

/// Whether names keep their letters: `WAL mode` must not become `the wal mode`. The source's first word may lose its
/// capital.
fn same_case(text: &str, head: &str) -> bool {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let names = head.split(' ').enumerate().map(|(at, word)| (at, bare(word)));
    let names = names.filter(|(at, word)| word.chars().skip(usize::from(*at == 0)).any(char::is_uppercase));
    let names: Vec<String> = names.map(|(_, word)| word).collect();
    text.split(' ')
        .map(bare)
        .all(|word| !names.iter().any(|n| n.to_lowercase() == word.to_lowercase() && *n != word))
}

/// Whether the text has words of meaning that only the phrase had.
fn again(text: &str, tail: &str, head: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let numbers =
            text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.contains(|c: char| c.is_ascii_digit()));
        qa::content_words(text).into_iter().chain(numbers.map(str::to_owned)).collect()
    };
    let (moved, left) = (words(tail), words(head));
    words(text).iter().any(|word| moved.contains(word) && !left.contains(word))
}

/// Whether the words that both texts have come in the same order in both: "A is faster than B" must not become "B is
/// faster than A".
fn in_order(text: &str, source: &str) -> bool {
    let (had, has) = (qa::content_words(source), qa::content_words(text));
    let mut left = had.iter();
    has.iter().filter(|word| had.contains(word)).all(|word| left.any(|w| w == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sentence: &str) -> Option<(String, String)> {
        Parted::all(sentence).into_iter().next().map(|p| (p.head, p.tail))
    }

    #[test]
    fn a_sentence_is_parted_before_its_last_phrase() {
        let (head, tail) = parts("Richard Hipp began to write SQLite in the year 2000.").unwrap();
        assert_eq!(
            (head.as_str(), tail.as_str()),
            ("Richard Hipp began to write SQLite", "in the year 2000")
        );
        let (_, tail) = parts("The pump stops by itself when the water is too high.").unwrap();
        assert_eq!(tail, "when the water is too high");
    }

    #[test]
    fn phrases_that_cannot_be_moved_are_left_where_they_are() {
        for sentence in [
            "SQLite is a small library.",
            "SQLite is not a replacement for every database.",
            "A lookup can only read the page in the cache of one thread.",
            "A trust bought the mill and repaired it within six years.",
            "The creek is deep, but it freezes in winter.",
            "Cameras and cars use SQLite for this reason.",
            "It is one of those in use.",
            "The lock is taken at once.",
            "The number of bytes in a database file is always even.",
            "Applications with many writers should choose a server.",
        ] {
            assert_eq!(parts(sentence), None, "{sentence}");
        }
    }

    #[test]
    fn only_an_answer_that_says_the_same_in_another_order_is_taken() {
        let source = "Richard Hipp began to write SQLite in the year 2000.";
        let parted = Parted::all(source).remove(0);
        let read = |answer: &str| parted.read(answer, source);
        assert_eq!(
            read(" Richard Hipp began to write SQLite."),
            Ok("In the year 2000, Richard Hipp began to write SQLite.".to_owned())
        );
        assert!(read(" Richard Hipp began to write SQLite in the year 2001.").is_err());
        assert!(read(" the first SQLite database was a single-player game.").is_err());
        assert!(read(" Richard Hipp began to write").is_err());
        assert!(read("").is_err());
        let source = "WAL mode is faster than the rollback journal in most situations.";
        let parted = Parted::all(source).remove(0);
        assert!(parted.read(" the rollback journal is faster than WAL mode.", source).is_err());
        assert!(parted.read(" wal mode is faster than the rollback journal.", source).is_err());
        assert!(parted.read(" WAL mode is faster than the rollback journal.", source).is_ok());
        let source = "WAL mode was added in SQLite version 3.7.0 in 2010.";
        let parted = Parted::all(source).remove(0);
        assert!(parted.read(" WAL mode was added in SQLite version 3.7.0 in 2010.", source).is_err());
        let source = "SQLite is a good replacement at home for every server database.";
        let parted = Parted::all(source).remove(0);
        assert!(parted.read(" SQLite is a good replacement at home for.", source).is_err());
    }
}
