//! Leaks: nothing of how the text was made stands in it.

use cofounder_domain::Span;

use super::{Draft, Finding, draft::span};
use crate::{
    answer::{Instructions, shown, signs},
    quotations::quotations,
};

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    let text = draft.prose.as_str();
    let mut faults: Vec<(String, Span)> = Vec::new();
    let mut note = |what: &str, range: std::ops::Range<usize>| {
        faults.push((format!("{what}: “{}”", shown(&text[range.clone()])), span(&range)));
    };
    for found in signs::SPECIAL.find_iter(text) {
        note("a token or label of a chat", found.range());
    }
    for found in signs::TEMPLATE.find_iter(text).filter(|m| !signs::is_link(text, &m.range())) {
        note("a place that nobody filled in", found.range());
    }
    for found in signs::ERROR.find_iter(text) {
        note("an error message", found.range());
    }
    if let Some(found) = signs::DATA.find(text) {
        note("data in the place of prose", found.range());
    }
    let quoted = quotations(text).inside;
    let free =
        |range: &std::ops::Range<usize>| !quoted.iter().any(|q| q.start <= range.start && range.end <= q.end);
    for found in signs::REFUSAL.find_iter(text).filter(|m| free(&m.range())) {
        note("a model speaks of itself", found.range());
    }
    for found in signs::CHATTER.find_iter(text).filter(|m| free(&m.range())) {
        note("talk to the person who asked", found.range());
    }
    if let Some(echo) = Instructions::of(draft.input.prompts).echo(text) {
        note("an echo of the prompt", echo);
    }
    Finding::of_faults(faults)
}
