//! A number of places that callers share: fair between callers, bounded in how many wait.
//!
//! A free place goes to the waiting caller that was served least recently, so that one caller with a hundred wishes
//! does not keep another with one waiting for all of them. Within a caller, first come, first served. It knows nothing
//! of what the places are for: steps of tasks, requests to a provider.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Where places are given out. Cheap to clone; all clones share its places.
pub struct Desk<K>(Arc<Mutex<Counter<K>>>);

struct Counter<K> {
    free: usize,
    /// The most that may wait.
    longest: usize,
    waiting: usize,
    /// Callers that wait, the one to serve next first, each with its wishes.
    queue: VecDeque<(K, VecDeque<oneshot::Sender<Place<K>>>)>,
}

/// A place, until it is dropped.
pub struct Place<K>(Option<Desk<K>>);

/// As many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<K> Clone for Desk<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> fmt::Debug for Desk<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counter = self.counter();
        f.debug_struct("Desk").field("free", &counter.free).field("waiting", &counter.waiting).finish()
    }
}

impl<K> fmt::Debug for Place<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

impl<K> Desk<K> {
    /// So many places, and so many that may wait for one.
    #[must_use]
    pub fn new(places: usize, longest: usize) -> Self {
        let queue = VecDeque::new();
        Self(Arc::new(Mutex::new(Counter { free: places, longest, waiting: 0, queue })))
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.counter().waiting
    }

    /// A place, if one is free and nobody waits.
    #[must_use]
    pub fn try_take(&self) -> Option<Place<K>> {
        let mut counter = self.counter();
        if counter.free == 0 || counter.waiting > 0 {
            return None;
        }
        counter.free -= 1;
        Some(Place(Some(self.clone())))
    }

    fn counter(&self) -> MutexGuard<'_, Counter<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives free places to those who wait.
    fn serve(&self) {
        loop {
            let next = {
                let mut counter = self.counter();
                if counter.free == 0 {
                    return;
                }
                let Some((caller, mut wishes)) = counter.queue.pop_front() else { return };
                let next = wishes.pop_front();
                if !wishes.is_empty() {
                    counter.queue.push_back((caller, wishes));
                }
                counter.free -= usize::from(next.is_some());
                next
            };
            // Outside the lock: a place that nobody takes any more is dropped here, and comes back.
            if let Some(next) = next {
                drop(next.send(Place(Some(self.clone()))));
            }
        }
    }
}

impl<K: Eq> Desk<K> {
    /// Waits for a place. Cancel-safe: who stops waiting gives its place in the queue up.
    ///
    /// # Errors
    /// [`Full`] at once, if as many wait as may.
    pub async fn take(&self, caller: K) -> Result<Place<K>, Full> {
        if let Some(place) = self.try_take() {
            return Ok(place);
        }
        let (give, take) = oneshot::channel();
        let _waiting = {
            let mut counter = self.counter();
            if counter.waiting >= counter.longest {
                return Err(Full);
            }
            counter.waiting += 1;
            match counter.queue.iter_mut().find(|(waiting, _)| *waiting == caller) {
                Some((_, wishes)) => wishes.push_back(give),
                None => counter.queue.push_back((caller, VecDeque::from([give]))),
            }
            Waiting(self)
        };
        self.serve();
        // The desk keeps the sender until it serves it.
        Ok(take.await.unwrap_or(Place(None)))
    }
}

/// Counts one who waits, for as long as it does.
struct Waiting<'a, K>(&'a Desk<K>);

impl<K> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        let mut counter = self.0.counter();
        counter.waiting -= 1;
        // Those who gave up leave their wish behind until it is their turn; without this they could pile up.
        if counter.waiting == 0 {
            counter.queue.retain_mut(|(_, wishes)| {
                wishes.retain(|wish| !wish.is_closed());
                !wishes.is_empty()
            });
        }
    }
}

impl<K> Drop for Place<K> {
    fn drop(&mut self) {
        if let Some(desk) = self.0.take() {
            desk.counter().free += 1;
            desk.serve();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Tried by serving wishes in the order in which they came, whosever they are: the test failed.
    #[tokio::test]
    async fn a_caller_with_many_wishes_does_not_keep_one_with_a_single_wish_waiting() {
        let desk = Desk::new(1, 100);
        let held = desk.take("many").await.unwrap();
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for (who, count) in [("many", 5), ("few", 1)] {
            for _ in 0..count {
                let (desk, served) = (desk.clone(), served.clone());
                waiting.push(tokio::spawn(async move {
                    let place = desk.take(who).await.unwrap();
                    served.lock().unwrap().push(who);
                    tokio::task::yield_now().await;
                    drop(place);
                }));
                tokio::task::yield_now().await;
            }
        }
        drop(held);
        for wish in waiting {
            wish.await.unwrap();
        }
        let served = served.lock().unwrap();
        assert!(served.iter().position(|who| *who == "few").unwrap() <= 1, "{served:?}");
        assert_eq!(served.len(), 6);
    }

    #[tokio::test]
    async fn a_place_comes_back_when_it_is_dropped_or_nobody_waits_for_it_any_more() {
        let desk = Desk::new(1, 100);
        let held = desk.take(1).await.unwrap();
        let gave_up = tokio::time::timeout(Duration::from_millis(20), desk.take(2)).await;
        assert!(gave_up.is_err(), "it is in use");
        assert_eq!(desk.waiting(), 0);
        drop(held);
        let again = tokio::time::timeout(Duration::from_secs(5), desk.take(2)).await;
        assert!(again.unwrap().is_ok());
        assert!(desk.try_take().is_some(), "and back again");
    }

    /// Tried by letting any number wait: the test failed, and did not hang.
    #[tokio::test]
    async fn only_so_many_may_wait_and_giving_up_makes_room() {
        let done = tokio::time::timeout(Duration::from_secs(5), crowd()).await;
        assert!(done.is_ok(), "somebody waits who should have been told that as many wait as may");
    }

    async fn crowd() {
        let desk = Desk::new(1, 1);
        let held = desk.take(1).await.unwrap();
        let waiting = tokio::spawn({
            let desk = desk.clone();
            async move { desk.take(2).await.is_ok() }
        });
        while desk.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(desk.take(3).await.err(), Some(Full));
        assert!(desk.try_take().is_none());
        waiting.abort();
        while desk.waiting() > 0 {
            tokio::task::yield_now().await;
        }
        let waits = tokio::spawn({
            let desk = desk.clone();
            async move { desk.take(4).await.is_ok() }
        });
        tokio::task::yield_now().await;
        drop(held);
        assert!(waits.await.unwrap());
    }
}
