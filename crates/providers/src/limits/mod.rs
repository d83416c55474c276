//! How much is asked of a provider, or of one of its models: a number of places, shared fairly between callers, and so
//! many requests and tokens in any minute; and what a provider's own headers say is left.

mod learnt;
mod window;

use crate::{Dialect, Limits, ProviderError, named::Named};
use cofounder_domain::Timestamp;
use cofounder_fairness as fairness;
use learnt::Learnt;
use reqwest::header::HeaderMap;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};
use window::Window;

/// Calls that may wait for a place unless a section says otherwise.
const QUEUE: u32 = 256;
/// More places than there are requests: for a model without a limit of its own.
const UNLIMITED: usize = 1 << 20;

/// One provider's, one model's or one caller's places.
#[derive(Debug)]
pub struct Limiter {
    desk: fairness::Desk<Arc<str>>,
    limits: Limits,
    minute: Mutex<Minute>,
}

#[derive(Debug)]
struct Minute {
    requests: Option<Window>,
    tokens: Option<Window>,
    /// By model.
    learnt: Named<Learnt>,
}

/// Who asks, and for how much.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Callers are served in turn.
    pub caller: Arc<str>,
    /// The model that it is for.
    pub model: String,
    /// Tokens of the question, estimated.
    pub prompt: u64,
    /// Tokens of question and answer, as far as it is known how long that may be.
    pub tokens: u64,
    /// Tokens that the answer may have beside that: they take what is left of the minute, until it is known.
    pub perhaps: u64,
    /// How long it may wait; none for not at all.
    pub until: Option<Instant>,
}

/// A place with a provider, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _place: fairness::Place<Arc<str>>,
    limiter: Arc<Limiter>,
    /// Its entry in the window of tokens.
    entry: Option<u64>,
}

impl Place {
    /// Says how many tokens it took in the end.
    pub fn took(&self, tokens: u64) {
        if let Some(entry) = self.entry
            && let Some(window) = &mut self.limiter.minute().tokens
        {
            window.correct(entry, tokens);
        }
    }
}

impl Limiter {
    /// A provider's.
    pub(crate) fn of_provider(limits: Limits, dialect: Dialect) -> Arc<Self> {
        Self::new(limits, limits.concurrency(dialect) as usize)
    }

    /// A model's own, if it has limits.
    pub(crate) fn of_model(limits: Limits) -> Option<Arc<Self>> {
        let places = limits.concurrency.map_or(UNLIMITED, |n| n as usize);
        (limits != Limits::default()).then(|| Self::new(limits, places))
    }

    /// One that has as many places as anybody wants, for callers with limits in a minute.
    #[must_use]
    pub fn unbounded(limits: Limits) -> Arc<Self> {
        Self::new(limits, UNLIMITED)
    }

    fn new(limits: Limits, places: usize) -> Arc<Self> {
        let minute = Minute {
            requests: limits.requests_per_minute.map(|n| Window::new(u64::from(n))),
            tokens: limits.tokens_per_minute.map(Window::new),
            learnt: Named::default(),
        };
        let queue = limits.queue.unwrap_or(QUEUE) as usize;
        Arc::new(Self { desk: fairness::Desk::new(places, queue), limits, minute: Mutex::new(minute) })
    }

    /// Waits for a place as long as the wish allows. Who drops the future gives its place in the queue up.
    ///
    /// # Errors
    /// [`ProviderError::Limited`], with the time after which it can be tried again.
    pub async fn enter(self: &Arc<Self>, wish: &Wish) -> Result<Place, ProviderError> {
        let place = match (self.desk.try_take(), wish.until) {
            (Some(place), _) => place,
            (None, None) => return Err(self.busy()),
            (None, Some(until)) => match timeout_at(until, self.desk.take(wish.caller.clone())).await {
                Ok(Ok(place)) => place,
                Ok(Err(fairness::Full)) => return Err(self.crowded()),
                Err(_) => return Err(self.busy()),
            },
        };
        loop {
            let wait = match self.begin(wish) {
                Ok(entry) => return Ok(Place { _place: place, limiter: Arc::clone(self), entry }),
                Err(wait) => wait,
            };
            if wish.until.is_none_or(|until| Instant::now() + wait > until) {
                return Err(self.spent(wait));
            }
            sleep(wait).await;
        }
    }

    /// Learns what is left from the headers of an answer.
    pub(crate) fn learn(&self, model: &str, headers: &HeaderMap, now: Timestamp) {
        let Some(learnt) = Learnt::read(headers, now) else { return };
        let mut minute = self.minute();
        match minute.learnt.get_mut(model) {
            Some(old) => *old = learnt,
            None => {
                let now = Instant::now();
                minute.learnt.insert(model, learnt, |learnt| learnt.matters(now));
            }
        }
    }

    /// How many wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.desk.waiting()
    }

    /// Notes a request that begins now, or says how long none may.
    fn begin(&self, wish: &Wish) -> Result<Option<u64>, Duration> {
        let now = Instant::now();
        let mut minute = self.minute();
        let Minute { requests, tokens, learnt } = &mut *minute;
        let learnt = learnt.get_mut(&wish.model);
        let waits = [
            requests.as_mut().map_or(Duration::ZERO, |w| w.wait(1, now)),
            tokens.as_mut().map_or(Duration::ZERO, |w| w.wait(wish.tokens, now)),
            learnt.as_ref().map_or(Duration::ZERO, |l| l.wait(wish.prompt, now)),
        ];
        if let Some(wait) = waits.into_iter().max().filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        if let Some(learnt) = learnt {
            learnt.begin(wish.prompt);
        }
        if let Some(requests) = requests {
            requests.note(1, now);
        }
        Ok(tokens
            .as_mut()
            .map(|window| window.note(wish.tokens + wish.perhaps.min(window.left(wish.tokens)), now)))
    }

    fn minute(&self) -> std::sync::MutexGuard<'_, Minute> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn busy(&self) -> ProviderError {
        let places = self.limits.concurrency.map_or_else(String::new, |n| format!("{n} "));
        let why = format!("all {places}places that `limits` allows are taken");
        ProviderError::Limited { retry_after: Some(Duration::from_secs(1)), why }
    }

    fn crowded(&self) -> ProviderError {
        let why = format!("{} calls wait for it already", self.limits.queue.unwrap_or(QUEUE));
        ProviderError::Limited { retry_after: Some(Duration::from_secs(1)), why }
    }

    fn spent(&self, wait: Duration) -> ProviderError {
        let why = "the requests or tokens of this minute are used up, by `limits` or by what it said itself"
            .to_owned();
        ProviderError::Limited { retry_after: Some(wait), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(limits: Limits) -> Arc<Limiter> {
        Limiter::of_provider(limits, Dialect::Openai)
    }

    fn wish(tokens: u64, patience: u64) -> Wish {
        let until = (patience > 0).then(|| Instant::now() + Duration::from_millis(patience));
        Wish { caller: "me".into(), model: "m".to_owned(), prompt: tokens, tokens, perhaps: 0, until }
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_holder_leaves() {
        let limiter = limiter(Limits { concurrency: Some(1), ..Limits::default() });
        let place = limiter.enter(&wish(1, 50)).await.unwrap();
        for patience in [0, 50] {
            assert!(matches!(limiter.enter(&wish(1, patience)).await, Err(ProviderError::Limited { .. })));
        }
        drop(place);
        drop(limiter.enter(&wish(1, 0)).await.unwrap());
    }

    #[tokio::test]
    async fn who_finds_too_many_waiting_is_refused_at_once() {
        let limiter = limiter(Limits { concurrency: Some(1), queue: Some(0), ..Limits::default() });
        let _place = limiter.enter(&wish(1, 50)).await.unwrap();
        let error = limiter.enter(&wish(1, 600_000)).await.unwrap_err();
        assert!(error.to_string().contains("0 calls wait"), "{error}");
    }

    #[tokio::test]
    async fn a_minute_that_is_full_says_how_long() {
        let limiter = limiter(Limits { requests_per_minute: Some(2), ..Limits::default() });
        drop(limiter.enter(&wish(1, 50)).await.unwrap());
        drop(limiter.enter(&wish(1, 50)).await.unwrap());
        let wait = limiter.enter(&wish(1, 50)).await.unwrap_err().retry_after().unwrap();
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_mins(1), "{wait:?}");
    }

    #[tokio::test]
    async fn tokens_count_as_the_most_until_it_is_known_what_they_were() {
        let limiter = limiter(Limits { tokens_per_minute: Some(100), ..Limits::default() });
        let place = limiter.enter(&wish(90, 50)).await.unwrap();
        assert!(limiter.enter(&wish(20, 0)).await.is_err());
        place.took(10);
        drop(limiter.enter(&wish(20, 0)).await.unwrap());
        assert!(limiter.enter(&wish(71, 0)).await.is_err());
    }

    #[tokio::test]
    async fn one_call_larger_than_a_minute_goes_alone() {
        let limiter = limiter(Limits { tokens_per_minute: Some(100), ..Limits::default() });
        drop(limiter.enter(&wish(900, 0)).await.unwrap());
        assert!(limiter.enter(&wish(1, 0)).await.is_err());
    }

    #[tokio::test]
    async fn what_a_provider_says_is_left_is_not_passed() {
        let limiter = limiter(Limits::default());
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining-requests", "1".parse().unwrap());
        headers.insert("x-ratelimit-reset-requests", "6m0s".parse().unwrap());
        limiter.learn("m", &headers, Timestamp::default());
        drop(limiter.enter(&wish(1, 0)).await.unwrap());
        let wait = limiter.enter(&wish(1, 0)).await.unwrap_err().retry_after().unwrap();
        assert!(wait > Duration::from_secs(350), "{wait:?}");
        let other = Wish { model: "n".to_owned(), ..wish(1, 0) };
        drop(limiter.enter(&other).await.unwrap());
    }

    /// Tried by keeping all: the test failed.
    #[tokio::test]
    async fn of_made_up_names_not_all_is_kept_that_was_learnt() {
        let limiter = limiter(Limits::default());
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining-requests", "0".parse().unwrap());
        headers.insert("x-ratelimit-reset-requests", "6m0s".parse().unwrap());
        (0..10_000).for_each(|n| limiter.learn(&n.to_string(), &headers, Timestamp::default()));
        assert!(limiter.minute().learnt.names().count() < 5_000);
        let last = Wish { model: "9999".to_owned(), ..wish(1, 0) };
        assert!(limiter.enter(&last).await.is_err(), "the newest are known");
    }
}
