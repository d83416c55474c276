//! What stands in double quotation marks must stand in a cited passage, to the letter.

use cofounder_domain::{Passage, sentences};
use std::ops::Range;

use crate::{fold::fold, quotations::quotations, words::written};

/// A shorter quotation is a term rather than a saying.
const MIN_WORDS: usize = 3;

/// A quotation that no passage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    /// Where it stands, without its marks.
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

pub(super) fn check(text: &str, cited: &[&Passage]) -> Result<(), String> {
    if unpaired(text).is_some() {
        return Err("a quotation mark has no partner".to_owned());
    }
    match missing_quotes(text, cited).first() {
        Some(quote) => Err(format!("no cited passage has these words: “{}”", quote.text)),
        None => Ok(()),
    }
}

/// The first quotation mark without a partner.
pub(crate) fn unpaired(text: &str) -> Option<Range<usize>> {
    quotations(text).unpaired
}

/// The quotations of three words and more that stand in none of the passages.
pub(crate) fn missing_quotes(text: &str, passages: &[&Passage]) -> Vec<Quote> {
    let quotes = quotations(text)
        .inside
        .into_iter()
        .map(|range| Quote { text: text[range.clone()].trim().to_owned(), range });
    let long: Vec<Quote> = quotes.filter(|q| written(&q.text).len() >= MIN_WORDS).collect();
    if long.is_empty() {
        return long;
    }
    let folded: Vec<String> = passages.iter().map(|p| fold(&p.text)).collect();
    long.into_iter().filter(|q| !folded.iter().any(|p| verbatim(&q.text, p))).collect()
}

/// The text without its quotations, if each of them is one or more whole sentences of a cited passage.
pub(super) fn around_whole_sentences(text: &str, cited: &[&Passage]) -> Option<String> {
    let inside = quotations(text).inside;
    let whole = |range: &Range<usize>| cited.iter().any(|p| has_whole(&p.text, &text[range.clone()]));
    if inside.is_empty() || !inside.iter().all(whole) {
        return None;
    }
    let mut rest = String::new();
    let mut from = 0;
    for range in inside {
        rest.push_str(&text[from..range.start]);
        from = range.end;
    }
    rest.push_str(&text[from..]);
    Some(rest)
}

/// Whether some sentences of the passage that follow each other are, together, the quotation.
fn has_whole(passage: &str, quote: &str) -> bool {
    let quote = fold(quote);
    let spans = sentences(passage);
    (0..spans.len()).any(|first| {
        let ends = spans[first..].iter().map(|last| fold(&passage[spans[first].start..last.end]));
        ends.take_while(|text| text.len() <= quote.len()).any(|text| text == quote)
    })
}

/// Whether a folded passage has a quotation word for word. What `…` or `[…]` leaves out may be missing; a
/// stop or comma at the end and the case of the first letter are the writer's.
pub(crate) fn verbatim(quote: &str, passage: &str) -> bool {
    let quote = fold(quote).replace("[...]", "\u{0}").replace("...", "\u{0}").replace("[\u{0}]", "\u{0}");
    let mut parts = quote.split('\u{0}').map(trimmed).filter(|p| !p.is_empty()).peekable();
    if parts.peek().is_none() {
        return false;
    }
    let mut rest = passage;
    for part in parts {
        match find(rest, part) {
            Some(end) => rest = &rest[end..],
            None => return false,
        }
    }
    true
}

fn trimmed(part: &str) -> &str {
    part.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '-')
    })
}

/// One past the end of `part` in `text`, where whole words stand around it.
fn find(text: &str, part: &str) -> Option<usize> {
    let first = part.chars().next()?;
    let tail = &part[first.len_utf8()..];
    let mut from = 0;
    while let Some(at) = text[from..].find(tail).map(|i| i + from) {
        let end = at + tail.len();
        let head = text[..at].chars().next_back();
        let same = head.is_some_and(|c| c == first || c.to_lowercase().eq(first.to_lowercase()));
        if same {
            let begin = at - head.map_or(0, char::len_utf8);
            let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            if !word(text[..begin].chars().next_back()) && !word(text[end..].chars().next()) {
                return Some(end);
            }
        }
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        if from > text.len() || tail.is_empty() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbatim_is_to_the_letter_but_not_to_the_typography() {
        let passage =
            fold("SQLite's authors say that “it’s  not a toy” – the library is small, and it is fast.");
        for quote in [
            "The library is small",
            "it's not a toy",
            "the library is small, and it is fast.",
            "“the library … is fast",
            "SQLite’s authors say,",
        ] {
            assert!(verbatim(quote, &passage), "{quote}");
        }
        for quote in [
            "the library is smaller",
            "he library is small",
            "is fast … the library",
            "the library is fast",
            "…",
            "its not a toy",
        ] {
            assert!(!verbatim(quote, &passage), "{quote}");
        }
    }
}
