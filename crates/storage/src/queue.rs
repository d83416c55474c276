//! The queue: which task runs next, who runs it, and what becomes of tasks whose worker is gone.

use cofounder_domain::{RunId, Status, TaskId};
use std::{collections::BTreeSet, time::Duration};

use crate::{
    Database, Owner, StorageError,
    journal::{Note, note},
    lease::LeaseClock,
    sql::{Row, Sql, id, signed, values},
    tasks::{remember, shift, stored},
    wake::tell_others,
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

/// What became of tasks whose workers are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// They wait again.
    pub waiting: Vec<TaskId>,
    /// They were given up.
    pub given_up: Vec<TaskId>,
}

/// How often a task may be run in a row without anything being journalled.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Runs.
    pub runs: u32,
    /// The pause before the second of them; it doubles.
    pub pause: Duration,
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
                    shift(&sql, task, Status::Pending, "its process ended while it ran", None).await?;
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

    /// Makes tasks claimable whose time has come, and fails waiting ones whose deadline has passed. Tells how many of
    /// the first there were.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn promote(&self) -> Result<u64, StorageError> {
        let now = self.millis();
        // Nothing to do is the rule, and costs no transaction.
        let text =
            "SELECT count(*) AS due FROM tasks WHERE status = 'pending' AND due = 0 AND ready_at <= $1";
        let due: i64 = self.read().one(text, values![now]).await?.map_or(Ok(0), |row| row.get("due"))?;
        let text = "SELECT id FROM tasks WHERE status = 'pending' AND deadline_at IS NOT NULL AND deadline_at <= $1 LIMIT 100";
        let overdue = self.read().all(text, values![now]).await?;
        for row in overdue {
            let reason = "its deadline passed before it could be done";
            let failed = transaction!(self, |sql| {
                let task = row.parse("id")?;
                // It may have been claimed since.
                if stored(&sql, task).await?.parse::<Status>("status")? != Status::Pending {
                    return Ok(());
                }
                shift(&sql, task, Status::Failed, reason, Some(reason)).await
            });
            failed.await?;
        }
        if due == 0 {
            return Ok(0);
        }
        let text = "UPDATE tasks SET due = 1 WHERE status = 'pending' AND due = 0 AND ready_at <= $1";
        transaction!(self, |sql| sql.run(text, values![now]).await).await
    }

    /// Sets tasks free whose worker's process or lease has ended. A run that brought nothing into the journal counts
    /// against `patience`; when that is used up the task is given up, with the reason.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn recover(&self, owner: &Owner, patience: Patience) -> Result<Recovered, StorageError> {
        let mut recovered = Recovered::default();
        // One by one: what keeps one from being set free is nothing to the others.
        for task in abandoned(&self.read(), owner).await? {
            let set_free = transaction!(self, |sql| {
                let lock = sql.lock_free_ones();
                let text = format!("SELECT * FROM tasks WHERE id = $1 AND status = 'in_progress'{lock}");
                let Some(row) = sql.one(&text, values![id(task)]).await? else { return Ok(None) };
                if LeaseClock::read(&sql).await?.held(&row, owner)?.is_some() {
                    return Ok(None);
                }
                let waits = set_free(&sql, task, &row, patience).await?;
                tell_others(&sql).await?;
                Ok(Some(waits))
            });
            match set_free.await? {
                Some(true) => recovered.waiting.push(task),
                Some(false) => recovered.given_up.push(task),
                None => {}
            }
        }
        Ok(recovered)
    }

    /// Whether anything is left that somebody may have to do: a task that waits or runs, an effect that is not carried
    /// out yet. What is to begin later does not count.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn has_open_work(&self) -> Result<bool, StorageError> {
        let text = "SELECT 1 AS open WHERE EXISTS (SELECT 1 FROM tasks WHERE status = 'pending' AND due = 1)
                      OR EXISTS (SELECT 1 FROM tasks WHERE status = 'in_progress')
                      OR EXISTS (SELECT 1 FROM effects WHERE state = 'pending' AND ready_at <= $1)
                      OR EXISTS (SELECT 1 FROM effects WHERE state = 'sending')";
        Ok(self.read().one(text, values![self.millis()]).await?.is_some())
    }
}

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
         WHERE status = 'pending' AND due = 1 AND needs = $1 AND payload_version <= $2
           AND (workflow_version IS NULL OR workflow_version <= $3)
         ORDER BY {order} LIMIT $4{}",
        sql.lock_free_ones()
    );
    let payload = i64::from(cofounder_domain::Brief::VERSION);
    let row = values![needs, payload, i64::from(wants.workflow), signed(wants.limit)];
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
    if payload > i64::from(cofounder_domain::Brief::VERSION) {
        return Err(StorageError::Conflict(format!(
            "the task was asked for with a newer version of cofounder (brief {payload}, this one knows {}). Use the newer version",
            cofounder_domain::Brief::VERSION
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

/// Tasks that are in progress and whose owner's process or lease has ended.
async fn abandoned(sql: &Sql<'_>, owner: &Owner) -> Result<Vec<TaskId>, StorageError> {
    let clock = LeaseClock::read(sql).await?;
    let text = "SELECT DISTINCT owner FROM tasks WHERE status = 'in_progress' AND owner IS NOT NULL";
    let owners = sql.all(text, values![]).await?;
    let owners = owners.iter().map(|row| row.get("owner")).collect::<Result<Vec<String>, _>>()?;
    let gone: Vec<String> = owners.into_iter().filter(|holder| owner.is_gone(holder)).collect();
    let gone = serde_json::to_string(&gone).map_err(StorageError::bug)?;
    let listed = sql.on_postgres(
        "SELECT value FROM json_array_elements_text($3::json)",
        "SELECT value FROM json_each($3)",
    );
    let text = format!(
        "SELECT id FROM tasks WHERE status = 'in_progress'
           AND (lease_until <= $1 OR lease_boot <> $2 OR owner IN ({listed})) ORDER BY id LIMIT 100"
    );
    let rows = sql.all(&text, values![clock.now, clock.boot, gone]).await?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// Lets others run a task again. Tells whether it waits now: it is given up if too many runs brought nothing.
async fn set_free(sql: &Sql<'_>, task: TaskId, row: &Row, patience: Patience) -> Result<bool, StorageError> {
    let fruitless = row.small("fruitless")?;
    let holder = row.get::<Option<String>>("owner")?.map(|o| crate::owner_name(&o)).unwrap_or_default();
    if fruitless >= patience.runs {
        let reason = format!(
            "given up after {fruitless} runs in a row that ended before anything was journalled; the last one, by {holder}, ended without a word"
        );
        shift(sql, task, Status::Failed, &reason, Some(&reason)).await?;
        return Ok(false);
    }
    shift(sql, task, Status::Pending, &format!("{holder} ended while it ran"), None).await?;
    if fruitless > 1 {
        let doubled = patience.pause.saturating_mul(1 << (fruitless - 2).min(16));
        let text = "UPDATE tasks SET due = 0, ready_at = $2 WHERE id = $1";
        let pause = signed(u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX));
        sql.run(text, values![id(task), sql.db.millis().saturating_add(pause)]).await?;
    }
    Ok(true)
}

/// Checks that a claim still holds; within a transaction, `lock` keeps it so.
pub(crate) async fn check_fence(sql: &Sql<'_>, claimed: &Claimed, lock: &str) -> Result<(), StorageError> {
    let text = format!("SELECT id FROM tasks WHERE id = $1 AND fence = $2 AND status = 'in_progress'{lock}");
    let row = sql.one(&text, values![id(claimed.task), claimed.fence]).await?;
    row.map(drop).ok_or(StorageError::Stale)
}
