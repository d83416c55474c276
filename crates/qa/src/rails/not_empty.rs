//! Not empty: there is a text to read.

use cofounder_domain::word_count;

use super::{Draft, Finding};

/// Fewer words in whole sentences are no text.
const MIN_WORDS: usize = 5;

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    let words: usize = draft.worded().map(|s| word_count(&s.text)).sum();
    match words {
        0 => Finding::fail("the text has no sentence".to_owned(), Vec::new()),
        n if n < MIN_WORDS => Finding::fail(format!("the text has no more than {n} words"), Vec::new()),
        _ => Finding::pass(),
    }
}
