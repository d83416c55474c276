//! Lines that come again and again: so many of each are written in a time, then how many more there were.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};
use tracing::{Metadata, callsite::Identifier};

/// Messages that are counted apart. The others of a place in the program are counted together there.
const MOST: usize = 512;
/// Letters of a message that are told again.
const SHOWN: usize = 160;

/// Counts lines by the place in the program that they come from and by their message, numbers in it aside.
#[derive(Debug)]
pub(super) struct Repeats {
    most: u64,
    every: Duration,
    seen: HashMap<(Identifier, u64), Seen>,
}

#[derive(Debug)]
struct Seen {
    since: Instant,
    count: u64,
    place: &'static Metadata<'static>,
    /// None if messages are counted together.
    message: Option<String>,
}

/// Lines that were not written.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) place: &'static Metadata<'static>,
    pub(super) count: u64,
    pub(super) message: String,
}

impl Repeats {
    /// At most so many of each in this time; all, if it is 0.
    pub(super) fn new(most: u64, every: Duration) -> Self {
        Self { most, every, seen: HashMap::new() }
    }

    /// The same numbers for what comes from now on.
    pub(super) fn set(&mut self, most: u64, every: Duration) {
        (self.most, self.every) = (most, every);
    }

    /// Whether this line is written.
    pub(super) fn admits(&mut self, place: &'static Metadata<'static>, message: &str, now: Instant) -> bool {
        if self.most == 0 {
            return true;
        }
        let (site, apart) = (place.callsite(), (place.callsite(), likeness(message)));
        let known = self.seen.contains_key(&apart);
        let (key, message) = match known || self.seen.len() < MOST {
            true => (apart, Some(message)),
            false => ((site, 0), None),
        };
        let new = || Seen {
            since: now,
            count: 0,
            place,
            message: message.map(|m| m.chars().take(SHOWN).collect()),
        };
        let seen = self.seen.entry(key).or_insert_with(new);
        seen.count += 1;
        seen.count <= self.most
    }

    /// What was left out of the times that are over, which begin anew; of all of them, if nothing more comes.
    pub(super) fn left_out(&mut self, now: Instant, last: bool) -> Vec<LeftOut> {
        let mut told = Vec::new();
        let (most, every) = (self.most, self.every);
        self.seen.retain(|_, seen| {
            let over = last || now.saturating_duration_since(seen.since) >= every;
            if over && seen.count > most && most > 0 {
                let message = seen.message.take().unwrap_or_else(|| "several messages".to_owned());
                told.push(LeftOut { place: seen.place, count: seen.count - most, message });
            }
            !over
        });
        told
    }

    pub(super) fn every(&self) -> Duration {
        self.every
    }
}

/// The same for messages that differ in numbers alone.
fn likeness(message: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut digits = false;
    for byte in message.bytes() {
        if !(byte.is_ascii_digit() && digits) {
            (if byte.is_ascii_digit() { b'#' } else { byte }).hash(&mut hasher);
        }
        digits = byte.is_ascii_digit();
    }
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::{Callsite, callsite::DefaultCallsite, field::FieldSet, metadata::Kind};

    static SITE: DefaultCallsite = DefaultCallsite::new(&META);
    static META: Metadata<'static> = Metadata::new(
        "here",
        "cofounder",
        tracing::Level::WARN,
        None,
        None,
        None,
        FieldSet::new(&["message"], Identifier(&SITE)),
        Kind::EVENT,
    );

    #[test]
    fn what_comes_again_is_written_so_often_and_then_counted_in_bounded_memory() {
        let mut repeats = Repeats::new(3, Duration::from_secs(10));
        let (begun, place) = (Instant::now(), SITE.metadata());
        let written =
            (0..100).filter(|n| repeats.admits(place, &format!("trying again in {n} ms"), begun)).count();
        assert_eq!(written, 3);
        assert!(repeats.left_out(begun, false).is_empty(), "its time is not over");
        let later = begun + Duration::from_secs(10);
        let told = repeats.left_out(later, false);
        assert_eq!((told.len(), told[0].count, told[0].message.as_str()), (1, 97, "trying again in 0 ms"));
        assert!(repeats.admits(place, "trying again in 7 ms", later), "it begins anew");
        let letters =
            |n: usize| n.to_string().bytes().map(|b| char::from(b - b'0' + b'a')).collect::<String>();
        let written = (0..100_000).filter(|n| repeats.admits(place, &letters(*n), later)).count();
        assert!((MOST - 1..=MOST + 3).contains(&written), "{written}");
        assert!(repeats.seen.len() <= MOST + 1, "{}", repeats.seen.len());
        let told = repeats.left_out(later, true);
        assert_eq!(told.iter().map(|left| left.count).sum::<u64>(), (100_000 - written) as u64);
        assert!(repeats.seen.is_empty());
    }
}
