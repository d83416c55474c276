//! Full dates are one thing: day, month and year of a claim must stand together in a passage. And a bound such as
//! `fewer than 24` must be the passage's own.

use regex::Regex;
use std::sync::LazyLock;

use super::evidence::Evidence;
use crate::{patterns::pattern, quantity::MONTHS};

/// `16 october 1759`, `16th of october, 1759`.
static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{}),? (?P<y>\d{{4}})\b",
        MONTHS.join("|")
    ))
});
/// `october 16, 1759`.
static MONTH_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?P<m>{}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})\b",
        MONTHS.join("|")
    ))
});
/// `1759-10-16`.
static NUMBERS_ONLY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"));
/// A bound and what it bounds.
static BOUND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?P<how>fewer than|less than|under|below|at most|no more than|up to|more than|over|above|at least|no fewer than|no less than) (?P<n>\d[\d.,]*)",
    )
});

/// Words of a passage that set a limit in another way.
const LIMITS: &str = "maximum minimum limit most least exceed nearly almost about";

/// Year, month and day.
type Date = (u32, u32, u32);

pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let given: Vec<Date> = evidence.lines.iter().flat_map(|l| dates(&l.folded)).collect();
    if let Some((y, m, d)) = dates(folded).into_iter().find(|date| !given.contains(date)) {
        return Err(format!("no cited passage has the date {y}-{m:02}-{d:02}"));
    }
    for bound in bounds(folded) {
        let bare = |line: &str| {
            line.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
                .any(|w| w.trim_matches(['.', ',']) == bound.number)
        };
        let lines: Vec<&str> = evidence.lines.iter().map(|l| l.folded.as_str()).filter(|l| bare(l)).collect();
        let said: Vec<Bound> =
            lines.iter().flat_map(|line| bounds(line)).filter(|b| b.number == bound.number).collect();
        let agrees = said.iter().any(|b| b.upper == bound.upper);
        // "At most 64" may stand for "a maximum of 64"; "fewer than 24" never stands for 24.
        let limited =
            lines.iter().any(|line| LIMITS.split(' ').any(|word| line.to_lowercase().contains(word)));
        let turned = !said.is_empty() && !agrees;
        let made_up = bound.strict && !lines.is_empty() && !agrees && !limited;
        if turned || made_up {
            return Err(format!("the cited passages do not bound “{}” that way", bound.number));
        }
    }
    Ok(())
}

fn dates(folded: &str) -> Vec<Date> {
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    let month = |text: &str| match MONTHS.iter().position(|m| m.eq_ignore_ascii_case(text)) {
        Some(at) => u32::try_from(at + 1).unwrap_or(0),
        None => number(text),
    };
    let all = [&*DAY_FIRST, &*MONTH_FIRST, &*NUMBERS_ONLY];
    all.iter()
        .flat_map(|p| p.captures_iter(folded))
        .map(|c| (number(&c["y"]), month(&c["m"]), number(&c["d"])))
        .collect()
}

/// A number with a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    upper: bool,
    /// Whether the number itself is outside the bound.
    strict: bool,
    number: String,
}

fn bounds(folded: &str) -> Vec<Bound> {
    let read = |c: regex::Captures<'_>| {
        let how = c["how"].to_lowercase();
        let upper = matches!(
            how.as_str(),
            "fewer than" | "less than" | "under" | "below" | "at most" | "no more than" | "up to"
        );
        let strict = !matches!(
            how.as_str(),
            "at most" | "no more than" | "up to" | "at least" | "no fewer than" | "no less than"
        );
        Bound { upper, strict, number: c["n"].trim_matches(['.', ',']).to_owned() }
    };
    BOUND.captures_iter(folded).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_one_thing_in_every_form() {
        let forms =
            ["on 16 October 1759.", "on october 16, 1759", "the 16th of october 1759", "(1759-10-16)"];
        assert!(forms.iter().all(|f| dates(f) == [(1759, 10, 16)]));
        assert!(dates("in october 1759").is_empty());
    }

    #[test]
    fn bounds_have_a_direction() {
        let bound = |upper, strict, number: &str| Bound { upper, strict, number: number.to_owned() };
        assert_eq!(bounds("with fewer than 24 candles"), [bound(true, true, "24")]);
        assert_eq!(bounds("At least 1,000 candles."), [bound(false, false, "1,000")]);
        assert!(bounds("with 24 candles").is_empty());
    }
}
