//! How much was begun in the last minute.

use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

/// A log of the last minute.
#[derive(Debug)]
pub(super) struct Window {
    most: u64,
    sum: u64,
    next: u64,
    /// Oldest first: when, which, how much.
    begun: VecDeque<(Instant, u64, u64)>,
}

impl Window {
    pub(super) fn new(most: u64) -> Self {
        Self { most, sum: 0, next: 0, begun: VecDeque::new() }
    }

    /// How long until so much more may begin. What is more than a whole minute's may begin alone.
    pub(super) fn wait(&mut self, amount: u64, now: Instant) -> Duration {
        while let Some((at, _, old)) = self.begun.front().copied() {
            if now.duration_since(at) < MINUTE {
                break;
            }
            self.sum = self.sum.saturating_sub(old);
            self.begun.pop_front();
        }
        let mut left = self.sum;
        for (at, _, old) in &self.begun {
            if left.saturating_add(amount) <= self.most {
                break;
            }
            left = left.saturating_sub(*old);
            if left.saturating_add(amount) <= self.most || left == 0 {
                return MINUTE - now.duration_since(*at);
            }
        }
        Duration::ZERO
    }

    /// What would be left of this minute after so much more.
    pub(super) fn left(&self, amount: u64) -> u64 {
        self.most.saturating_sub(self.sum.saturating_add(amount))
    }

    /// Notes what begins now; tells its number.
    pub(super) fn note(&mut self, amount: u64, now: Instant) -> u64 {
        self.next += 1;
        self.sum = self.sum.saturating_add(amount);
        self.begun.push_back((now, self.next, amount));
        self.next
    }

    /// Replaces what was noted.
    pub(super) fn correct(&mut self, entry: u64, amount: u64) {
        let Ok(at) = self.begun.binary_search_by_key(&entry, |(_, number, _)| *number) else { return };
        if let Some((_, _, old)) = self.begun.get_mut(at) {
            self.sum = self.sum.saturating_sub(*old).saturating_add(amount);
            *old = amount;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_first() {
        let (mut window, start) = (Window::new(10), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        window.note(4, at(0));
        window.note(4, at(10));
        assert_eq!(window.wait(2, at(20)), Duration::ZERO);
        assert_eq!(window.wait(3, at(20)), Duration::from_secs(40));
        assert_eq!(window.wait(7, at(20)), Duration::from_secs(50));
        assert_eq!(window.wait(99, at(20)), Duration::from_secs(50), "alone, when nothing else is left");
        assert_eq!(window.wait(3, at(60)), Duration::ZERO);
        assert_eq!(window.wait(99, at(70)), Duration::ZERO);
    }
}
