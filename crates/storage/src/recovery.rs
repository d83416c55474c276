//! What the passing of time brings: tasks that become due or miss their deadline, and tasks whose worker is gone.

use cofounder_domain::{Status, TaskId};
use std::time::Duration;

use crate::{
    Database, Owner, StorageError,
    lease::LeaseClock,
    sql::{Row, Sql, id, values},
    tasks::{shift, stored},
    wake::tell_others,
    work::transaction,
};

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
    /// Makes tasks claimable whose time has come, and fails waiting ones whose deadline has passed. Tells how many of
    /// the first there were.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn promote(&self) -> Result<u64, StorageError> {
        let (now, clock) = (self.millis(), LeaseClock::read(&self.read()).await?);
        let come =
            format!("status = 'pending' AND due = 0 AND ready_at <= $1 AND {}", LeaseClock::no_pause(2));
        let row = || values![now, clock.boot.clone(), clock.now];
        // Nothing to do is the rule, and costs no transaction.
        let text = format!("SELECT count(*) AS due FROM tasks WHERE {come}");
        let due: i64 = self.read().one(&text, row()).await?.map_or(Ok(0), |row| row.get("due"))?;
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
        let text = format!("UPDATE tasks SET due = 1, lease_until = NULL, lease_boot = NULL WHERE {come}");
        transaction!(self, |sql| sql.run(&text, row()).await).await
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
}

/// Tasks that are in progress and whose owner's process or lease has ended.
async fn abandoned(sql: &Sql<'_>, owner: &Owner) -> Result<Vec<TaskId>, StorageError> {
    let clock = LeaseClock::read(sql).await?;
    let text = "SELECT DISTINCT owner FROM tasks WHERE status = 'in_progress' AND owner IS NOT NULL";
    let owners = sql.all(text, values![]).await?;
    let owners = owners.iter().map(|row| row.get("owner")).collect::<Result<Vec<String>, _>>()?;
    let gone: Vec<String> = owners.into_iter().filter(|holder| owner.is_gone(holder)).collect();
    let gone = serde_json::to_string(&gone).map_err(StorageError::bug)?;
    let listed = sql.listed(3);
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
    shift(
        sql,
        task,
        Status::Pending,
        &format!("{holder} ended, or was silent for longer than its lease, while it ran"),
        None,
    )
    .await?;
    if fruitless > 1 {
        let doubled = patience.pause.saturating_mul(1 << (fruitless - 2).min(16));
        let clock = LeaseClock::read(sql).await?;
        let text = "UPDATE tasks SET due = 0, lease_until = $2, lease_boot = $3 WHERE id = $1";
        sql.run(text, values![id(task), clock.end(doubled), clock.boot]).await?;
    }
    Ok(true)
}
