//! Citations: every sentence that states something cites, and every mark names a passage that there is.

use super::{Draft, Finding, draft::Proof};

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    match draft.proof {
        Proof::None(why) => return Finding::skipped(why),
        Proof::Words(_) => return Finding::skipped("the text has no citation marks"),
        Proof::Marks => {}
    }
    let known = |n: &u32| draft.input.passages.iter().any(|p| p.number == *n);
    let mut faults = Vec::new();
    for sentence in &draft.article.sentences {
        if let Some(number) = sentence.citations.iter().find(|n| !known(n)) {
            faults.push((format!("[S{number}] names no passage"), sentence.span));
        }
    }
    for sentence in draft.factual().filter(|s| s.citations.is_empty()) {
        faults.push((format!("no citation: “{}”", crate::answer::shown(&sentence.text)), sentence.span));
    }
    if draft.article.sentences.is_empty() {
        return Finding::skipped("there is no text");
    }
    Finding::of_faults(faults)
}
