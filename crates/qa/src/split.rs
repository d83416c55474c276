//! Where the sentences of a block end, in spite of its markup.
//!
//! Every step keeps each byte at its place, so that what is found are ranges of the draft itself.

use cofounder_domain::sentences;
use std::ops::Range;

use crate::{
    blocks::{Block, Kind},
    marks::{Mark, code_spans, marks},
    patterns::{Pattern, pattern},
    place::{blank, text},
    plain::references,
    quotations::quotations,
};

/// A link with its text and target, and an address in angle brackets.
static TARGET: Pattern = Pattern::new(|| {
    pattern(r"\[[^\[\]]*\]\([^()\s]*(?:\s+\x22[^\x22]*\x22)?\)|<[a-zA-Z][a-zA-Z+.-]*:[^<>\s]*>")
});

/// A block's text with line breaks and the marks of its containers as spaces.
pub(crate) struct Clean {
    /// Where it begins in the draft.
    pub(crate) base: usize,
    pub(crate) text: String,
    /// Citation marks, as ranges of `text`.
    pub(crate) marks: Vec<Mark>,
}

impl Clean {
    pub(crate) fn of(markdown: &str, block: &Block) -> Self {
        let range = block.range();
        let mut bytes = markdown[range.clone()].as_bytes().to_vec();
        for pair in block.lines.windows(2) {
            blank(&mut bytes, pair[0].end - range.start, pair[1].start - range.start);
        }
        let text = text(bytes);
        let marks = marks(&text);
        Self { base: range.start, text, marks }
    }
}

/// The sentences of a block as ranges of its clean text, without marks that stand at their ends. Headings, table
/// rows and block quotations are not divided.
pub(crate) fn pieces(clean: &Clean, kind: Kind) -> Vec<Range<usize>> {
    let shape = shape(clean);
    if matches!(kind, Kind::Heading | Kind::Table | Kind::Quotation) {
        let start = shape.len() - shape.trim_start().len();
        let end = shape.trim_end().len();
        let whole = (worded(&shape) && start < end).then_some(start..end);
        return whole.into_iter().collect();
    }
    let mut found: Vec<Range<usize>> = Vec::new();
    for span in sentences(&shape) {
        let piece = &shape[span.start..span.end];
        match found.last_mut() {
            // What holds no word goes with the sentence before it.
            Some(last) if !worded(piece) => last.end = span.end,
            _ if !worded(piece) => {}
            _ => found.push(span.start..span.end),
        }
    }
    found
}

fn worded(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The text with everything that would mislead the search for full stops replaced, byte for byte.
fn shape(clean: &Clean) -> String {
    let mut bytes = clean.text.as_bytes().to_vec();
    for code in code_spans(&clean.text) {
        mute(&mut bytes, code);
    }
    for target in TARGET.find_iter(&clean.text) {
        mute(&mut bytes, target.range());
    }
    quoted(&clean.text, &mut bytes);
    for mark in &clean.marks {
        blank(&mut bytes, mark.range.start, mark.range.end);
    }
    for reference in references(&clean.text) {
        blank(&mut bytes, reference.start, reference.end);
    }
    emphasis(&mut bytes);
    text(bytes)
}

/// Takes the power to end a sentence from the marks of a range.
fn mute(bytes: &mut [u8], range: Range<usize>) {
    for byte in &mut bytes[range] {
        if matches!(byte, b'.' | b'!' | b'?') {
            *byte = b',';
        }
    }
}

/// Inside a quotation only the last mark may end the sentence, and only if the sentence does not go on.
fn quoted(clean: &str, bytes: &mut [u8]) {
    for inside in quotations(clean).inside {
        let rest =
            clean[inside.end..].trim_start_matches(['”', '"', '“', '»']).trim_start_matches([' ', '*', '_']);
        let goes_on =
            rest.starts_with(|c: char| c.is_lowercase() || matches!(c, '—' | '–' | '-' | '(' | ',' | ';'));
        let keep =
            if goes_on { inside.end } else { clean[inside.clone()].trim_end().len() + inside.start - 1 };
        let end = keep.clamp(inside.start, inside.end);
        mute(bytes, inside.start..end);
    }
}

/// Emphasis becomes brackets, which the rules for sentences know to belong to the words they touch.
fn emphasis(bytes: &mut [u8]) {
    let mut before = b' ';
    for byte in bytes.iter_mut() {
        if matches!(*byte, b'*' | b'_' | b'~') {
            *byte = if matches!(before, b' ' | b'(') { b'(' } else { b')' };
        }
        before = *byte;
    }
}
