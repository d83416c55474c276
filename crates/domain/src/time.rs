//! Time is passed in. Nothing below the binary reads the machine's clock by itself.

use chrono::{DateTime, SecondsFormat, Utc};

/// A moment, always UTC.
pub type Timestamp = DateTime<Utc>;

/// Tells the time. The program has one, made in its composition root; tests set their own.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment, UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

/// RFC 3339 in UTC with milliseconds, e.g. `2026-11-23T08:35:01.000Z`: the form used on every wire.
#[must_use]
pub fn format_timestamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
