//! The queue: which task runs next, who runs it, and what becomes of tasks whose worker is gone.

use cofounder_domain::{Brief, RunId, Status, TaskId};
use std::{collections::BTreeSet, time::Duration};

use crate::{
    Database, Owner, StorageError,
    journal::{Note, note},
    lease::LeaseClock,
    sql::{Row, Sql, id, signed, to_json, values},
    tasks::{remember, shift, stored},
    work::transaction,
};

/// The right to write a task's steps, until somebody else claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The task.
    pub task: TaskId,
    /// This attempt at it.
    pub run: RunId,
    /// Outdated by any later claim.
    pub fence: i64,
}

/// What came of trying to claim a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is this owner's now.
    Got(Claimed),
    /// A living owner has it; it is free after this time at the latest, if that owner does nothing more.
    Held {
        /// Until the lease ends.
        wait: Duration,
    },
    /// It needs no run: it waits for a person, or it ended.
    Settled(Status),
}

/// What a worker can run, and how much of it.
#[derive(Clone, Debug)]
pub struct Wants {
    /// What it has beside the ordinary, such as `gpu`. Tasks that need nothing special are always wanted.
    pub capabilities: Vec<String>,
    /// The newest workflow it knows; tasks that began with a newer one are left to newer workers.
    pub workflow: u32,
    /// Whether the oldest task comes first, whatever its priority. A worker that wants this now and then starves none.
    pub oldest: bool,
    /// At most this many.
    pub limit: u64,
}

impl Database {
    /// Claims one task: one that waits, or one whose owner's process or lease has ended. The workflow's version is
    /// written down with the first claim.
    ///
    /// # Errors
    /// [`StorageError::NotFound`]; [`StorageError::Conflict`] if the task began with another version of the workflow.
    pub async fn claim(
        &self,
        task: TaskId,
        owner: &Owner,
        lease: Duration,
        version: u32,
    ) -> Result<Claim, StorageError> {
        transaction!(self, |sql| {
            let row = stored(&sql, task).await?;
            match row.parse("status")? {
                Status::Pending => {}
                Status::InProgress => {
                    if let Some(wait) = LeaseClock::read(&sql).await?.held(&row, owner)? {
                        return Ok(Claim::Held { wait });
                    }
                    shift(
                        &sql,
                        task,
                        Status::Pending,
                        "its process ended, or was silent for longer than its lease, while it ran",
                        None,
                    )
                    .await?;
                }
                settled => return Ok(Claim::Settled(settled)),
            }
            check_version(&row, task, version)?;
            take(&sql, task, owner, lease, version).await.map(Claim::Got)
        })
        .await
    }

    /// Claims tasks that wait, the highest priority first and the oldest first among those of one priority.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn claim_next(
        &self,
        owner: &Owner,
        lease: Duration,
        wants: &Wants,
    ) -> Result<Vec<Claimed>, StorageError> {
        transaction!(self, |sql| {
            let mut found = Vec::new();
            // A word that is said twice finds nothing twice.
            let words: BTreeSet<&str> = wants.capabilities.iter().map(String::as_str).chain([""]).collect();
            for needs in words {
                found.extend(ready(&sql, needs, wants).await?);
            }
            found.sort_by_key(|c: &Candidate| {
                (if wants.oldest { 0 } else { -c.priority }, c.ready_at, c.task.clone())
            });
            found.truncate(usize::try_from(wants.limit).unwrap_or(usize::MAX));
            let mut claimed = Vec::new();
            for candidate in found {
                let task = candidate.task.parse().map_err(StorageError::bug)?;
                let version = candidate.version.unwrap_or(wants.workflow);
                claimed.push(take(&sql, task, owner, lease, version).await?);
            }
            Ok(claimed)
        })
        .await
    }

    /// Prolongs a lease.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now.
    pub async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<(), StorageError> {
        transaction!(self, |sql| {
            let clock = LeaseClock::read(&sql).await?;
            let text = "UPDATE tasks SET lease_until = $3, lease_boot = $4 WHERE id = $1 AND fence = $2 AND status = 'in_progress'";
            let row = values![id(claimed.task), claimed.fence, clock.end(lease), clock.boot];
            if sql.run(text, row).await? == 1 { Ok(()) } else { Err(StorageError::Stale) }
        })
        .await
    }

    /// Whether a claim still holds.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now, or a person moved it on.
    pub async fn still_mine(&self, claimed: &Claimed) -> Result<(), StorageError> {
        check_fence(&self.read(), claimed, "").await
    }

    /// Whether anything is left to wait for: a task that waits and is wanted, one that runs and may come back, an effect
    /// for one of `targets` that is not carried out yet. What is to begin later does not count.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn has_open_work(&self, wants: &Wants, targets: &[String]) -> Result<bool, StorageError> {
        let sql = self.read();
        let text = format!(
            "SELECT 1 AS open WHERE EXISTS (SELECT 1 FROM tasks WHERE status = 'pending' AND due = 1 AND {WANTED} AND needs IN ({}))
               OR EXISTS (SELECT 1 FROM tasks WHERE status = 'in_progress')
               OR EXISTS (SELECT 1 FROM effects WHERE state = 'pending' AND target IN ({}) AND {})
               OR EXISTS (SELECT 1 FROM effects WHERE state = 'sending')",
            sql.listed(3),
            sql.listed(4),
            LeaseClock::no_pause(5)
        );
        let needs: Vec<&str> =
            std::iter::once("").chain(wants.capabilities.iter().map(String::as_str)).collect();
        let (payload, workflow) = (i64::from(Brief::VERSION), i64::from(wants.workflow));
        let clock = LeaseClock::read(&sql).await?;
        let row = values![payload, workflow, to_json(&needs)?, to_json(&targets)?, clock.boot, clock.now];
        Ok(sql.one(&text, row).await?.is_some())
    }
}

/// A task that this program understands: `$1` and `$2` are the newest brief and the newest workflow that it knows.
const WANTED: &str = "payload_version <= $1 AND (workflow_version IS NULL OR workflow_version <= $2)";

struct Candidate {
    task: String,
    priority: i64,
    ready_at: i64,
    version: Option<u32>,
}

/// The next tasks that need this and nothing else. The order is that of an index, so that neither the tasks behind
/// them nor those that are done cost anything.
async fn ready(sql: &Sql<'_>, needs: &str, wants: &Wants) -> Result<Vec<Candidate>, StorageError> {
    let order = if wants.oldest { "ready_at, id" } else { "priority DESC, ready_at, id" };
    let text = format!(
        "SELECT id, priority, ready_at, workflow_version FROM tasks
         WHERE status = 'pending' AND due = 1 AND needs = $3 AND {WANTED}
         ORDER BY {order} LIMIT $4{}",
        sql.lock_free_ones()
    );
    let (payload, workflow) = (i64::from(Brief::VERSION), i64::from(wants.workflow));
    let row = values![payload, workflow, needs, signed(wants.limit)];
    let rows = sql.all(&text, row).await?;
    rows.iter()
        .map(|row| {
            let version = row.get::<Option<i64>>("workflow_version")?;
            Ok(Candidate {
                task: row.get("id")?,
                priority: row.get("priority")?,
                ready_at: row.get("ready_at")?,
                version: version.and_then(|v| u32::try_from(v).ok()),
            })
        })
        .collect()
}

/// Writes down a claim of a task that waits and whose row the transaction holds.
async fn take(
    sql: &Sql<'_>,
    task: TaskId,
    owner: &Owner,
    lease: Duration,
    version: u32,
) -> Result<Claimed, StorageError> {
    let clock = LeaseClock::read(sql).await?;
    let now = sql.db.millis();
    let text = "UPDATE tasks SET status = 'in_progress', owner = $2, lease_until = $3, lease_boot = $4, fence = fence + 1,
                  fruitless = fruitless + 1, workflow_version = $5, error = NULL, updated_at = $6
                WHERE id = $1 AND status = 'pending' RETURNING fence";
    let row = values![id(task), owner.id(), clock.end(lease), clock.boot, i64::from(version), now];
    let fence = sql.one(text, row).await?.ok_or(StorageError::Stale)?.get("fence")?;
    remember(sql, task, Some(Status::Pending), Status::InProgress, "a run began", now).await?;
    let run = RunId::new(sql.db.now());
    let text = "INSERT INTO runs (id, task_id, fence, owner, started_at) VALUES ($1, $2, $3, $4, $5)";
    sql.run(text, values![run.to_string(), id(task), fence, owner.id(), now]).await?;
    note(sql, task, &Note { event: "claimed", path: "", detail: "" }).await?;
    Ok(Claimed { task, run, fence })
}

fn check_version(row: &Row, task: TaskId, version: u32) -> Result<(), StorageError> {
    let payload: i64 = row.get("payload_version")?;
    if payload > i64::from(Brief::VERSION) {
        return Err(StorageError::Conflict(format!(
            "the task was asked for with a newer version of cofounder (brief {payload}, this one knows {}). Use the newer version",
            Brief::VERSION
        )));
    }
    match row.get::<Option<i64>>("workflow_version")? {
        Some(began) if began != i64::from(version) => Err(StorageError::Conflict(format!(
            "the task began with version {began} of the pipeline, and this program has version {version}. Its sources and calls are kept; \
             `cofounder task retry {task} --from research` does it anew"
        ))),
        _ => Ok(()),
    }
}

/// Checks that a claim still holds; within a transaction, `lock` keeps it so.
pub(crate) async fn check_fence(sql: &Sql<'_>, claimed: &Claimed, lock: &str) -> Result<(), StorageError> {
    let text = format!("SELECT id FROM tasks WHERE id = $1 AND fence = $2 AND status = 'in_progress'{lock}");
    let row = sql.one(&text, values![id(claimed.task), claimed.fence]).await?;
    row.map(drop).ok_or(StorageError::Stale)
}
