//! The budget of second tries: a share of the traffic, so that a provider that is dying is not killed by the load of
//! those who try again.

use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// Second tries that each call pays for.
const SHARE: f64 = 0.2;
/// Second tries that there are in any second all the same, for programs that ask seldom.
const PER_SECOND: f64 = 1.0;
/// The most that are saved up.
const MOST: f64 = 20.0;

/// What is left.
#[derive(Debug)]
pub(super) struct Retries(Mutex<(f64, Instant)>);

impl Default for Retries {
    fn default() -> Self {
        Self(Mutex::new((MOST, Instant::now())))
    }
}

impl Retries {
    /// A call begins.
    pub(super) fn call(&self) {
        self.change(SHARE);
    }

    /// Takes a second try, if one is left.
    pub(super) fn take(&self) -> bool {
        self.change(-1.0)
    }

    fn change(&self, by: f64) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let left = (state.0 + now.duration_since(state.1).as_secs_f64() * PER_SECOND).min(MOST);
        let after = left + by;
        let enough = after >= 0.0;
        *state = (if enough { after.min(MOST) } else { left }, now);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried with a share of 1: the test failed.
    #[tokio::test(start_paused = true)]
    async fn second_tries_are_a_share_of_the_calls() {
        let retries = Retries::default();
        let mut taken = 0;
        for _ in 0..1_000 {
            retries.call();
            taken += u32::from(retries.take());
        }
        assert!((200..=240).contains(&taken), "{taken}");
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        assert_eq!((0..100).filter(|_| retries.take()).count(), 5);
    }
}
