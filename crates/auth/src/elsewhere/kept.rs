//! What a provider publishes, kept for an hour: its document and its keys. Whoever needs it at the same time asks once
//! together, and one that does not answer is left alone for a moment.

use cofounder_domain::{Clock, Timestamp};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

use super::outside::Unanswered;

/// How long it is good for.
const GOOD: Duration = Duration::from_secs(3600);
/// How long at least between two looks because of a key that is not there.
const BETWEEN: Duration = Duration::from_mins(1);
/// How long one that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(5);

/// Something that a provider publishes.
#[derive(Debug)]
pub(crate) struct Kept<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    found: Option<(Timestamp, Arc<T>)>,
    failed: Option<(Timestamp, Unanswered)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(State { found: None, failed: None }))
    }
}

impl<T> Kept<T> {
    /// What is published, as it was within the last hour.
    pub(crate) async fn get<F>(
        &self,
        clock: &dyn Clock,
        look: impl FnOnce() -> F,
    ) -> Result<Arc<T>, Unanswered>
    where
        F: Future<Output = Result<T, Unanswered>>,
    {
        let mut state = self.0.lock().await;
        match &state.found {
            Some((at, found)) if within(*at, GOOD, clock.now()) => Ok(found.clone()),
            _ => state.look(clock, look).await,
        }
    }

    /// What is published now, for who misses something in what was `seen`: looked at anew, unless that was done within the
    /// last minute. Nothing if there is nothing newer.
    pub(crate) async fn newer<F>(
        &self,
        seen: &Arc<T>,
        clock: &dyn Clock,
        look: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, Unanswered>
    where
        F: Future<Output = Result<T, Unanswered>>,
    {
        let mut state = self.0.lock().await;
        match &state.found {
            Some((_, found)) if !Arc::ptr_eq(found, seen) => Ok(Some(found.clone())),
            Some((at, _)) if within(*at, BETWEEN, clock.now()) => Ok(None),
            _ => state.look(clock, look).await.map(Some),
        }
    }
}

impl<T> State<T> {
    async fn look<F>(&mut self, clock: &dyn Clock, look: impl FnOnce() -> F) -> Result<Arc<T>, Unanswered>
    where
        F: Future<Output = Result<T, Unanswered>>,
    {
        if let Some((at, why)) = &self.failed
            && within(*at, PAUSE, clock.now())
        {
            return Err(why.clone());
        }
        match look().await {
            Ok(found) => {
                let found = Arc::new(found);
                (self.found, self.failed) = (Some((clock.now(), found.clone())), None);
                Ok(found)
            }
            Err(why) => {
                self.failed = Some((clock.now(), why.clone()));
                Err(why)
            }
        }
    }
}

/// Whether no more time than this has passed since; a clock that was set back makes nothing last longer.
fn within(since: Timestamp, time: Duration, now: Timestamp) -> bool {
    (now - since).to_std().is_ok_and(|passed| passed < time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_testkit::clock::ManualClock;
    use std::cell::Cell;

    /// Tried without each of the two times: the test failed each time.
    #[tokio::test]
    async fn what_is_published_is_looked_at_once_an_hour_and_once_a_minute_for_a_key_that_is_missing() {
        let (clock, kept, looks) = (ManualClock::default(), Kept::default(), Cell::new(0));
        let look = || {
            looks.set(looks.get() + 1);
            std::future::ready(Ok(looks.get()))
        };
        let first = kept.get(&clock, look).await.unwrap();
        clock.advance(GOOD - Duration::from_millis(1));
        assert_eq!((*kept.get(&clock, look).await.unwrap(), looks.get()), (1, 1));
        clock.advance(Duration::from_millis(1));
        let second = kept.get(&clock, look).await.unwrap();
        assert_eq!((*second, looks.get()), (2, 2));
        assert_eq!(
            kept.newer(&first, &clock, look).await.unwrap().as_deref(),
            Some(&2),
            "somebody looked meanwhile"
        );
        assert_eq!(kept.newer(&second, &clock, look).await.unwrap(), None);
        clock.advance(BETWEEN);
        assert_eq!(kept.newer(&second, &clock, look).await.unwrap().as_deref(), Some(&3));
        assert_eq!(looks.get(), 3);
    }

    /// Tried without the pause: the test failed.
    #[tokio::test]
    async fn one_that_does_not_answer_is_left_alone_for_a_moment() {
        let (clock, kept, looks) = (ManualClock::default(), Kept::<u8>::default(), Cell::new(0));
        let fail = || {
            looks.set(looks.get() + 1);
            std::future::ready(Err(Unanswered("away".to_owned())))
        };
        for _ in 0..9 {
            assert_eq!(kept.get(&clock, fail).await.unwrap_err(), Unanswered("away".to_owned()));
        }
        clock.advance(PAUSE);
        kept.get(&clock, fail).await.unwrap_err();
        assert_eq!(looks.get(), 2);
    }
}
