//! Every number, date, share and unit of a claim must stand in a cited passage, and with the same things.

use super::{binding, dates, evidence::Evidence, measures};
use crate::quantity::{Quantity, Sort, quantities};

pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let given: Vec<&Quantity> = evidence.lines.iter().flat_map(|l| &l.quantities).collect();
    let claimed = quantities(folded);
    for number in claimed.iter().filter(|q| q.required) {
        if !given.iter().any(|g| number.is_given_by(g)) && !in_name(number, evidence) {
            return Err(absent(number, &given));
        }
    }
    for number in claimed.iter().filter(|q| q.sort == Sort::Count && !q.counted.is_empty()) {
        if let Some(other) = contradicted(number, &given) {
            return Err(format!(
                "the cited passages say “{}” of what the sentence says “{}” of",
                other.shown, number.shown
            ));
        }
    }
    dates::check(folded, evidence)?;
    measures::check(folded, evidence)?;
    binding::check(folded, evidence)
}

/// A number that belongs to a name which needs no evidence, as in an article on `Windows 11`.
fn in_name(number: &Quantity, evidence: &Evidence) -> bool {
    number.unit.is_none() && evidence.given.contains(&number.value)
}

fn absent(number: &Quantity, given: &[&Quantity]) -> String {
    match given.iter().find(|g| g.value == number.value) {
        Some(other) => {
            format!("“{}” has another unit in the cited passages: “{}”", number.shown, other.shown)
        }
        None => format!("“{}” is in no cited passage", number.shown),
    }
}

/// Another number that the passages give of the same things, where they never give this one of them.
fn contradicted<'a>(number: &Quantity, given: &[&'a Quantity]) -> Option<&'a Quantity> {
    let counts = given.iter().filter(|g| matches!(g.sort, Sort::Count));
    let same: Vec<&&Quantity> =
        counts.filter(|g| g.counted.iter().any(|w| number.counted.contains(w))).collect();
    if same.iter().any(|g| g.value == number.value) {
        return None;
    }
    same.into_iter().copied().find(|g| g.required || number.required)
}
