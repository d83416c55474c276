//! Length: about as many words as were asked for.

use cofounder_domain::word_count;

use super::{Draft, Finding};

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    let Some(wanted) = draft.input.words_wanted.filter(|w| *w > 0) else {
        return Finding::skipped("no length was asked for");
    };
    let words: usize = draft.worded().map(|s| word_count(&s.text)).sum();
    if words * 10 < wanted * 7 {
        Finding::warn(format!("{words} words where {wanted} were asked for"), Vec::new())
    } else if words * 2 > wanted * 3 {
        Finding::warn(format!("{words} words where only {wanted} were asked for"), Vec::new())
    } else {
        Finding::pass()
    }
}
