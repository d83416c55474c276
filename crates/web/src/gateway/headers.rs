//! What the headers of an answer say of how it came.
//!
//! `x-cofounder-call` names the call in the ledger, `x-cofounder-model` who answered, `x-cofounder-route` why it was
//! chosen, `x-cofounder-passed-over` why others were not, `x-cofounder-attempts` how many requests it took,
//! `x-cofounder-max-tokens` the longest answer that the budget affords where the question named none,
//! `x-cofounder-cost-usd` what a whole answer cost.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use cofounder_domain::NanoUsd;
use cofounder_metering::Routed;

/// Nano-dollars.
const PER_USD: u64 = 1_000_000_000;
/// Letters of a header's value.
const LONGEST: usize = 600;
/// What a longer one ends with.
const MORE: &str = " ...";

pub(super) fn routed(headers: &mut HeaderMap, routed: &Routed) {
    put(headers, "x-cofounder-call", &routed.id.to_string());
    put(headers, "x-cofounder-model", &routed.target.id());
    put(headers, "x-cofounder-route", &routed.why);
    if !routed.passed_over.is_empty() {
        let passed: Vec<String> =
            routed.passed_over.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        put(headers, "x-cofounder-passed-over", &passed.join("; "));
    }
    put(headers, "x-cofounder-attempts", &routed.attempts.to_string());
    if let Some(bound) = routed.bound {
        put(headers, "x-cofounder-max-tokens", &bound.to_string());
    }
}

pub(super) fn cost(headers: &mut HeaderMap, cost: NanoUsd) {
    let (dollars, rest) = (cost.nano() / PER_USD, cost.nano() % PER_USD);
    put(headers, "x-cofounder-cost-usd", &format!("{dollars}.{rest:09}"));
}

/// Names of models come from configurations and clients: what does not fit in a header is replaced.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let fits = |c: char| c.is_ascii_graphic() || c == ' ';
    let value = match value.len() <= LONGEST && value.bytes().all(|byte| fits(char::from(byte))) {
        true => HeaderValue::from_str(value),
        false => {
            let value: String = value.chars().map(|c| if fits(c) { c } else { '?' }).collect();
            HeaderValue::try_from(cut(value))
        }
    };
    if let Ok(value) = value {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Ends it behind its last whole word, and says that there was more.
fn cut(value: String) -> String {
    if value.len() <= LONGEST {
        return value;
    }
    let room = &value[..LONGEST - MORE.len()];
    let end = room.rfind(' ').unwrap_or(room.len());
    format!("{}{MORE}", &room[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_ends_behind_a_word_and_says_so() {
        let mut headers = HeaderMap::new();
        let mut shown = |value: &str| {
            put(&mut headers, "x-cofounder-route", value);
            headers["x-cofounder-route"].to_str().unwrap().to_owned()
        };
        let long = shown(&"word ".repeat(200));
        assert!(long.len() <= LONGEST && long.ends_with(" word ..."), "{long}");
        assert_eq!(shown(&"x".repeat(1_000)).len(), LONGEST);
        assert_eq!(shown("a\nb\u{e9}c"), "a?b?c");
    }
}
