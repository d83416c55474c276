//! How often somebody may be wrong. Wrong passwords are counted by where they come from (IPv4 /24, IPv6 /64) and by the
//! address that they are tried for, in buckets that fill again by themselves; one that was right is given back.
//!
//! A place has fewer tries than an e-mail address, and no more a minute: nobody keeps a person out from one place alone.
//! Who attacks from many places can; so a place from which a person signed in has a bucket of its own for them, which
//! nobody else's tries empty. All of this is in memory, in a bounded number of entries, and each process counts for itself.

use cofounder_domain::{Clock, Email, Timestamp};
use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Tries that a place has at once.
const OF_PLACE: i32 = 10;
/// Tries that an e-mail address has at once.
const OF_EMAIL: i32 = 30;
/// How long it takes until one of them is there again.
const AGAIN: Duration = Duration::from_mins(1);
/// The most places, and the most e-mail addresses, that are remembered.
const ENTRIES: usize = 10_000;

/// Counts tries.
#[derive(Debug)]
pub(crate) struct Throttle {
    clock: Arc<dyn Clock>,
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    places: Buckets<IpAddr>,
    emails: Buckets<Account>,
    /// From where people signed in, and when last.
    homes: HashMap<(Email, IpAddr), Timestamp>,
}

/// An e-mail address, from anywhere or from one place only.
type Account = (Email, Option<IpAddr>);

/// A try that was granted, and is counted as wrong until it is given back.
#[derive(Debug)]
#[must_use]
pub(crate) struct Try {
    place: IpAddr,
    account: Option<Account>,
}

impl Throttle {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, contents: Mutex::default() }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A try from here, for this address if it is one; or how long to wait.
    pub(crate) fn enter(&self, from: IpAddr, email: Option<&Email>) -> Result<Try, Duration> {
        let (mut contents, now, place) = (self.contents(), self.clock.now(), place(from));
        let account = email.map(|email| {
            let home = contents.homes.contains_key(&(email.clone(), place));
            (email.clone(), home.then_some(place))
        });
        let of_account =
            account.as_ref().map_or(Duration::ZERO, |account| contents.emails.wait(account, OF_EMAIL, now));
        let wait = contents.places.wait(&place, OF_PLACE, now).max(of_account);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        contents.places.take(&place, now);
        if let Some(account) = &account {
            contents.emails.take(account, now);
        }
        Ok(Try { place, account })
    }

    /// Gives a try back that was not wrong, or that nothing came of.
    pub(crate) fn give_back(&self, granted: &Try) {
        let mut contents = self.contents();
        contents.places.give_back(&granted.place);
        if let Some(account) = &granted.account {
            contents.emails.give_back(account);
        }
    }

    /// Gives a try back by which somebody signed in, and remembers from where.
    pub(crate) fn succeeded(&self, granted: Try) {
        self.give_back(&granted);
        let Try { place, account: Some((email, _)) } = granted else { return };
        let (mut contents, now) = (self.contents(), self.clock.now());
        if contents.homes.len() >= ENTRIES
            && let Some(oldest) =
                contents.homes.iter().min_by_key(|(_, at)| **at).map(|(home, _)| home.clone())
        {
            contents.homes.remove(&oldest);
        }
        contents.homes.insert((email, place), now);
    }
}

/// Buckets of tries: of each, when it will be full again. One that is full is not remembered.
#[derive(Debug)]
pub(crate) struct Buckets<K>(HashMap<K, Timestamp>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// How long until a bucket of this size has a try.
    pub(crate) fn wait(&mut self, key: &K, size: i32, now: Timestamp) -> Duration {
        let Some(full_at) = self.0.get_mut(key) else { return Duration::ZERO };
        // A clock that was set back makes nobody wait longer than for a whole bucket.
        *full_at = (*full_at).min(now + AGAIN * size.unsigned_abs());
        let has_one = *full_at - AGAIN * (size - 1).unsigned_abs();
        (has_one - now).to_std().unwrap_or_default()
    }

    pub(crate) fn take(&mut self, key: &K, now: Timestamp) {
        if self.0.len() >= ENTRIES && !self.0.contains_key(key) {
            self.0.retain(|_, full_at| *full_at > now);
            // The one that has the most tries left is forgotten: what is being tried hard stays.
            let fullest = self.0.iter().min_by_key(|(_, full_at)| **full_at).map(|(key, _)| key.clone());
            if let Some(fullest) = fullest.filter(|_| self.0.len() >= ENTRIES) {
                self.0.remove(&fullest);
            }
        }
        let full_at = self.0.entry(key.clone()).or_insert(now);
        *full_at = now.max(*full_at) + AGAIN;
    }

    pub(crate) fn give_back(&mut self, key: &K) {
        if let Some(full_at) = self.0.get_mut(key) {
            *full_at -= AGAIN;
        }
    }
}

/// The network that an address is in: who has one address of it mostly has them all.
pub(crate) fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests;
