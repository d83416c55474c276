//! Language: the text, and each longer paragraph of it, is in English.

use cofounder_domain::Span;

use super::{Draft, Finding};
use crate::answer::{Language, language};

/// Fewer letters of one paragraph do not tell its language.
const MIN_LETTERS: usize = 120;

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    let whole: Vec<&str> = draft.worded().map(|s| s.text.as_str()).collect();
    match language(&whole.join(" ")) {
        Language::Other(name) => {
            return Finding::fail(format!("the text is in {name}, not in English"), Vec::new());
        }
        Language::Unknown => return Finding::skipped("the text is too short to tell its language"),
        Language::English => {}
    }
    let mut faults = Vec::new();
    for (text, span) in paragraphs(draft) {
        let long = text.chars().filter(|c| c.is_alphabetic()).count() >= MIN_LETTERS;
        if let (true, Language::Other(name)) = (long, language(&text)) {
            faults.push((format!("a paragraph is in {name}, not in English"), span));
        }
    }
    Finding::of_faults(faults)
}

fn paragraphs(draft: &Draft<'_>) -> Vec<(String, Span)> {
    let mut found: Vec<(usize, String, Span)> = Vec::new();
    for sentence in draft.worded() {
        match found.last_mut().filter(|(number, _, _)| *number == sentence.paragraph) {
            Some((_, text, span)) => {
                text.push(' ');
                text.push_str(&sentence.text);
                span.end = sentence.span.end.max(span.end);
            }
            None => found.push((sentence.paragraph, sentence.text.clone(), sentence.span)),
        }
    }
    found.into_iter().map(|(_, text, span)| (text, span)).collect()
}
