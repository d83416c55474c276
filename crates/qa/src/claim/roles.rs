//! Whether names and things of a claim do what they do in the passages.

use std::collections::BTreeSet;

use super::{
    clauses::independent,
    evidence::{Evidence, Line},
    names::{NameRun, runs},
};
use crate::words::{is_stop, stem, stems, tokens};

/// The share of a clause's words that another clause must have to be about the same.
const SAME: f32 = 0.6;
/// How much less the passages may say of the claim's own name.
const LESS: f32 = 0.34;

/// Names must do what they do in the passages.
pub(super) fn check(folded: &str, found: &[NameRun], evidence: &Evidence) -> Result<(), String> {
    for pair in found.windows(2) {
        related(folded, pair, evidence)?;
    }
    for clause in independent(folded) {
        doer(clause, evidence)?;
    }
    Ok(())
}

/// `A is faster than B` where the passages say `B is faster than A`, and `A bought B` where A bought C.
fn related(folded: &str, pair: &[NameRun], evidence: &Evidence) -> Result<(), String> {
    let link = between(folded, &pair[0], &pair[1]);
    let said: Vec<(&Line, &[NameRun])> = evidence
        .lines
        .iter()
        .flat_map(|l| l.names.windows(2).map(move |had| (l, had)))
        .filter(|(l, had)| !link.is_empty() && between(&l.folded, &had[0], &had[1]) == link)
        .collect();
    if said.iter().any(|(_, had)| had[0].meets(&pair[0]) && had[1].meets(&pair[1])) {
        return Ok(());
    }
    let reverse = said.iter().find(|(_, had)| had[0].meets(&pair[1]) && had[1].meets(&pair[0]));
    if let Some((line, _)) = reverse {
        let (a, b) = (&pair[0].shown, &pair[1].shown);
        return Err(format!("the cited passage has “{a}” and “{b}” the other way round: “{}”", line.folded));
    }
    let other = said.iter().find(|(line, had)| {
        let missing = |n: &NameRun| !line.names.iter().any(|own| own.meets(n)) && !evidence.gives(n);
        (had[0].meets(&pair[0]) && missing(&pair[1])) || (had[1].meets(&pair[1]) && missing(&pair[0]))
    });
    match other {
        Some((line, _)) if link.iter().any(|w| !is_stop(w)) => Err(format!(
            "the cited passage does not say this of “{}” and “{}”: “{}”",
            pair[0].shown, pair[1].shown, line.folded
        )),
        _ => Ok(()),
    }
}

/// Stems of the words between two names, where those say who does what to whom: `and` or a comma do not.
fn between(folded: &str, first: &NameRun, second: &NameRun) -> Vec<String> {
    let start = first.at + first.shown.len();
    let text = folded.get(start..second.at.max(start)).unwrap_or_default();
    let words: Vec<String> = tokens(text).iter().map(|w| stem(w)).collect();
    let listed = words.iter().all(|w| matches!(w.as_str(), "and" | "or" | "s" | "with" | "both"));
    if listed || text.contains([',', ';']) { Vec::new() } else { words }
}

/// A clause about a name must not be what the passages say about another name, and of this one never.
fn doer(clause: &str, evidence: &Evidence) -> Result<(), String> {
    let own: Vec<NameRun> = runs(clause).into_iter().filter(|r| !evidence.gives(r)).collect();
    let Some(subject) = own.first() else { return Ok(()) };
    let words: BTreeSet<String> = &stems(clause) - &own.iter().flat_map(|r| stems(&r.shown)).collect();
    if words.len() < 2 {
        return Ok(());
    }
    let (mut mine, mut others, mut other) = (0.0f32, 0.0f32, None);
    let mut held: Vec<NameRun> = Vec::new();
    for line in &evidence.lines {
        if !line.leans {
            held.clear();
        }
        for said in independent(&line.folded) {
            let named = runs(said);
            let strangers: Vec<&NameRun> = named.iter().filter(|n| !evidence.gives(n)).collect();
            let share = words.intersection(&stems(said)).count() as f32 / words.len() as f32;
            let about = |n: &NameRun| own.iter().any(|r| r.meets(n));
            if strangers.is_empty() || strangers.iter().any(|n| about(n)) || held.iter().any(about) {
                mine = mine.max(share);
            } else if share > others {
                (others, other) = (share, strangers.first().map(|n| n.shown.clone()));
            }
            held.extend(named);
        }
    }
    match other {
        Some(other) if others >= SAME && mine + LESS < others => {
            Err(format!("the cited passages say this of “{other}”, not of “{}”", subject.shown))
        }
        _ => Ok(()),
    }
}

/// What the passages say of `black tea` must not be said of `green tea`, where they have both and each opens
/// its sentence.
pub(super) fn modifiers(folded: &str, evidence: &Evidence) -> Result<(), String> {
    for clause in independent(folded) {
        let words = stems(clause);
        let claimed = tokens(clause);
        for pair in claimed.windows(2).take(2).filter(|p| !is_stop(&p[0]) && !is_stop(&p[1])) {
            let kind = [stem(&pair[0]), stem(&pair[1])];
            if let Some((line, other)) = said_of_other(&kind, &words, evidence) {
                return Err(format!(
                    "the cited passage says this of “{other}”, not of “{}”: “{}”",
                    pair.join(" "),
                    line.folded
                ));
            }
        }
    }
    Ok(())
}

/// The sentence that has all of a clause's words but the first of `kind`, and another word in its place,
/// while the sentences with `kind` have few of the others.
fn said_of_other<'e>(
    kind: &[String; 2],
    words: &BTreeSet<String>,
    evidence: &'e Evidence,
) -> Option<(&'e Line, String)> {
    let rest: BTreeSet<&String> = words.iter().filter(|w| !kind.contains(w)).collect();
    if rest.len() < 2 {
        return None;
    }
    let share = |l: &Line| rest.iter().filter(|w| l.stems.contains(**w)).count() as f32 / rest.len() as f32;
    let pairs = |l: &Line| -> Vec<[String; 2]> {
        tokens(&l.folded).windows(2).map(|p| [p[0].clone(), p[1].clone()]).collect()
    };
    let own = evidence.lines.iter().filter(|l| pairs(l).iter().any(|p| [stem(&p[0]), stem(&p[1])] == *kind));
    let known = own.map(share).fold(None, |best: Option<f32>, s| Some(best.map_or(s, |b| b.max(s))))?;
    evidence.lines.iter().find_map(|l| {
        let apart = !l.stems.contains(&kind[0]) && share(l) >= SAME.max(known + LESS);
        let other = pairs(l)
            .into_iter()
            .take(2)
            .find(|p| stem(&p[1]) == kind[1] && !is_stop(&p[0]) && !words.contains(&stem(&p[0])))?;
        apart.then(|| (l, other.join(" ")))
    })
}
