//! Quotes: what stands in quotation marks, or in a block quotation, is in a source to the letter.

use cofounder_domain::{Passage, Span};

use super::{Draft, Finding, draft::Proof};
use crate::{
    answer::shown,
    blocks::Kind,
    claim::{missing_quotes, unpaired, verbatim},
    fold::fold,
    parse::Sentence,
    quotations::quotations,
};

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    if let Proof::None(why) = draft.proof {
        return Finding::skipped(why);
    }
    let mut faults = Vec::new();
    for sentence in draft.worded() {
        let passages: Vec<&Passage> = match draft.proof {
            Proof::Marks => draft.cited(&sentence.citations),
            _ => draft.input.passages.iter().collect(),
        };
        if let Some(why) = fault(sentence, &passages) {
            faults.push((why, place(draft, sentence)));
        }
    }
    Finding::of_faults(faults)
}

fn fault(sentence: &Sentence, passages: &[&Passage]) -> Option<String> {
    if sentence.kind != Kind::Quotation && unpaired(&sentence.text).is_some() {
        return Some(format!("a quotation mark has no partner: “{}”", shown(&sentence.text)));
    }
    if let Some(quote) = missing_quotes(&sentence.text, passages).first() {
        return Some(format!("no cited passage has these words: “{}”", shown(&quote.text)));
    }
    let bare = sentence.kind == Kind::Quotation && quotations(&sentence.text).inside.is_empty();
    let said = attributed(&sentence.text);
    let known = || passages.iter().any(|p| verbatim(said, &fold(&p.text)));
    (bare && said.split_whitespace().count() >= 3 && !known())
        .then(|| format!("no cited passage has this block quotation: “{}”", shown(said)))
}

/// A block quotation without the name of its source at the end.
fn attributed(text: &str) -> &str {
    let at = [" — ", " – ", " -- "].iter().filter_map(|dash| text.rfind(dash)).max();
    at.map_or(text, |at| &text[..at])
}

/// Where the sentence's first quotation stands; the whole sentence if markup hides it.
fn place(draft: &Draft<'_>, sentence: &Sentence) -> Span {
    let Span { start, end } = sentence.span;
    let raw = draft.input.markdown.get(start..end).unwrap_or_default();
    let passages: Vec<&Passage> = match draft.proof {
        Proof::Marks => draft.cited(&sentence.citations),
        _ => draft.input.passages.iter().collect(),
    };
    match missing_quotes(raw, &passages).first() {
        Some(quote) => Span { start: start + quote.range.start, end: start + quote.range.end },
        None => sentence.span,
    }
}
