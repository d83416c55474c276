//! Truncation: the text ends where a text ends, and what it opens it closes.

use cofounder_domain::{Span, Verdict};

use super::{Draft, Finding};
use crate::{
    answer::shown,
    blocks::{Block, Kind},
    parse::Sentence,
    quotations::quotations,
    words::is_stop,
};

/// A shorter last line may be a signature or a caption.
const MIN_WORDS: usize = 4;

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    let Some(last) = draft.blocks.last() else { return Finding::skipped("there is no text") };
    let mut faults = Vec::new();
    for block in draft.blocks.iter().filter(|b| !b.closed) {
        let range = block.range();
        faults.push(("a code block is not closed".to_owned(), Span { start: range.start, end: range.end }));
    }
    for (index, block) in draft.blocks.iter().enumerate() {
        let final_block = std::ptr::eq(block, last);
        if let Some(sentence) = draft.article.sentences.iter().rfind(|s| s.paragraph == index) {
            faults.extend(
                broken_off(draft, block, sentence, index, final_block).map(|why| (why, sentence.span)),
            );
        }
    }
    faults.extend(open_quotations(draft));
    if faults.is_empty() { unfinished(draft) } else { Finding::of_faults(faults) }
}

/// Why the last sentence of a block cannot be its end.
fn broken_off(
    draft: &Draft<'_>,
    block: &Block,
    sentence: &Sentence,
    index: usize,
    last: bool,
) -> Option<String> {
    let text = sentence.text.trim_end();
    let told = |why: &str| Some(format!("{why}: “…{}”", tail(text)));
    match block.kind {
        Kind::Heading if last => Some(format!("the text ends with a heading: “{}”", shown(text))),
        Kind::Prose | Kind::ListItem if !ended(text) => {
            let followed = draft.blocks.get(index + 1).is_some_and(|b| {
                matches!(b.kind, Kind::Code | Kind::Table | Kind::ListItem | Kind::Quotation)
            });
            if text.ends_with([',', ';', '-', '—', '–', '(', '“', '[']) && !followed {
                return told("the text breaks off in the middle of a sentence");
            }
            if last && text.ends_with(':') {
                return told("the text ends where something should follow");
            }
            if dangling(text) && block.kind == Kind::Prose && !followed {
                return told("the text breaks off in the middle of a sentence");
            }
            let words = text.split_whitespace().count();
            (last && block.kind == Kind::Prose && words >= MIN_WORDS && !text.ends_with(':'))
                .then(|| format!("the text breaks off in the middle of a sentence: “…{}”", tail(text)))
        }
        _ => None,
    }
}

/// Paragraphs inside the text without a stop at their end: a person should look.
fn unfinished(draft: &Draft<'_>) -> Finding {
    let mut found = Vec::new();
    for (index, block) in draft.blocks.iter().enumerate().filter(|(_, b)| b.kind == Kind::Prose) {
        let Some(sentence) = draft.article.sentences.iter().rfind(|s| s.paragraph == index) else { continue };
        let text = sentence.text.trim_end();
        let long = text.split_whitespace().count() >= 12;
        if long && !ended(text) && !text.ends_with(':') && block.closed {
            found.push((format!("a paragraph ends without a full stop: “…{}”", tail(text)), sentence.span));
        }
    }
    Finding::told(Verdict::Warn, found)
}

/// Quotation marks without a partner. A quotation over several paragraphs opens each of them.
fn open_quotations(draft: &Draft<'_>) -> Vec<(String, Span)> {
    let mut faults = Vec::new();
    let texts: Vec<(usize, String, Span)> =
        draft.blocks.iter().enumerate().filter_map(|(index, block)| whole(draft, index, block)).collect();
    for (at, (index, text, span)) in texts.iter().enumerate() {
        let Some(mark) = quotations(text).unpaired else { continue };
        let opens = |t: &str| t.trim_start().starts_with(['“', '"', '«', '„']);
        let goes_on = text[mark.start..].starts_with(['“', '"', '«', '„'])
            && texts.get(at + 1).is_some_and(|(next, t, _)| *next == index + 1 && opens(t));
        if !goes_on {
            faults
                .push((format!("a quotation mark has no partner: “{}”", shown(&text[mark.start..])), *span));
        }
    }
    faults
}

fn whole(draft: &Draft<'_>, index: usize, block: &Block) -> Option<(usize, String, Span)> {
    if !matches!(block.kind, Kind::Prose | Kind::ListItem | Kind::Quotation) {
        return None;
    }
    let own: Vec<&Sentence> = draft.article.sentences.iter().filter(|s| s.paragraph == index).collect();
    let text = own.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ");
    let span = Span { start: own.first()?.span.start, end: own.last()?.span.end };
    Some((index, text, span))
}

fn ended(text: &str) -> bool {
    let word = text.split_whitespace().next_back().unwrap_or_default();
    let emoji = word.len() > 2 && word.starts_with(':') && word.ends_with(':');
    if emoji || word.contains("://") {
        return true;
    }
    let bare = text.trim_end_matches(|c: char| {
        matches!(c, '”' | '"' | '’' | '\'' | ')' | ']' | '»' | '*' | '_') || c.is_whitespace()
    });
    bare.ends_with(['.', '!', '?', '…', '。', '！', '？'])
        || (bare.len() < text.len() && text.ends_with(['”', '"', '»', ')']))
        || text.chars().next_back().is_some_and(symbol)
}

/// An emoji or another sign at the end is no letter that something should follow.
fn symbol(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_ascii() && !matches!(c, '—' | '–' | '“' | '‘' | '„' | '«')
}

/// Whether the last word cannot end an English sentence.
fn dangling(text: &str) -> bool {
    let Some(word) = text.split_whitespace().next_back() else { return false };
    let long = text.split_whitespace().count() >= MIN_WORDS;
    let closed = matches!(
        word,
        "the"
            | "a"
            | "an"
            | "and"
            | "or"
            | "but"
            | "of"
            | "to"
            | "with"
            | "for"
            | "from"
            | "by"
            | "into"
            | "as"
            | "than"
            | "that"
            | "which"
            | "because"
            | "its"
            | "their"
    );
    long && closed && is_stop(word)
}

fn tail(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words[words.len().saturating_sub(6)..].join(" ")
}
