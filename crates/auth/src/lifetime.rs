//! How long a token lives. There is none that lives for ever.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long a token lives if nobody says otherwise: 90 days.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(90 * DAY);
/// The longest that one may live: 366 days.
pub const MAX_LIFETIME: Duration = Duration::from_secs(366 * DAY);

/// It is no time that a token can live for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// It is not written as one.
    #[error("`{0}` is no length of time. Write 90d, 12h or 30m")]
    Unreadable(String),
    /// The token would never be valid.
    #[error("a token that lives for no time is of no use. Write 90d, 12h or 30m")]
    Nothing,
    /// Longer than a token may live.
    #[error("a token lives for 366 days at most. Make a new one in time, instead of one that is forgotten")]
    TooLong,
}

/// Reads `90d`, `12h` or `30m`.
///
/// # Errors
/// [`LifetimeError`] if it is none of those, nothing, or longer than [`MAX_LIFETIME`].
pub fn parse_lifetime(text: &str) -> Result<Duration, LifetimeError> {
    let unreadable = || LifetimeError::Unreadable(text.chars().take(40).collect());
    let trimmed = text.trim();
    let (number, unit) = match trimmed.char_indices().next_back() {
        Some((at, 'd')) => (&trimmed[..at], DAY),
        Some((at, 'h')) => (&trimmed[..at], HOUR),
        Some((at, 'm')) => (&trimmed[..at], MINUTE),
        _ => return Err(unreadable()),
    };
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(unreadable());
    }
    // What is no number any more, though all its digits are, is too large a one.
    let seconds = number.parse().ok().and_then(|number: u64| number.checked_mul(unit));
    let lifetime = Duration::from_secs(seconds.ok_or(LifetimeError::TooLong)?);
    check(lifetime).map(|()| lifetime)
}

/// Whether a token may live for so long.
pub(crate) fn check(lifetime: Duration) -> Result<(), LifetimeError> {
    // The database keeps whole milliseconds.
    if lifetime < Duration::from_millis(1) {
        Err(LifetimeError::Nothing)
    } else if lifetime > MAX_LIFETIME {
        Err(LifetimeError::TooLong)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_hours_and_minutes_are_read() {
        assert_eq!(parse_lifetime("90d"), Ok(DEFAULT_LIFETIME));
        assert_eq!(parse_lifetime(" 12h "), Ok(Duration::from_secs(12 * HOUR)));
        assert_eq!(parse_lifetime("30m"), Ok(Duration::from_secs(30 * MINUTE)));
        assert_eq!(parse_lifetime("366d"), Ok(MAX_LIFETIME));
    }

    #[test]
    fn nonsense_nothing_and_for_ever_are_refused() {
        for text in ["", "d", "90", "-1d", "+1d", "1.5d", "1 d", "90D", "1w", "dd", "１d", "never", "9é"] {
            assert_eq!(parse_lifetime(text), Err(LifetimeError::Unreadable(text.to_owned())));
        }
        assert_eq!(parse_lifetime("0d"), Err(LifetimeError::Nothing));
        for text in ["367d", "8785h", "99999999999999999999999d", "18446744073709551615d"] {
            assert_eq!(parse_lifetime(text), Err(LifetimeError::TooLong), "{text}");
        }
    }
}
