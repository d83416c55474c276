//! What a number alone does not tell: per what it is counted, and which way a change went.

use super::evidence::{Evidence, Line};
use crate::{
    patterns::{Pattern, pattern},
    quantity::{Quantity, quantities, quantities_of_source, unit},
};

static RATE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)\b(?:an?|per|each|every)\s(second|minute|hour|day|week|month|year|decade|century)\b|/(s|min|h)\b|\b(hourly|daily|weekly|monthly|yearly|annually|annual)\b",
    )
});
static CHANGE: Pattern = Pattern::new(|| pattern(r"(?i)\bfrom\s([^,;]*?\d[^,;]*?)\sto\s([^,;]*)"));

pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    rates(folded, evidence)?;
    changes(folded, evidence)
}

/// `3.6 tonnes a week` where the passages have them a day.
fn rates(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let [own] = per(folded)[..] else { return Ok(()) };
    let numbers: Vec<Quantity> = quantities(folded).into_iter().filter(|q| q.required).collect();
    let lines: Vec<&Line> = evidence
        .lines
        .iter()
        .filter(|l| numbers.iter().any(|q| l.quantities.iter().any(|g| q.is_given_by(g))))
        .collect();
    let given: Vec<&str> = lines.iter().flat_map(|l| per(&l.folded)).collect();
    match given.first() {
        Some(other) if !given.contains(&own) => {
            Err(format!("it counts per {own} what the cited passages count per {other}"))
        }
        _ => Ok(()),
    }
}

fn per(folded: &str) -> Vec<&'static str> {
    let word = |c: regex::Captures<'_>| c.iter().skip(1).flatten().next().map(|m| m.as_str().to_lowercase());
    let named = RATE.captures_iter(folded).filter_map(word).filter_map(|w| match w.as_str() {
        "hourly" => Some("h"),
        "daily" => Some("day"),
        "weekly" => Some("week"),
        "monthly" => Some("month"),
        "yearly" | "annually" | "annual" => Some("year"),
        w => unit(w),
    });
    let mut found: Vec<&'static str> = named.collect();
    found.dedup();
    found
}

/// `from 8.5% to 12%` where the passages have it from 12% to 8.5%.
fn changes(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let claimed = pairs(folded, quantities);
    let given: Vec<(Quantity, Quantity)> =
        evidence.lines.iter().flat_map(|l| pairs(&l.folded, quantities_of_source)).collect();
    for (from, to) in claimed {
        let straight = given.iter().any(|(a, b)| from.is_given_by(a) && to.is_given_by(b));
        let reverse = given.iter().any(|(a, b)| from.value == b.value && to.value == a.value);
        if reverse && !straight {
            return Err(format!(
                "the cited passages have the change from “{}” to “{}” the other way round",
                from.shown, to.shown
            ));
        }
    }
    Ok(())
}

fn pairs(folded: &str, read: fn(&str) -> Vec<Quantity>) -> Vec<(Quantity, Quantity)> {
    let both = |c: regex::Captures<'_>| {
        Some((read(&c[1]).into_iter().next_back()?, read(&c[2]).into_iter().next()?))
    };
    CHANGE.captures_iter(folded).filter_map(both).collect()
}
