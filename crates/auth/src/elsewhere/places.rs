//! How many sign-ins a place may begin and not finish: each beginning and each return costs one, and one that went well
//! gives both back. In memory, in a bounded number of entries, and each process counts for itself.

use cofounder_domain::Clock;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::throttle::{Buckets, place};

/// What a place has at once; one comes back a minute.
const OF_PLACE: i32 = 40;

/// Counts sign-ins by where they come from.
#[derive(Debug)]
pub(crate) struct Places {
    clock: Arc<dyn Clock>,
    buckets: Mutex<Buckets<IpAddr>>,
}

impl Places {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, buckets: Mutex::default() }
    }

    /// Takes one, or tells how long to wait.
    pub(crate) fn enter(&self, from: IpAddr) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, now) = (place(from), self.clock.now());
        match buckets.wait(&place, OF_PLACE, now) {
            Duration::ZERO => {
                buckets.take(&place, now);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// Gives some back.
    pub(crate) fn give_back(&self, from: IpAddr, number: usize) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        (0..number).for_each(|_| buckets.give_back(&place(from)));
    }
}
