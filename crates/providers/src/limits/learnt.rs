//! What a provider's headers say is left of its own limits.
//!
//! OpenAI and those who follow it: `x-ratelimit-remaining-requests`, `x-ratelimit-reset-requests: 6m0s`, the same for
//! tokens (<https://platform.openai.com/docs/guides/rate-limits>). Anthropic: `anthropic-ratelimit-requests-remaining`,
//! `anthropic-ratelimit-requests-reset` as RFC 3339 (<https://docs.anthropic.com/en/api/rate-limits>).

use chrono::DateTime;
use cofounder_domain::Timestamp;
use reqwest::header::HeaderMap;
use std::time::Duration;
use tokio::time::Instant;

/// What says how many requests are left, and until when: OpenAI's headers, and Anthropic's.
const REQUESTS: [(&str, &str); 2] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
];
/// The same of tokens.
const TOKENS: [(&str, &str); 2] = [
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
];
/// No header keeps a target out for longer.
const LONGEST: Duration = Duration::from_hours(1);

/// What is left, and until when.
#[derive(Debug, PartialEq)]
pub(super) struct Learnt {
    requests: Option<(u64, Instant)>,
    tokens: Option<(u64, Instant)>,
}

impl Learnt {
    /// None if the headers say nothing of it.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let left = |names: &[(&str, &str)]| {
            names.iter().find_map(|(remaining, reset)| {
                let wait = until(text(reset)?, now)?.min(LONGEST);
                Some((text(remaining)?.trim().parse().ok()?, Instant::now() + wait))
            })
        };
        let (requests, tokens) = (left(&REQUESTS), left(&TOKENS));
        (requests.is_some() || tokens.is_some()).then_some(Self { requests, tokens })
    }

    /// Whether anything of it is not over yet.
    pub(super) fn matters(&self, now: Instant) -> bool {
        [&self.requests, &self.tokens].into_iter().flatten().any(|(_, until)| *until > now)
    }

    /// How long until a request of so many tokens may begin.
    pub(super) fn wait(&self, tokens: u64, now: Instant) -> Duration {
        let wait = |left: &Option<(u64, Instant)>, needed: u64| match left {
            Some((left, until)) if *left < needed => until.saturating_duration_since(now),
            _ => Duration::ZERO,
        };
        wait(&self.requests, 1).max(wait(&self.tokens, tokens.max(1)))
    }

    /// A request of so many tokens begins.
    pub(super) fn begin(&mut self, tokens: u64) {
        for (left, amount) in [(&mut self.requests, 1), (&mut self.tokens, tokens)] {
            if let Some((left, _)) = left {
                *left = left.saturating_sub(amount);
            }
        }
    }
}

/// `6m0s`, `1s`, `20ms`, seconds, or a time.
fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some((at.to_utc() - now).to_std().unwrap_or_default());
    }
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let unit = &unit[..unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len())];
        sum += number
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => return None,
            };
        rest = &rest[digits + unit.len()..];
    }
    Duration::try_from_secs_f64(sum).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let now = DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().to_utc();
        for (text, ms) in [
            ("6m0s", 360_000),
            ("1h2m3.5s", 3_723_500),
            ("20ms", 20),
            ("2", 2_000),
            ("2026-01-02T03:04:09Z", 4_000),
            ("2026-01-02T03:00:00Z", 0),
        ] {
            assert_eq!(until(text, now), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["soon", "1x", "5m3", "-1"] {
            assert_eq!(until(text, now), None, "{text}");
        }
    }
}
