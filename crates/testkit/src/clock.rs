//! A clock that is set by hand.

use cofounder_domain::{Clock, Timestamp};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl Default for ManualClock {
    /// 2026-01-02T03:04:05Z.
    fn default() -> Self {
        Self::at(1_767_323_045_000)
    }
}

impl ManualClock {
    /// Shows the moment so many milliseconds after 1970.
    #[must_use]
    pub fn at(millis: i64) -> Self {
        Self(Mutex::new(Timestamp::from_timestamp_millis(millis).unwrap_or_default()))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
