//! Citation marks: `[S3]`, `[S1][S4]`, `[S1, S4]`, `[S1-S3]`.

use crate::patterns::{Pattern, pattern};
use std::ops::Range;

/// The mark of one or more passages; a model sometimes makes it a link, whose address is part of the mark then.
static MARK: Pattern = Pattern::new(|| {
    pattern(r"\[\s?[Ss]\s?\d{1,12}(?:\s*(?:[,;&–-]|and)\s*[Ss]?\s?\d{1,12})*\s?\](?:\([^()\s]*\))?")
});
static NUMBER: Pattern = Pattern::new(|| pattern(r"([–-]?)\s*[Ss]?\s?(\d{1,12})"));
/// The longest range that one mark may name.
const LONGEST_RANGE: u32 = 20;

/// One mark and the passages it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) range: Range<usize>,
    pub(crate) numbers: Vec<u32>,
}

/// The marks of a text in order. Those in code spans are code.
pub(crate) fn marks(text: &str) -> Vec<Mark> {
    let code = code_spans(text);
    MARK.find_iter(text)
        .filter(|m| !escaped(text, m.start()) && !code.iter().any(|c| c.contains(&m.start())))
        .map(|m| Mark { range: m.range(), numbers: numbers(m.as_str()) })
        .collect()
}

/// The text without its citation marks and without the space before each.
#[must_use]
pub fn strip_citations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for mark in marks(text) {
        out.push_str(&text[from..mark.range.start]);
        out.truncate(out.trim_end_matches([' ', '\t']).len());
        let rest = &text[mark.range.end..];
        let next = rest.chars().next();
        let at_start = out.is_empty() || out.ends_with('\n');
        from = mark.range.end
            + if at_start { rest.len() - rest.trim_start_matches([' ', '\t']).len() } else { 0 };
        if !at_start && next.is_some_and(char::is_alphanumeric) {
            out.push(' ');
        }
    }
    out.push_str(&text[from..]);
    out
}

/// The byte ranges of code spans, backticks included (CommonMark 6.1).
pub(crate) fn code_spans(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'`' {
            let len = bytes[at..].iter().take_while(|b| **b == b'`').count();
            runs.push(at..at + len);
            at += len;
        } else {
            at += 1;
        }
    }
    let mut spans = Vec::new();
    let mut index = 0;
    while index < runs.len() {
        let open = &runs[index];
        let close = runs[index + 1..].iter().position(|r| r.len() == open.len());
        match close {
            Some(offset) if !escaped(text, open.start) => {
                spans.push(open.start..runs[index + 1 + offset].end);
                index += offset + 2;
            }
            _ => index += 1,
        }
    }
    spans
}

fn numbers(mark: &str) -> Vec<u32> {
    let inside = mark.split(']').next().unwrap_or_default();
    let mut found: Vec<u32> = Vec::new();
    for c in NUMBER.captures_iter(inside) {
        // A number too large for a passage names one that does not exist.
        let number = c[2].parse().unwrap_or(u32::MAX);
        match found.last().copied() {
            Some(low) if !c[1].is_empty() && low < number && number - low <= LONGEST_RANGE => {
                found.extend(low + 1..=number)
            }
            _ => found.push(number),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|n| seen.insert(*n));
    found
}

pub(crate) fn escaped(text: &str, at: usize) -> bool {
    text.as_bytes()[..at].iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_mark_is_read() {
        let read = |t: &str| marks(t).into_iter().flat_map(|m| m.numbers).collect::<Vec<_>>();
        for (text, want) in [
            ("A. [S3]", vec![3]),
            ("A. [S1][S4]", vec![1, 4]),
            ("A. [S1, S4; s5]", vec![1, 4, 5]),
            ("A. [S2-S4]", vec![2, 3, 4]),
            ("A. [S2–4]", vec![2, 3, 4]),
            ("A. [S3](http://x.example/y)", vec![3]),
            ("A. [S99999999999]", vec![u32::MAX]),
            ("A `[S3]` \\[S4\\] [SQL] [Section 3] [^1] [5]", vec![]),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn marks_leave_no_gap() {
        for (text, want) in [
            ("It is small. [S1] It is fast [S2][S3].", "It is small. It is fast."),
            ("[S1] It is small.", "It is small."),
            ("It is small.[S1]It is fast.", "It is small. It is fast."),
            ("One. [S1] [S2]\nTwo.", "One.\nTwo."),
            ("no marks", "no marks"),
        ] {
            assert_eq!(strip_citations(text), want, "{text}");
        }
    }
}
