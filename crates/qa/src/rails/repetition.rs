//! Repetition: nothing is said twice.

use cofounder_domain::{Span, Verdict};
use std::collections::HashMap;

use super::{Draft, Finding};
use crate::{
    answer::{LONG, Loop, refrain, shown, stutter},
    blocks::Kind,
    fold::fold_lower,
    parse::Sentence,
    similar::Fingerprint,
};

/// Shorter sentences may come twice; items of lists are short by nature.
const MIN_WORDS: usize = 4;
const MIN_ITEM_WORDS: usize = 8;
/// Sentences so alike say the same; somewhat less alike ones a person should look at.
const SAME: f32 = 0.9;
const CLOSE: f32 = 0.75;
/// How far back a sentence is compared.
const BACK: usize = 400;
/// A run of words this long does not come three times in a text that a person wrote.
const VERY_LONG: usize = 14;

/// What was found: what fails, and what a person should look at.
#[derive(Default)]
struct Found {
    bad: Vec<(String, Span)>,
    odd: Vec<(String, Span)>,
}

pub(super) fn look(draft: &Draft<'_>) -> Finding {
    let sentences: Vec<&Sentence> = draft.worded().collect();
    if sentences.is_empty() {
        return Finding::skipped("the text has no sentence");
    }
    let mut found = Found::default();
    repeated(&sentences, &mut found);
    circles(&sentences, &mut found);
    if found.bad.is_empty() {
        alike(&sentences, &mut found);
    }
    if found.bad.is_empty() { Finding::told(Verdict::Warn, found.odd) } else { Finding::of_faults(found.bad) }
}

/// Sentences that stand twice to the letter.
fn repeated(sentences: &[&Sentence], found: &mut Found) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for sentence in sentences {
        let folded = fold_lower(&sentence.text);
        let words: Vec<&str> =
            folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let count = seen.entry(words.join(" ")).or_default();
        *count += 1;
        let least = if sentence.kind == Kind::ListItem { MIN_ITEM_WORDS } else { MIN_WORDS };
        if *count > 1 && words.len() >= MIN_WORDS {
            let told = (
                format!("this sentence stands here a second time: “{}”", shown(&sentence.text)),
                sentence.span,
            );
            // “You can run it with:” leads to something else each time.
            let leads = sentence.text.trim_end().ends_with(':');
            if leads || words.len() < least { found.odd.push(told) } else { found.bad.push(told) }
        }
    }
}

/// Words that come again and again.
fn circles(sentences: &[&Sentence], found: &mut Found) {
    let mut text = String::new();
    let mut places: Vec<(usize, Span)> = Vec::new();
    for sentence in sentences {
        places.push((text.len(), sentence.span));
        text.push_str(&sentence.text);
        text.push('\n');
    }
    let told = |run: Loop| {
        let place = places
            .iter()
            .rfind(|(start, _)| *start < run.range.end)
            .map_or(Span { start: 0, end: 0 }, |p| p.1);
        (format!("these words come again and again: “{}”", shown(&run.what)), place)
    };
    if let Some(run) = stutter(&text).or_else(|| refrain(&text, VERY_LONG)) {
        found.bad.push(told(run));
    } else if let Some(run) = refrain(&text, LONG) {
        found.odd.push(told(run));
    }
}

/// Sentences that say what an earlier one said, and those that nearly do.
fn alike(sentences: &[&Sentence], found: &mut Found) {
    let prints: Vec<Fingerprint> = sentences.iter().map(|s| Fingerprint::of(&s.text)).collect();
    for (index, sentence) in sentences.iter().enumerate().filter(|(i, _)| prints[*i].len() >= MIN_WORDS) {
        let before = prints[index.saturating_sub(BACK)..index].iter().filter(|p| p.len() >= MIN_WORDS);
        let likeness = before.map(|p| prints[index].alike(p)).fold(0.0, f32::max);
        let told = |what: &str| (format!("{what}: “{}”", shown(&sentence.text)), sentence.span);
        if likeness >= SAME && sentence.kind != Kind::ListItem {
            found.bad.push(told("this repeats an earlier sentence in other words"));
        } else if likeness >= CLOSE {
            found.odd.push(told("this is close to an earlier sentence"));
        }
    }
}
