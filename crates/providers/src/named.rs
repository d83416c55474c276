//! What is remembered by name, where the names come from outside: a client can make up as many as it likes, and no more
//! than so many are kept.

use std::collections::HashMap;

/// Names that are kept at the most.
const MOST: usize = 4_096;

/// Values by name.
#[derive(Debug)]
pub(crate) struct Named<V> {
    /// Each with when it was touched last.
    entries: HashMap<String, (V, u64)>,
    touches: u64,
}

impl<V> Default for Named<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), touches: 0 }
    }
}

impl<V> Named<V> {
    /// Looks without touching.
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.entries.get(name).map(|(value, _)| value)
    }

    /// Touches it.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let (value, touched) = self.entries.get_mut(name)?;
        self.touches += 1;
        *touched = self.touches;
        Some(value)
    }

    /// Makes room if there is none: values that no longer matter go, and then those that were touched longest ago.
    pub(crate) fn insert(&mut self, name: &str, value: V, matters: impl Fn(&V) -> bool) {
        if self.entries.len() >= MOST {
            self.entries.retain(|_, (value, _)| matters(value));
        }
        if self.entries.len() >= MOST {
            // A quarter at once, so that not every new name has to look for the oldest.
            let mut touched: Vec<u64> = self.entries.values().map(|(_, touched)| *touched).collect();
            let (_, from, _) = touched.select_nth_unstable(MOST / 4);
            let from = *from;
            self.entries.retain(|_, (_, touched)| *touched >= from);
        }
        self.touches += 1;
        self.entries.insert(name.to_owned(), (value, self.touches));
    }

    /// Forgets it.
    pub(crate) fn remove(&mut self, name: &str) {
        self.entries.remove(name);
    }

    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.entries.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Named<bool> {
        let mut named = Named::default();
        (0..MOST).for_each(|n| named.insert(&n.to_string(), n % 2 == 0, |matters| *matters));
        named
    }

    /// Tried without a bound, and by dropping those that were touched last: it failed both times.
    #[test]
    fn what_was_touched_longest_ago_goes_first() {
        let mut named = full();
        named.get_mut("0").unwrap();
        for n in MOST..3 * MOST {
            named.get_mut("0").unwrap();
            named.insert(&n.to_string(), true, |_| true);
            assert!(named.entries.len() <= MOST, "{}", named.entries.len());
        }
        assert!(named.get("0").is_some() && named.get("1").is_none());
        assert!(named.get(&(3 * MOST - 1).to_string()).is_some());
    }

    /// Tried by dropping the oldest at once: the test failed.
    #[test]
    fn what_no_longer_matters_goes_before_what_does() {
        let mut named = full();
        named.insert("new", true, |matters| *matters);
        assert_eq!(named.entries.len(), MOST / 2 + 1);
        assert!(named.get("0").is_some() && named.get("1").is_none() && named.get("new").is_some());
    }
}
