//! Instructions: no order to a model got from a source, or from an attacker, into the text.

use cofounder_domain::Verdict;

use super::{Draft, Finding, draft::span};
use crate::answer::{shown, signs};

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    let text = draft.prose.as_str();
    let told =
        |what: &str, m: regex::Match<'_>| (format!("{what}: “{}”", shown(m.as_str())), span(&m.range()));
    let orders: Vec<_> =
        signs::INJECTION.find_iter(text).map(|m| told("an instruction to a model", m)).collect();
    if !orders.is_empty() {
        return Finding::of_faults(orders);
    }
    // An article on language models may well speak of prompts: a person should look.
    let mentions = signs::MENTION.find_iter(text).map(|m| told("it speaks of a model's instructions", m));
    Finding::told(Verdict::Warn, mentions.collect())
}
