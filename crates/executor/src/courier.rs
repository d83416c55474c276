//! Effects outside, carried out once each: the intent stands in the database before, the receipt after.

use async_trait::async_trait;
use cofounder_storage::{Delivery, DueEffect, StorageError, Wakeup, patiently};
use futures_util::{StreamExt, stream};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{Executor, Stop};

/// How long carrying one effect out may take; its lease is twice that.
const ALLOWED: Duration = Duration::from_secs(30);
/// Effects at the same time.
const AT_ONCE: usize = 8;
/// How often one is tried.
const TRIES: u32 = 10;

/// Carries effects out.
#[async_trait]
pub trait Courier: Send + Sync {
    /// The names of the targets that it reaches. Effects for others are left to workers that reach those.
    fn targets(&self) -> Vec<String>;

    /// Carries one out, with its id as the key by which a receiver knows it again. `Delivery::Again` only if it is sure
    /// that nothing happened, or the receiver honours keys.
    async fn carry(&self, effect: &DueEffect, cancel: &CancellationToken) -> Delivery;
}

/// Delivers for as long as its worker works: a receiver that is slow keeps no task waiting.
pub(crate) async fn keep_delivering(
    executor: Arc<Executor>,
    courier: Arc<dyn Courier>,
    mut wakeup: Wakeup,
    poll: Duration,
    stop: Stop,
) {
    while !stop.drain.is_cancelled() && !stop.now.is_cancelled() {
        if let Err(error) = deliver(&executor, &courier, &stop).await {
            tracing::warn!(%error, "looking for effects again soon");
        }
        tokio::select! {
            () = wakeup.wait(poll) => {}
            () = stop.drain.cancelled() => {}
            () = stop.now.cancelled() => {}
        }
    }
}

/// Judges effects of workers that are gone, and carries out those that are due.
async fn deliver(executor: &Executor, courier: &Arc<dyn Courier>, stop: &Stop) -> Result<(), StorageError> {
    executor.db.recover_effects(&executor.owner).await?;
    loop {
        if stop.drain.is_cancelled() || stop.now.is_cancelled() {
            return Ok(());
        }
        let due = executor
            .db
            .claim_effects(&executor.owner, ALLOWED * 2, &courier.targets(), AT_ONCE as u64)
            .await?;
        if due.is_empty() {
            return Ok(());
        }
        let carried = stream::iter(due).map(|effect| {
            let span = tracing::error_span!("effect", effect = %effect.id, task = %effect.task);
            carry(executor, courier, effect, stop).instrument(span)
        });
        let carried: Vec<_> = carried.buffer_unordered(AT_ONCE).collect().await;
        carried.into_iter().collect::<Result<Vec<()>, _>>()?;
    }
}

async fn carry(
    executor: &Executor,
    courier: &Arc<dyn Courier>,
    effect: DueEffect,
    stop: &Stop,
) -> Result<(), StorageError> {
    let delivery = match timeout(ALLOWED, courier.carry(&effect, &stop.now)).await {
        Ok(delivery) => delivery,
        Err(_) if effect.effect.keyed => Delivery::Again("it took too long".to_owned(), Duration::ZERO),
        Err(_) => Delivery::Unknown("it took too long; nobody knows whether it arrived".to_owned()),
    };
    let delivery = match delivery {
        Delivery::Again(error, _) if effect.attempt >= TRIES => {
            Delivery::Failed(format!("given up after {TRIES} tries; the last one: {error}"))
        }
        Delivery::Again(error, after) => Delivery::Again(error, after.max(pause(effect.attempt))),
        delivery => delivery,
    };
    executor.metrics.carried(&delivery);
    let written = patiently(ALLOWED, &stop.now, || executor.db.finish_effect(&effect, &delivery)).await;
    match written {
        // Others have judged it meanwhile.
        Err(StorageError::Stale) => Ok(()),
        written => written,
    }
}

/// 1 s, doubled with each attempt up to an hour.
fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(12)).min(Duration::from_secs(3600))
}
