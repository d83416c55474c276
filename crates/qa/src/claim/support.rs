//! The words of meaning that the passages must have.

use super::{Rules, comparison, evidence::Evidence, flipped, opposites, polarity, roles};
use crate::words::{content_words, stem};

/// How many words a reason names.
const NAMED: usize = 5;

pub(super) fn check(text: &str, evidence: &Evidence, rules: &Rules) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    let mut missing = Vec::new();
    let mut found = 0usize;
    for word in content_words(text) {
        let stem = stem(&word);
        if !seen.insert(stem.clone()) {
            continue;
        }
        if evidence.stems.contains(&stem) || related(&stem, evidence) {
            found += 1;
        } else if !evidence.allowed_stems.contains(&stem) && crate::quantity::unit(&word).is_none() {
            // Units are the business of the numbers.
            missing.push(word);
        }
    }
    let all = found + missing.len();
    if all > 0 && (found as f32) < rules.support_threshold * all as f32 {
        let named = missing.iter().take(NAMED).map(|w| format!("“{w}”")).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "only {found} of its {all} words of meaning stand in the cited passages; these do not: {named}"
        ));
    }
    polarity::check(text, evidence)?;
    let folded = crate::fold::fold(text);
    flipped::check(&folded, evidence)?;
    comparison::check(&folded, evidence)?;
    opposites::check(&folded, evidence)?;
    roles::modifiers(&folded, evidence)
}

/// Whether the passages have a word made from the same root that the stemmer keeps apart, such as
/// `administrator` and `administration`, or one that is written together or with a hyphen.
fn related(stem: &str, evidence: &Evidence) -> bool {
    let root: String = stem.chars().take(6).collect();
    let long = stem.chars().count() >= 6;
    evidence.words.contains(stem)
        || (long
            && evidence
                .stems
                .range(root.clone()..)
                .take_while(|s| s.starts_with(&root))
                .any(|s| s.chars().count().abs_diff(stem.chars().count()) <= 4))
}
