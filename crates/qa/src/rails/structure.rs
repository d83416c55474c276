//! Structure: headings step down one by one, sections have text, paragraphs can be read.

use cofounder_domain::{Span, Verdict, word_count};
use std::collections::HashMap;

use super::{Draft, Finding};
use crate::{
    answer::shown,
    blocks::{Block, Kind},
};

/// A longer paragraph tires.
const LONG: usize = 250;
/// A longer text needs headings.
const NEEDS_HEADINGS: usize = 600;

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    if draft.blocks.is_empty() {
        return Finding::skipped("there is no text");
    }
    let empty = empty_sections(draft);
    if !empty.is_empty() {
        return Finding::of_faults(empty);
    }
    let mut found = levels(draft);
    found.extend(twice(draft));
    found.extend(giants(draft));
    let words: usize = draft.worded().map(|s| word_count(&s.text)).sum();
    if words > NEEDS_HEADINGS && !draft.blocks.iter().any(|b| b.kind == Kind::Heading) {
        found.push((format!("{words} words without a heading"), Span { start: 0, end: 0 }));
    }
    Finding::told(Verdict::Warn, found)
}

fn headings<'d>(draft: &'d Draft<'_>) -> impl Iterator<Item = (usize, &'d Block)> {
    draft.blocks.iter().enumerate().filter(|(_, b)| b.kind == Kind::Heading)
}

fn title<'d>(draft: &'d Draft<'_>, block: &Block) -> &'d str {
    draft.input.markdown.get(block.range()).unwrap_or_default()
}

fn place(block: &Block) -> Span {
    let range = block.range();
    Span { start: range.start, end: range.end }
}

/// Headings with nothing below them but a heading of the same or a higher rank.
fn empty_sections(draft: &Draft<'_>) -> Vec<(String, Span)> {
    // A heading that is a link leads to its text.
    let own = headings(draft).filter(|(_, block)| !title(draft, block).contains("]("));
    let bare = own.filter(|(index, block)| match draft.blocks.get(index + 1) {
        Some(next) => next.kind == Kind::Heading && next.level <= block.level,
        None => true,
    });
    bare.map(|(_, block)| (format!("the section “{}” is empty", shown(title(draft, block))), place(block)))
        .collect()
}

fn levels(draft: &Draft<'_>) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    let mut before: Option<u8> = None;
    let mut tops = 0;
    for (_, block) in headings(draft) {
        tops += usize::from(block.level == 1);
        if before.is_some_and(|b| block.level > b + 1) {
            found.push((format!("the heading “{}” skips a level", shown(title(draft, block))), place(block)));
        }
        if tops == 2 && block.level == 1 {
            found.push((
                format!("a second heading of the first level: “{}”", shown(title(draft, block))),
                place(block),
            ));
        }
        before = Some(block.level);
    }
    found
}

fn twice(draft: &Draft<'_>) -> Vec<(String, Span)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let repeated = headings(draft).filter(|(_, block)| {
        let count = seen.entry(crate::plain::plain(title(draft, block)).to_lowercase()).or_default();
        *count += 1;
        *count > 1
    });
    repeated
        .map(|(_, block)| {
            (format!("the heading “{}” stands twice", shown(title(draft, block))), place(block))
        })
        .collect()
}

fn giants(draft: &Draft<'_>) -> Vec<(String, Span)> {
    let prose = draft.blocks.iter().enumerate().filter(|(_, b)| b.kind == Kind::Prose);
    let words = |index: usize| {
        draft.worded().filter(|s| s.paragraph == index).map(|s| word_count(&s.text)).sum::<usize>()
    };
    let long = prose.map(|(index, block)| (words(index), block)).filter(|(words, _)| *words > LONG);
    long.map(|(words, block)| (format!("a paragraph of {words} words"), place(block))).collect()
}
