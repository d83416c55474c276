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
    /// Callers that wait, the one to serve next first.
    queue: VecDeque<Line<K>>,
    /// Of the next wish.
    number: u64,
}

/// What one caller waits for, the first wish first.
struct Line<K> {
    caller: K,
    wishes: VecDeque<Wish<K>>,
}

struct Wish<K> {
    number: u64,
    give: oneshot::Sender<Place<K>>,
}

/// A place, until it is dropped.
pub struct Place<K>(Option<Desk<K>>);

/// As many wait as may, and none of the callers waits for more places than this one.
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
        Self(Arc::new(Mutex::new(Counter { free: places, longest, waiting: 0, queue, number: 0 })))
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

    /// Gives free places to those who wait. Who gave up in this moment leaves the place to the next.
    fn serve(&self) {
        loop {
            let Some(next) = self.counter().next() else { return };
            if let Err(mut untaken) = next.give.send(Place(Some(self.clone()))) {
                // Dropped, it would serve others from within this.
                untaken.0 = None;
                self.counter().free += 1;
            }
        }
    }
}

impl<K> Counter<K> {
    /// Takes a place for the wish that it is for, if there are both.
    fn next(&mut self) -> Option<Wish<K>> {
        if self.free == 0 {
            return None;
        }
        let mut line = self.queue.pop_front()?;
        let next = line.wishes.pop_front()?;
        if !line.wishes.is_empty() {
            self.queue.push_back(line);
        }
        self.waiting -= 1;
        self.free -= 1;
        Some(next)
    }

    /// Takes a wish out whose place is not wanted any more, if it still waits. A caller's wishes are in the order of their
    /// numbers.
    fn forget(&mut self, number: u64) {
        let found = self.queue.iter_mut().enumerate().find_map(|(index, line)| {
            let at = line.wishes.binary_search_by_key(&number, |wish| wish.number).ok()?;
            line.wishes.remove(at).map(|_| (index, line.wishes.is_empty()))
        });
        let Some((index, empty)) = found else { return };
        self.waiting -= 1;
        if empty {
            self.queue.remove(index);
        }
    }
}

impl<K: Eq> Counter<K> {
    /// Lets a caller wait: the sender's number. Where as many wait as may, the caller with the most wishes loses its newest
    /// one to a caller with fewer.
    fn queue_up(&mut self, caller: K, give: oneshot::Sender<Place<K>>) -> Result<u64, Full> {
        if self.waiting >= self.longest {
            self.make_room(&caller)?;
        }
        self.number += 1;
        let wish = Wish { number: self.number, give };
        match self.queue.iter_mut().find(|line| line.caller == caller) {
            Some(line) => line.wishes.push_back(wish),
            None => self.queue.push_back(Line { caller, wishes: VecDeque::from([wish]) }),
        }
        self.waiting += 1;
        Ok(self.number)
    }

    fn make_room(&mut self, caller: &K) -> Result<(), Full> {
        let own = self.queue.iter().find(|line| line.caller == *caller).map_or(0, |line| line.wishes.len());
        let longest = self.queue.iter_mut().max_by_key(|line| line.wishes.len());
        let longest = longest.filter(|line| line.wishes.len() > own + 1).ok_or(Full)?;
        // Its sender is gone with it, which tells whoever waits.
        drop(longest.wishes.pop_back());
        self.waiting -= 1;
        Ok(())
    }
}

impl<K: Eq> Desk<K> {
    /// Waits for a place. Cancel-safe: who stops waiting gives its place in the queue up.
    ///
    /// # Errors
    /// [`Full`], if as many wait as may: at once, or when a caller that waits for less needs the place in the queue.
    pub async fn take(&self, caller: K) -> Result<Place<K>, Full> {
        if let Some(place) = self.try_take() {
            return Ok(place);
        }
        let (give, take) = oneshot::channel();
        let number = self.counter().queue_up(caller, give)?;
        let _waiting = Waiting { desk: self, number };
        self.serve();
        take.await.map_err(|_| Full)
    }
}

/// One who waits, until it does not any more.
struct Waiting<'a, K> {
    desk: &'a Desk<K>,
    number: u64,
}

impl<K> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        self.desk.counter().forget(self.number);
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

    /// Tried with wishes that stay until it is their turn, and with places that serve when they come back from one: the stack
    /// overflowed.
    #[tokio::test]
    async fn any_number_may_give_up_and_nothing_is_left_of_them() {
        let desk = Desk::new(1, 1_000_000);
        let held = desk.take(0).await.unwrap();
        let patient = tokio::spawn({
            let desk = desk.clone();
            async move { desk.take(1).await.is_ok() }
        });
        while desk.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let mut waiting: Vec<_> = (0..50_000).map(|_| Box::pin(desk.take(2))).collect();
        for wish in &mut waiting {
            assert!(futures_poll(wish).await.is_none());
        }
        assert_eq!(desk.waiting(), 50_001);
        drop(waiting);
        assert_eq!((desk.waiting(), desk.counter().queue.len()), (1, 1));
        drop(held);
        assert!(patient.await.unwrap());
    }

    /// Polls once.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
                std::task::Poll::Ready(done) => Some(done),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }

    /// Tried by sending whoever comes last away: a caller with many wishes kept others from waiting at all.
    #[tokio::test]
    async fn a_full_queue_sends_its_greediest_caller_away_and_not_the_one_that_comes() {
        let desk = Desk::new(1, 4);
        let held = desk.take("held").await.unwrap();
        let mut greedy: Vec<_> = (0..4).map(|_| Box::pin(desk.take("greedy"))).collect();
        for wish in &mut greedy {
            assert!(futures_poll(wish).await.is_none());
        }
        assert_eq!(desk.take("greedy").await.err(), Some(Full), "its own wishes stay in their order");
        let mut others: Vec<_> = ["a", "b"].map(|who| Box::pin(desk.take(who))).into();
        for other in &mut others {
            assert!(futures_poll(other).await.is_none(), "it may wait");
        }
        assert_eq!(futures_poll(&mut greedy[3]).await.map(|told| told.is_ok()), Some(false));
        assert_eq!(futures_poll(&mut greedy[2]).await.map(|told| told.is_ok()), Some(false));
        assert!(futures_poll(&mut greedy[1]).await.is_none());
        assert_eq!(desk.take("a").await.err(), Some(Full), "nobody waits for many more than it");
        drop(held);
        assert!(greedy.remove(0).await.is_ok());
        for other in others {
            assert!(other.await.is_ok());
        }
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
