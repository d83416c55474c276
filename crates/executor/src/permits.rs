//! Permits: how many steps may use a resource at the same time.
//!
//! Fair between tasks: a free permit goes to the waiting task that was served least recently, so that one task with a
//! hundred steps does not keep another with one step waiting for all of them. Within a task, first come, first served.

use cofounder_domain::TaskId;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// The resources of this process, by name. A resource that is not listed is not limited. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Permits(Arc<HashMap<String, Resource>>);

/// One resource's permits.
#[derive(Clone, Debug)]
struct Resource(Arc<Mutex<Desk>>);

#[derive(Debug)]
struct Desk {
    free: usize,
    /// Tasks that wait, the one to serve next first, each with its steps.
    queue: VecDeque<(TaskId, VecDeque<oneshot::Sender<Permit>>)>,
}

/// The right to use a resource until it is dropped.
#[derive(Debug)]
pub struct Permit(Option<Resource>);

impl Permits {
    /// So many permits for each resource.
    #[must_use]
    pub fn new(resources: impl IntoIterator<Item = (String, usize)>) -> Self {
        let resource = |free| Resource(Arc::new(Mutex::new(Desk { free, queue: VecDeque::new() })));
        Self(Arc::new(resources.into_iter().map(|(name, count)| (name, resource(count.max(1)))).collect()))
    }

    /// Waits for a permit for each of `resources`, in the order of their names, so that no two steps wait for each
    /// other. Cancel-safe: who stops waiting gives up its place.
    pub async fn acquire(&self, task: TaskId, resources: &[&str]) -> Vec<Permit> {
        let mut names = resources.to_vec();
        names.sort_unstable();
        names.dedup();
        let mut permits = Vec::new();
        for resource in names.iter().filter_map(|name| self.0.get(*name)) {
            permits.push(resource.acquire(task).await);
        }
        permits
    }
}

impl Resource {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn acquire(&self, task: TaskId) -> Permit {
        let (give, take) = oneshot::channel();
        {
            let mut desk = self.desk();
            match desk.queue.iter_mut().find(|(waiting, _)| *waiting == task) {
                Some((_, steps)) => steps.push_back(give),
                None => desk.queue.push_back((task, VecDeque::from([give]))),
            }
        }
        self.serve();
        // The desk keeps the sender until it serves it.
        take.await.unwrap_or(Permit(None))
    }

    /// Gives free permits to those who wait.
    fn serve(&self) {
        loop {
            let next = {
                let mut desk = self.desk();
                if desk.free == 0 {
                    return;
                }
                let Some((task, mut steps)) = desk.queue.pop_front() else { return };
                let next = steps.pop_front();
                if !steps.is_empty() {
                    desk.queue.push_back((task, steps));
                }
                desk.free -= usize::from(next.is_some());
                next
            };
            // Outside the lock: a permit that nobody takes any more is dropped here, and comes back.
            if let Some(next) = next {
                drop(next.send(Permit(Some(self.clone()))));
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(resource) = self.0.take() {
            resource.desk().free += 1;
            resource.serve();
        }
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

    /// Tried by serving steps in the order in which they came, whatever their task: the test failed.
    #[tokio::test]
    async fn a_task_with_many_steps_does_not_keep_one_with_a_single_step_waiting() {
        let permits = Permits::new([("gpu".to_owned(), 1)]);
        let (many, few) = (task(), task());
        let held = permits.acquire(many, &["gpu"]).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for (who, count) in [(many, 5), (few, 1)] {
            for _ in 0..count {
                let (permits, served) = (permits.clone(), served.clone());
                waiting.push(tokio::spawn(async move {
                    let permit = permits.acquire(who, &["gpu"]).await;
                    served.lock().unwrap().push(who);
                    tokio::task::yield_now().await;
                    drop(permit);
                }));
                tokio::task::yield_now().await;
            }
        }
        drop(held);
        for step in waiting {
            step.await.unwrap();
        }
        let served = served.lock().unwrap();
        assert!(served.iter().position(|who| *who == few).unwrap() <= 1, "{served:?}");
        assert_eq!(served.len(), 6);
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
