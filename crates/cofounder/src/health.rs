//! Writes down which targets rest, so that `provider list` of another process can show it.

use cofounder_providers::{HealthChange, Router, TargetState};
use cofounder_storage::{Database, StorageError, TargetHealth};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Targets that nobody configured, of which this is kept: clients make names up.
const OTHERS: usize = 64;

/// What of it stands in the database.
struct Noted {
    db: Arc<Database>,
    owner: String,
    configured: BTreeSet<String>,
    /// Targets that nobody configured; first the one that was written down first.
    others: VecDeque<String>,
}

/// Begins it. The task ends with the router.
pub(crate) fn note_health(router: &Router, db: Arc<Database>, owner: String) {
    let (tell, mut told) = mpsc::unbounded_channel();
    router.watch(move |change| {
        // Nobody listens any more only when the program ends.
        drop(tell.send(change));
    });
    let targets = router.health().into_iter().flat_map(|provider| provider.targets);
    let configured = targets.map(|target| target.target).collect();
    let mut noted = Noted { db, owner, configured, others: VecDeque::new() };
    tokio::spawn(async move {
        while let Some(change) = told.recv().await {
            if let Err(error) = noted.note(&change).await {
                tracing::warn!(%error, target = change.target, "a target's health could not be written down");
            }
        }
    });
}

impl Noted {
    /// Of a target that is ready nothing is kept.
    async fn note(&mut self, change: &HealthChange) -> Result<(), StorageError> {
        self.others.retain(|other| *other != change.target);
        if change.state == TargetState::Ready {
            return self.db.forget_target(&self.owner, &change.target).await;
        }
        if !self.configured.contains(&change.target) {
            self.others.push_back(change.target.clone());
        }
        if self.others.len() > OTHERS
            && let Some(oldest) = self.others.pop_front()
        {
            self.db.forget_target(&self.owner, &oldest).await?;
        }
        self.db.save_health(&self.owner, &[self.seen(change)]).await
    }

    fn seen(&self, change: &HealthChange) -> TargetHealth {
        let now = self.db.now();
        let (state, left) = match change.state {
            TargetState::Ready => ("ready", None),
            TargetState::Cooling(left) => ("cooling", Some(left)),
            TargetState::Resting(left) => ("resting", Some(left)),
        };
        TargetHealth {
            target: change.target.clone(),
            state: state.to_owned(),
            failures: u64::from(change.failures),
            until: left.map(|left| now + left),
            last_error: change.last_error.clone(),
            updated_at: now,
        }
    }
}
