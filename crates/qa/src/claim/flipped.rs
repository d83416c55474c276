//! A claim that takes a sentence of a passage nearly word for word, and denies what that says or says what
//! that denies.

use std::collections::HashMap;

use super::{clauses::parts, evidence::Evidence};
use crate::words::tokens;

/// Fewer words are alike by accident.
const MIN_WORDS: usize = 4;
/// The share of all words, function words too, that makes two texts nearly the same.
const NEARLY: f32 = 0.85;

/// A text without its denials, and how many there were.
struct Bare {
    words: Vec<String>,
    denials: usize,
}

pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    for (claimed, said) in [whole(folded, evidence), by_part(folded, evidence)] {
        for own in claimed.iter().filter(|b| b.words.len() >= MIN_WORDS) {
            let alike: Vec<&(Bare, &str)> =
                said.iter().filter(|(b, _)| nearly(&own.words, &b.words)).collect();
            let agrees = |(b, _): &&(Bare, &str)| b.denials % 2 == own.denials % 2;
            if let (Some((_, line)), false) = (alike.first(), alike.iter().any(agrees)) {
                return Err(format!("it turns round what the cited passage says: “{line}”"));
            }
        }
    }
    Ok(())
}

type Compared<'e> = (Vec<Bare>, Vec<(Bare, &'e str)>);

fn whole<'e>(folded: &str, evidence: &'e Evidence) -> Compared<'e> {
    let said = evidence.lines.iter().map(|l| (bare(&l.folded), l.folded.as_str()));
    (vec![bare(folded)], said.collect())
}

fn by_part<'e>(folded: &str, evidence: &'e Evidence) -> Compared<'e> {
    let said = evidence
        .lines
        .iter()
        .flat_map(|l| parts(&l.folded).into_iter().map(|p| (bare(p), l.folded.as_str())));
    (parts(folded).into_iter().map(bare).collect(), said.collect())
}

fn bare(text: &str) -> Bare {
    let mut bare = Bare { words: Vec::new(), denials: 0 };
    for word in tokens(text) {
        let left = match word.as_str() {
            "not" | "no" | "never" | "neither" | "nor" => None,
            "cannot" | "can't" => Some("can"),
            "won't" => Some("will"),
            other => match other.strip_suffix("n't") {
                Some(verb) => Some(verb),
                None => {
                    bare.words.push(word);
                    continue;
                }
            },
        };
        bare.denials += 1;
        bare.words.extend(left.map(str::to_owned));
    }
    bare
}

fn nearly(a: &[String], b: &[String]) -> bool {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in b {
        *counts.entry(word).or_default() += 1;
    }
    let shared = a
        .iter()
        .filter(|w| counts.get_mut(w.as_str()).filter(|n| **n > 0).map(|n| *n -= 1).is_some())
        .count();
    shared as f32 >= NEARLY * a.len().max(b.len()) as f32
}
