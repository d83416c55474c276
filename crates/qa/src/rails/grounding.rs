//! Grounding: the passages support every sentence that states something.

use cofounder_domain::{Check, Claim, Passage, Verdict};
use std::collections::HashMap;

use super::{Draft, Finding, draft::Proof};
use crate::{
    claim::{check_claim, supported},
    fold::fold_lower,
    parse::Sentence,
    plain::plain,
};

/// How many passages a sentence without marks is compared with, one by one and then together.
const CANDIDATES: usize = 5;
const TOGETHER: usize = 3;

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    if let Proof::None(why) = draft.proof {
        return Finding::skipped(why);
    }
    let claims: HashMap<String, &Claim> =
        draft.input.claims.unwrap_or_default().iter().map(|c| (key(&c.text), c)).collect();
    let (mut checked, mut faults) = (0, Vec::new());
    for sentence in draft.factual() {
        checked += 1;
        let found = match claims.get(&key(&sentence.text)) {
            Some(claim) => judged(claim),
            None => compared(draft, sentence),
        };
        if let Err(why) = found {
            faults.push((
                format!("not supported: “{}”: {why}", crate::answer::shown(&sentence.text)),
                sentence.span,
            ));
        }
    }
    if checked == 0 {
        return Finding::skipped("the text has no sentence that states anything");
    }
    Finding::of_faults(faults)
}

/// Claims are found again by their text, whatever its markup and typography.
fn key(text: &str) -> String {
    fold_lower(&plain(text)).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn judged(claim: &Claim) -> Result<(), String> {
    if claim.passages.is_empty() {
        return Err("it cites no passage".to_owned());
    }
    match first_fault(&claim.checks) {
        Some(why) => Err(why),
        None if !claim.supported => Err("its checks did not pass".to_owned()),
        None => Ok(()),
    }
}

fn first_fault(checks: &[Check]) -> Option<String> {
    checks.iter().find(|c| c.verdict != Verdict::Pass).map(|c| c.reason.clone())
}

fn compared(draft: &Draft<'_>, sentence: &Sentence) -> Result<(), String> {
    let Proof::Words(nearest) = &draft.proof else {
        return one(draft, sentence, &draft.cited(&sentence.citations));
    };
    let candidates = nearest.rank(&sentence.text, CANDIDATES);
    if candidates.is_empty() {
        return Err("no source has any of its words".to_owned());
    }
    if candidates.iter().any(|p| one(draft, sentence, &[p]).is_ok()) {
        return Ok(());
    }
    one(draft, sentence, &candidates[..TOGETHER.min(candidates.len())])
}

fn one(draft: &Draft<'_>, sentence: &Sentence, cited: &[&Passage]) -> Result<(), String> {
    let checks = check_claim(&sentence.text, cited, &draft.rules);
    if supported(&checks) { Ok(()) } else { Err(first_fault(&checks).unwrap_or_default()) }
}
