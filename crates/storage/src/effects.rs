//! Effects outside: the intent is written down before one is carried out, and the receipt after it was.
//!
//! Between the two nobody can know from here whether it happened. For a receiver that takes a second delivery with the
//! same key for the first one it is carried out again; for any other the entry says `unknown`, and stays so.

use cofounder_domain::{TaskId, Timestamp};
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

use crate::{
    Database, Owner, StorageError,
    journal::{Note, note},
    lease::LeaseClock,
    sql::{Row, Sql, id, signed, to_json, values},
    tasks::stored,
    work::transaction,
};

/// What is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEffect {
    /// By which means, such as `webhook`.
    pub kind: String,
    /// Which of those, by its name in the configuration.
    pub target: String,
    /// What is sent.
    pub payload: String,
    /// Whether the receiver honours keys: a second delivery with the same key is the first one to it.
    pub keyed: bool,
}

/// An effect as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectRecord {
    /// Its idempotency key.
    pub id: String,
    /// By which means.
    pub kind: String,
    /// Which of those.
    pub target: String,
    /// `pending`, `sending`, `done`, `failed` or `unknown`.
    pub state: String,
    /// How often it was begun.
    pub attempts: u32,
    /// What the receiver said.
    pub receipt: Option<String>,
    /// Why the last attempt failed, or why nothing is known.
    pub error: Option<String>,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// The right to carry an effect out, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEffect {
    /// Its idempotency key.
    pub id: String,
    /// The task that it follows from.
    pub task: TaskId,
    /// What is to happen.
    pub effect: NewEffect,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    fence: i64,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It happened; the receiver said this.
    Done(String),
    /// It did not happen, and may be tried again after this time.
    Again(String, Duration),
    /// It did not happen, and never will.
    Failed(String),
    /// Nobody knows whether it happened.
    Unknown(String),
}

/// Writes an effect down, within the transaction of what it follows from.
pub(crate) async fn intend(sql: &Sql<'_>, task: TaskId, effect: &NewEffect) -> Result<(), StorageError> {
    let text =
        "INSERT INTO effects (id, task_id, kind, target, payload, keyed, state, created_at, updated_at)
                VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $7)";
    let (key, now) = (Uuid::new_v4().to_string(), sql.db.millis());
    let (kind, target) = (effect.kind.as_str(), effect.target.as_str());
    let row = values![key, id(task), kind, target, effect.payload.clone(), i64::from(effect.keyed), now];
    sql.run(text, row).await?;
    told(sql, task, "intended", kind, target, "").await
}

pub(crate) async fn told(
    sql: &Sql<'_>,
    task: TaskId,
    what: &str,
    kind: &str,
    target: &str,
    why: &str,
) -> Result<(), StorageError> {
    let colon = if why.is_empty() { "" } else { ": " };
    let detail = format!("{kind} {target}{colon}{why}");
    note(sql, task, &Note { event: &format!("effect_{what}"), path: "", detail: &detail }).await
}

impl Database {
    /// Takes effects for these targets whose time has come. Each must be finished by [`Database::finish_effect`] within the lease.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn claim_effects(
        &self,
        owner: &Owner,
        lease: Duration,
        targets: &[String],
        limit: u64,
    ) -> Result<Vec<DueEffect>, StorageError> {
        let (sql, targets) = (self.read(), to_json(&targets)?);
        let text = format!(
            "SELECT id FROM effects WHERE state = 'pending' AND target IN ({}) AND {} ORDER BY created_at, id LIMIT $2",
            sql.listed(1),
            LeaseClock::no_pause(3)
        );
        let clock = LeaseClock::read(&sql).await?;
        // Nothing to do is the rule, and costs no transaction.
        if sql.all(&text, values![targets.clone(), 1_i64, clock.boot.clone(), clock.now]).await?.is_empty() {
            return Ok(Vec::new());
        }
        transaction!(self, |sql| {
            let text = format!("{text}{}", sql.lock_free_ones());
            let row = values![targets.clone(), signed(limit), clock.boot.clone(), clock.now];
            let mut due = Vec::new();
            for row in sql.all(&text, row).await? {
                let text = "UPDATE effects SET state = 'sending', attempts = attempts + 1, fence = fence + 1, owner = $2, lease_until = $3,
                              lease_boot = $4, updated_at = $5 WHERE id = $1 RETURNING *";
                let effect: String = row.get("id")?;
                let row = values![effect, owner.id(), clock.end(lease), clock.boot.clone(), sql.db.millis()];
                due.push(due_of(&sql.one(text, row).await?.ok_or(StorageError::Stale)?)?);
            }
            Ok(due)
        })
        .await
    }

    /// Writes down what came of an effect.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if it took longer than its lease and others judged it; then nothing is written.
    pub async fn finish_effect(&self, due: &DueEffect, delivery: &Delivery) -> Result<(), StorageError> {
        let (state, receipt, error, pause) = match delivery {
            Delivery::Done(receipt) => ("done", Some(receipt.clone()), None, Duration::ZERO),
            Delivery::Again(error, pause) => ("pending", None, Some(error.clone()), *pause),
            Delivery::Failed(error) => ("failed", None, Some(error.clone()), Duration::ZERO),
            Delivery::Unknown(error) => ("unknown", None, Some(error.clone()), Duration::ZERO),
        };
        transaction!(self, |sql| {
            stored(&sql, due.task).await?;
            let clock = LeaseClock::read(&sql).await?;
            let text = "UPDATE effects SET state = $3, receipt = $4, error = $5, lease_until = $6, lease_boot = $7, updated_at = $8,
                          owner = NULL WHERE id = $1 AND fence = $2 AND state = 'sending'";
            let (until, now) = (clock.end(pause), sql.db.millis());
            let row = values![due.id.clone(), due.fence, state, receipt.clone(), error.clone(), until, clock.boot, now];
            if sql.run(text, row).await? == 0 {
                return Err(StorageError::Stale);
            }
            let what = if state == "pending" { "delayed" } else { state };
            let why = error.as_deref().or(receipt.as_deref()).unwrap_or_default();
            told(&sql, due.task, what, &due.effect.kind, &due.effect.target, why).await
        })
        .await
    }

    /// Judges effects whose worker ended, or took too long, between intent and receipt. Tells how many there were.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn recover_effects(&self, owner: &Owner) -> Result<usize, StorageError> {
        let text = "SELECT * FROM effects WHERE state = 'sending' ORDER BY id LIMIT 100";
        let sending = self.read().all(text, values![]).await?;
        if sending.is_empty() {
            return Ok(0);
        }
        let (clock, mut judged) = (LeaseClock::read(&self.read()).await?, 0);
        for row in sending {
            if clock.held(&row, owner)?.is_some() {
                continue;
            }
            let effect: String = row.get("id")?;
            let done = transaction!(self, |sql| {
                let lock = sql.lock_free_ones();
                let text = format!("SELECT * FROM effects WHERE id = $1 AND state = 'sending'{lock}");
                let Some(row) = sql.one(&text, values![effect.clone()]).await? else { return Ok(0) };
                if LeaseClock::read(&sql).await?.held(&row, owner)?.is_some() {
                    return Ok(0);
                }
                judge(&sql, &due_of(&row)?).await?;
                Ok(1)
            });
            judged += done.await?;
        }
        Ok(judged)
    }

    /// A task's effects, the first first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn effects(&self, task: TaskId) -> Result<Vec<EffectRecord>, StorageError> {
        let text = "SELECT * FROM effects WHERE task_id = $1 ORDER BY created_at, id";
        let rows = self.read().all(text, values![id(task)]).await?;
        rows.iter().map(record_of).collect()
    }
}

pub(crate) fn record_of(row: &Row) -> Result<EffectRecord, StorageError> {
    Ok(EffectRecord {
        id: row.get("id")?,
        kind: row.get("kind")?,
        target: row.get("target")?,
        state: row.get("state")?,
        attempts: row.small("attempts")?,
        receipt: row.get("receipt")?,
        error: row.get("error")?,
        updated_at: row.time("updated_at")?,
    })
}

async fn judge(sql: &Sql<'_>, due: &DueEffect) -> Result<(), StorageError> {
    let (state, what, why) = if due.effect.keyed {
        ("pending", "delayed", "its worker ended while it was being sent; it is sent again with the same key")
    } else {
        (
            "unknown",
            "unknown",
            "its worker ended while it was being sent; nobody knows whether it arrived, so it is not sent again",
        )
    };
    let text = "UPDATE effects SET state = $2, error = $3, fence = fence + 1, updated_at = $4, owner = NULL, lease_until = NULL,
                  lease_boot = NULL WHERE id = $1";
    sql.run(text, values![due.id.clone(), state, why, sql.db.millis()]).await?;
    told(sql, due.task, what, &due.effect.kind, &due.effect.target, why).await
}

fn due_of(row: &Row) -> Result<DueEffect, StorageError> {
    Ok(DueEffect {
        id: row.get("id")?,
        task: row.parse("task_id")?,
        effect: NewEffect {
            kind: row.get("kind")?,
            target: row.get("target")?,
            payload: row.get("payload")?,
            keyed: row.get::<i64>("keyed")? == 1,
        },
        attempt: row.small("attempts")?,
        fence: row.get("fence")?,
    })
}
