//! How much is asked of a provider at once: a number of places, and a number of requests in any minute.

use crate::{Dialect, Limits, ProviderError};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout_at},
};

const MINUTE: Duration = Duration::from_mins(1);

/// One provider's places.
#[derive(Debug)]
pub(crate) struct Limiter {
    places: Semaphore,
    concurrency: u32,
    per_minute: Option<usize>,
    /// When the requests of the last minute began, oldest first.
    begun: Mutex<VecDeque<Instant>>,
}

impl Limiter {
    pub(crate) fn new(limits: Limits, dialect: Dialect) -> Self {
        let concurrency = limits.concurrency(dialect);
        Self {
            places: Semaphore::new(concurrency as usize),
            concurrency,
            per_minute: limits.requests_per_minute.map(|n| n as usize),
            begun: Mutex::new(VecDeque::new()),
        }
    }

    /// Waits for a place, inside the deadline. Who drops the future gives its place in the queue up.
    pub(crate) async fn enter(
        &self,
        deadline: Option<Instant>,
    ) -> Result<SemaphorePermit<'_>, ProviderError> {
        let place = self.places.acquire();
        let place = match deadline {
            Some(deadline) => timeout_at(deadline, place).await.map_err(|_| self.full())?,
            None => place.await,
        };
        let place =
            place.map_err(|_| ProviderError::Bug { why: "a provider's places are gone".to_owned() })?;
        while let Err(wait) = self.begin() {
            if deadline.is_some_and(|deadline| Instant::now() + wait > deadline) {
                let why = format!(
                    "{} requests were begun in the last minute, as many as `limits` allows",
                    self.per_minute.unwrap_or(0)
                );
                return Err(ProviderError::Limited { retry_after: Some(wait), why });
            }
            sleep(wait).await;
        }
        Ok(place)
    }

    /// Notes a request that begins now, or says how long none may.
    fn begin(&self) -> Result<(), Duration> {
        let Some(per_minute) = self.per_minute else { return Ok(()) };
        let now = Instant::now();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        while begun.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
            begun.pop_front();
        }
        match begun.front() {
            Some(oldest) if begun.len() >= per_minute => Err(MINUTE - now.duration_since(*oldest)),
            _ => {
                begun.push_back(now);
                Ok(())
            }
        }
    }

    fn full(&self) -> ProviderError {
        let why =
            format!("all {} places that `limits` allows were taken until the deadline", self.concurrency);
        ProviderError::Limited { retry_after: Some(Duration::from_secs(1)), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(concurrency: u32, per_minute: Option<u32>) -> Limiter {
        Limiter::new(
            Limits { concurrency: Some(concurrency), requests_per_minute: per_minute },
            Dialect::Openai,
        )
    }

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_millis(50))
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_holder_leaves() {
        let limiter = limiter(1, None);
        let place = limiter.enter(None).await.unwrap();
        assert!(matches!(limiter.enter(soon()).await, Err(ProviderError::Limited { .. })));
        drop(place);
        drop(limiter.enter(soon()).await.unwrap());
    }

    #[tokio::test]
    async fn a_minute_that_is_full_says_how_long() {
        let limiter = limiter(9, Some(2));
        drop(limiter.enter(None).await.unwrap());
        drop(limiter.enter(None).await.unwrap());
        let error = limiter.enter(soon()).await.unwrap_err();
        let wait = error.retry_after().unwrap();
        assert!(wait > Duration::from_secs(50) && wait <= MINUTE, "{wait:?}");
    }
}
