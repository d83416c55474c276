//! Whether a claim and its passages agree in what they deny.

use std::collections::BTreeSet;

use super::{clauses::parts, evidence::Evidence};
use crate::{
    fold::fold,
    words::{is_stop, stem, stems, tokens},
};

/// The share of a part's words that a part of a passage must have to be about the same.
const SAME: f32 = 0.5;
/// Parts of passages this much worse than the best one are still heard.
const NEAR: f32 = 0.12;

/// Words that deny only in a manner of speaking: a part with one of them agrees with either side.
const SOFT: &str = "only hardly scarcely rarely seldom barely refuse refuses refused reject rejects rejected prevent prevents prevented
    avoid avoids avoided unable impossible lack lacks lacked fails failed fail missing absent free rather instead except besides apart
    unless exempt forbids forbidden forbid stop stops stopped few little zero unchanged almost nearly";
/// Verbs that say that something is there.
const ASSERTING: &str =
    "have has had is are was were need needs needed require requires required use uses used support supports
    supported contain contains contained include includes included provide provides provided offer offers";
/// Words that end what a denial reaches.
const ENDS: &str =
    "to of for from in on at with by as than this that these those who which and or but because when while";

/// Whether something is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polarity {
    Says,
    Denies,
    /// Both, or a word that denies only in a manner of speaking.
    Either,
}

pub(super) fn check(text: &str, evidence: &Evidence) -> Result<(), String> {
    let folded = fold(text);
    if evidence.lines.iter().any(|l| bare(&l.folded) == bare(&folded)) {
        return Ok(());
    }
    let said: Vec<Said<'_>> = evidence
        .lines
        .iter()
        .flat_map(|l| parts(&l.folded).into_iter().map(|p| Said::of(p, &l.folded)))
        .collect();
    for part in parts(&folded) {
        let own = Said::of(part, &folded);
        negation(&own, &said)?;
        assertion(&own, &said)?;
    }
    Ok(())
}

fn bare(folded: &str) -> &str {
    folded.trim_matches(|c: char| !c.is_alphanumeric())
}

/// One part of a sentence.
struct Said<'a> {
    words: Vec<String>,
    stems: BTreeSet<String>,
    polarity: Polarity,
    line: &'a str,
}

impl<'a> Said<'a> {
    fn of(part: &str, line: &'a str) -> Self {
        let words = tokens(part);
        Self { stems: stems(part), polarity: polarity(&words, line), words, line }
    }

    /// The stem of the last word that the part's denial reaches: `server` in `needs no separate server to run`.
    fn denied(&self) -> Option<String> {
        let cue = (0..self.words.len()).find(|at| denies(&self.words, *at))?;
        let reached = self.words[cue + 1..].iter().take(6).take_while(|w| !listed(ENDS, w));
        reached.filter(|w| !is_stop(w)).last().map(|w| stem(w))
    }
}

/// What the most similar parts of the passages say must not be denied, and the other way round.
fn negation(own: &Said<'_>, said: &[Said<'_>]) -> Result<(), String> {
    if own.stems.is_empty() || own.polarity == Polarity::Either {
        return Ok(());
    }
    let share = |s: &Said<'_>| s.stems.intersection(&own.stems).count() as f32 / own.stems.len() as f32;
    let best = said.iter().map(share).fold(0.0, f32::max);
    if best < SAME || (own.stems.len() == 1 && own.polarity == Polarity::Says) {
        return Ok(());
    }
    let heard: Vec<&Said<'_>> = said.iter().filter(|s| share(s) + NEAR >= best).collect();
    if heard.iter().any(|s| s.polarity == own.polarity || s.polarity == Polarity::Either) {
        return Ok(());
    }
    let denied = own.denied();
    if own.polarity == Polarity::Denies && said.iter().any(|s| s.denied().is_some() && s.denied() == denied) {
        return Ok(());
    }
    let line = heard.first().map_or("", |s| s.line);
    Err(match own.polarity {
        Polarity::Denies => format!("it denies what the cited passage says: “{line}”"),
        _ => denial(line),
    })
}

/// What the passages only ever deny must not be there in the claim.
fn assertion(own: &Said<'_>, said: &[Said<'_>]) -> Result<(), String> {
    if own.polarity != Polarity::Says {
        return Ok(());
    }
    for denial_part in said.iter().filter(|s| s.polarity == Polarity::Denies) {
        let Some(thing) = denial_part.denied() else { continue };
        let elsewhere = said.iter().any(|s| s.polarity != Polarity::Denies && s.stems.contains(&thing));
        let place = own.words.iter().position(|w| stem(w) == thing);
        let there =
            place.is_some_and(|at| own.words[at.saturating_sub(3)..at].iter().any(|w| listed(ASSERTING, w)));
        if there && !elsewhere {
            return Err(denial(denial_part.line));
        }
    }
    Ok(())
}

fn denial(line: &str) -> String {
    format!("it says what the cited passage denies: “{line}”")
}

/// How a part of a sentence speaks.
fn polarity(words: &[String], whole: &str) -> Polarity {
    let count = (0..words.len()).filter(|at| denies(words, *at)).count();
    let soft = words.iter().any(|w| listed(SOFT, w) || (w.len() > 6 && w.ends_with("less")));
    // `neither … nor` denies all its parts, and `no larger animal than` denies nothing.
    let wide = tokens(whole).iter().any(|w| matches!(w.as_str(), "neither" | "nor"));
    let compares = count > 0 && words.iter().any(|w| w == "than");
    match count {
        _ if soft || wide || compares => Polarity::Either,
        0 => Polarity::Says,
        1 => Polarity::Denies,
        // `It does not work without a server` says that it needs one.
        2 if words.iter().any(|w| w == "without") => Polarity::Says,
        _ => Polarity::Either,
    }
}

fn denies(words: &[String], at: usize) -> bool {
    let next = words.get(at + 1).map(String::as_str);
    match words[at].as_str() {
        "not" => !matches!(next, Some("only" | "just" | "least" | "merely" | "simply")),
        "no" => !matches!(next, Some("doubt" | "matter" | "wonder")),
        "never" | "none" | "nothing" | "nobody" | "nowhere" | "cannot" | "without" => true,
        word => word.ends_with("n't"),
    }
}

fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|w| w == word)
}
