//! Buckets of requests that fill again by themselves, in bounded memory (the generic cell rate algorithm: of each bucket
//! only the moment is kept at which it will be full).

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The most buckets of a generation. There are two: when one is full the older is forgotten, with whoever has not asked
/// since. Who makes others forget by being that many has as many buckets anyway.
const ENTRIES: usize = 10_000;

/// A bucket for each caller.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    /// What a bucket holds, all of which comes again in a minute; 0 if nothing is counted.
    quota: u32,
    generations: Mutex<[HashMap<K, Instant>; 2]>,
}

/// How a caller stands after asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Requests that are left at once.
    pub(super) left: u32,
    /// When all are there again.
    pub(super) full_in: Duration,
    /// How long to wait, if this one was too many.
    pub(super) wait: Option<Duration>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    pub(super) fn new(quota: u32) -> Self {
        Self { quota, generations: Mutex::default() }
    }

    /// Whether a request would be too many now. It is not counted.
    pub(super) fn is_spent(&self, key: &K, now: Instant) -> bool {
        let Some(again) = Duration::from_mins(1).checked_div(self.quota) else { return false };
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = generations.iter().find_map(|generation| generation.get(key)).copied().unwrap_or(now);
        full_at.saturating_duration_since(now) + again > again * self.quota
    }

    /// Counts a request; one that is too many costs nothing. None if nothing is counted.
    pub(super) fn take(&self, key: &K, now: Instant) -> Option<Standing> {
        let again = Duration::from_mins(1).checked_div(self.quota)?;
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        let full_at = young.get(key).or_else(|| old.get(key)).copied().unwrap_or(now).max(now);
        let owed = full_at - now;
        let whole = again * self.quota;
        if owed + again > whole {
            return Some(Standing { left: 0, full_in: owed, wait: Some(owed + again - whole) });
        }
        if young.len() >= ENTRIES && !young.contains_key(key) {
            *old = std::mem::take(young);
        }
        young.insert(key.clone(), full_at + again);
        let left = (whole - owed - again).as_nanos() / again.as_nanos().max(1);
        Some(Standing { left: u32::try_from(left).unwrap_or(u32::MAX), full_in: owed + again, wait: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(Buckets::new(0).take(&1, Instant::now()), None);
    }

    /// Tried by keeping one generation for ever: the test failed.
    #[test]
    fn memory_is_bounded_and_who_asks_is_remembered() {
        let (buckets, now) = (Buckets::new(60), Instant::now());
        for key in 0..5 * ENTRIES {
            buckets.take(&usize::MAX, now + Duration::from_millis(key as u64));
            buckets.take(&key, now);
        }
        let generations = buckets.generations.lock().unwrap();
        assert!(generations.iter().map(HashMap::len).sum::<usize>() <= 2 * ENTRIES);
        assert!(generations.iter().any(|all| all.contains_key(&usize::MAX)));
    }

    proptest! {
        /// Whatever the times: never more than the quota at once and what came again since; who waits as told is let in,
        /// and who does not, is not. Tried with `>=`, and by counting what was refused: the test failed each time.
        #[test]
        fn a_minute_has_its_quota_and_no_more(quota in 1_u32..200, steps in prop::collection::vec(0_u64..5_000, 1..400)) {
            let (buckets, begin) = (Buckets::new(quota), Instant::now());
            let (mut now, mut granted) = (begin, 0_u32);
            for step in steps {
                now += Duration::from_millis(step);
                let standing = buckets.take(&(), now).unwrap();
                if let Some(wait) = standing.wait {
                    prop_assert!(wait <= Duration::from_mins(1) && standing.left == 0);
                    let early = wait.saturating_sub(Duration::from_nanos(quota.into()));
                    if !early.is_zero() {
                        let again = buckets.take(&(), now + early - Duration::from_nanos(1));
                        prop_assert!(again.unwrap().wait.is_some());
                    }
                    now += wait;
                    prop_assert_eq!(buckets.take(&(), now).unwrap().wait, None);
                }
                granted += 1;
                let came = (now - begin).as_secs_f64() * f64::from(quota) / 60.0;
                prop_assert!(f64::from(granted) <= f64::from(quota) + came + 0.01, "{} granted", granted);
            }
        }
    }
}
