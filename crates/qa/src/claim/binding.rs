//! Whether the numbers of a claim belong to what they belong to in the passages.
//!
//! A claim can be made of true parts and still be false, such as the right year of the wrong version. What is
//! told apart here is only what the passages plainly have otherwise.

use super::{
    clauses::{independent, parts},
    evidence::{Evidence, Line},
    names::{NameRun, runs},
};
use crate::quantity::{Quantity, Sort, quantities, quantities_of_source};

/// Numbers of one part of a claim must stand together in one sentence of a passage, or in sentences that lean
/// on each other; and with the names that they stand with there.
pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let windows = evidence.windows();
    for part in parts(folded) {
        let needed: Vec<Quantity> = quantities(part).into_iter().filter(|q| q.required).collect();
        let known = |q: &&Quantity| evidence.lines.iter().any(|l| has(l, q));
        let needed: Vec<&Quantity> = needed.iter().filter(known).collect();
        let together = |window: &&[Line]| needed.iter().all(|q| window.iter().any(|l| has(l, q)));
        if needed.len() >= 2 && !windows.iter().any(together) {
            let shown = needed.iter().map(|q| format!("“{}”", q.shown)).collect::<Vec<_>>().join(" and ");
            return Err(format!("the cited passages do not say {shown} of the same thing"));
        }
        let own: Vec<NameRun> = runs(part).into_iter().filter(|r| !evidence.gives(r)).collect();
        for number in needed.iter().filter(|_| !own.is_empty()) {
            elsewhere(number, &own, &windows, evidence)?;
            dated(number, &own, &windows)?;
        }
    }
    Ok(())
}

fn has(line: &Line, number: &Quantity) -> bool {
    line.quantities.iter().any(|g| number.is_given_by(g))
}

/// A number must not stand only with names that the claim does not have.
fn elsewhere(
    number: &Quantity,
    own: &[NameRun],
    windows: &[&[Line]],
    evidence: &Evidence,
) -> Result<(), String> {
    let (mut mine, mut other) = (false, None);
    for window in windows {
        let Some(line) = window.last() else { continue };
        for said in independent(&line.folded) {
            if !quantities_of_source(said).iter().any(|g| number.is_given_by(g)) {
                continue;
            }
            let mut near = runs(said);
            if near.is_empty() {
                near = window.iter().flat_map(|l| l.names.clone()).collect();
            }
            near.retain(|n| !evidence.gives(n));
            mine |= near.is_empty() || near.iter().any(|n| own.iter().any(|r| r.meets(n)));
            other = other.or(near.into_iter().next());
        }
    }
    match other {
        Some(other) if !mine => Err(format!(
            "the cited passages say “{}” of “{}”, not of “{}”",
            number.shown, other.shown, own[0].shown
        )),
        _ => Ok(()),
    }
}

/// A year or a version must not be given to a name that has another one, where this one stands apart from it.
fn dated(number: &Quantity, own: &[NameRun], windows: &[&[Line]]) -> Result<(), String> {
    if !matches!(number.sort, Sort::Year | Sort::Label) {
        return Ok(());
    }
    for name in own {
        let of_name = |l: &Line| l.names.iter().any(|n| n.meets(name));
        let near = |w: &&[Line]| w.last().is_some_and(|l| has(l, number)) && w.iter().any(of_name);
        if windows.iter().any(near) {
            continue;
        }
        let own_line = windows.iter().filter_map(|w| w.last()).find(|l| of_name(l));
        let another = own_line.and_then(|l| l.quantities.iter().find(|q| q.sort == number.sort));
        let strangers =
            windows.iter().filter_map(|w| w.last()).any(|l| has(l, number) && !l.names.is_empty());
        if let (Some(another), true) = (another, strangers) {
            return Err(format!(
                "the cited passages say “{}” of “{}”, not “{}”",
                another.shown, name.shown, number.shown
            ));
        }
    }
    Ok(())
}
