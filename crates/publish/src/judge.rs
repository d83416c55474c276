//! What an answer, or the lack of one, means for an effect.

use chrono::DateTime;
use cofounder_domain::Timestamp;
use cofounder_storage::Delivery;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use std::time::Duration;

use crate::sending::Sent;

/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// How many characters of an answer are kept.
const KEPT: usize = 200;

/// What came of sending to a receiver that honours keys (`keyed`), or to one that does not.
pub(crate) fn judge(sent: Sent, keyed: bool, now: Timestamp) -> Delivery {
    match sent {
        Sent::Unsent(why) => Delivery::Again(format!("nothing was sent: {why}"), Duration::ZERO),
        Sent::Lost(why) => unclear(&why, keyed, Duration::ZERO),
        Sent::Answered { status, headers, body } => {
            let words = words(status, &body);
            let pause = pause(&headers, now);
            match status.as_u16() {
                200..=299 => Delivery::Done(words),
                // The receiver says that it did not take it.
                429 | 503 => Delivery::Again(format!("the receiver asks for a pause: {words}"), pause),
                500..=599 => unclear(&format!("the receiver failed: {words}"), keyed, pause),
                300..=399 => Delivery::Failed(format!("redirects are not followed: {words}")),
                _ => Delivery::Failed(format!("the receiver refused it: {words}")),
            }
        }
    }
}

/// The receiver may have it, or not.
fn unclear(why: &str, keyed: bool, pause: Duration) -> Delivery {
    if keyed {
        Delivery::Again(format!("{why}; it is sent again with the same key"), pause)
    } else {
        Delivery::Unknown(format!("{why}; nobody knows whether it arrived, so it is not sent again"))
    }
}

/// `204`, or `200: ` and the beginning of the body, on one line and without anything that a terminal would obey or a
/// database refuse.
fn words(status: StatusCode, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let plain: Vec<&str> =
        body.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty()).collect();
    let plain: String = plain.join(" ").chars().take(KEPT).collect();
    if plain.is_empty() { status.as_u16().to_string() } else { format!("{}: {plain}", status.as_u16()) }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn pause(headers: &HeaderMap, now: Timestamp) -> Duration {
    let Some(value) = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::trim) else {
        return Duration::ZERO;
    };
    let until = |date: &str| (DateTime::parse_from_rfc2822(date).ok()?.to_utc() - now).to_std().ok();
    let seconds = value.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| until(value)).unwrap_or_default().min(LONGEST_PAUSE)
}
