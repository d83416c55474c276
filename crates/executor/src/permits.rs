//! Permits: how many steps may use a resource at the same time.
//!
//! They are given out fairly between tasks, as [`cofounder_fairness`] does it.

use cofounder_domain::TaskId;
use cofounder_fairness::{Desk, Place};
use std::{collections::HashMap, sync::Arc};

/// The resources of this process, by name. A resource that is not listed is not limited. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Permits(Arc<HashMap<String, Desk<TaskId>>>);

/// The right to use a resource until it is dropped.
#[derive(Debug)]
pub struct Permit {
    _place: Place<TaskId>,
}

impl Permits {
    /// So many permits for each resource.
    #[must_use]
    pub fn new(resources: impl IntoIterator<Item = (String, usize)>) -> Self {
        // Steps are few: as many as wish may wait.
        let desk = |count: usize| Desk::new(count.max(1), usize::MAX);
        Self(Arc::new(resources.into_iter().map(|(name, count)| (name, desk(count))).collect()))
    }

    /// Waits for a permit for each of `resources`, in the order of their names, so that no two steps wait for each
    /// other. Cancel-safe: who stops waiting gives up its place.
    pub async fn acquire(&self, task: TaskId, resources: &[&str]) -> Vec<Permit> {
        let mut names = resources.to_vec();
        names.sort_unstable();
        names.dedup();
        let mut permits = Vec::new();
        for desk in names.iter().filter_map(|name| self.0.get(*name)) {
            if let Ok(place) = desk.take(task).await {
                permits.push(Permit { _place: place });
            }
        }
        permits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::Timestamp;
    use std::time::Duration;

    fn task() -> TaskId {
        TaskId::new(Timestamp::from_timestamp_millis(1).unwrap())
    }

    #[tokio::test]
    async fn a_permit_comes_back_when_it_is_dropped_or_nobody_waits_for_it_any_more() {
        let permits = Permits::new([("gpu".to_owned(), 1)]);
        let held = permits.acquire(task(), &["gpu", "gpu", "unlimited"]).await;
        assert_eq!(held.len(), 1);
        let gave_up =
            tokio::time::timeout(Duration::from_millis(20), permits.acquire(task(), &["gpu"])).await;
        assert!(gave_up.is_err(), "it is in use");
        drop(held);
        let again = tokio::time::timeout(Duration::from_secs(5), permits.acquire(task(), &["gpu"])).await;
        assert_eq!(again.unwrap().len(), 1);
    }
}
