//! Tasks and their history.

use cofounder_domain::{Brief, SiteId, Source, Status, TaskId, Timestamp};
use sea_orm::ConnectionTrait;
use serde::Serialize;

use crate::{
    Database, StorageError,
    sources::put_source,
    sql::{self, Row, Sql, id, prefix, signed, to_json, values},
};

/// A task as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Where it stands.
    pub status: Status,
    /// What was asked for.
    pub brief: Brief,
    /// Why its last run failed, if it did.
    pub error: Option<String>,
    /// The workflow's version that it began with.
    pub version: Option<u32>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// A change of a task's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// From which status; absent for the first entry.
    pub old: Option<Status>,
    /// To which.
    pub new: Status,
    /// Why, in words a person reads.
    pub reason: String,
}

/// A page of a list, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The page.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page from one row more than was asked for.
    pub(crate) fn cut(mut items: Vec<T>, limit: u64, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(cursor);
        Self { items, next_cursor }
    }
}

/// A document that was read when the task was made.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// What it says of itself.
    pub source: Source,
    /// Its bytes as read.
    pub bytes: Vec<u8>,
}

impl Database {
    /// Stores a task and the sources that were read for it, in one transaction.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; then nothing of it is kept.
    pub async fn create_task(&self, brief: &Brief, sources: &[NewSource]) -> Result<Task, StorageError> {
        let (task, now) = (TaskId::new(self.now()), self.millis());
        let transaction = self.begin().await?;
        let sql = self.within(&transaction);
        let text = "INSERT INTO tasks (id, site_id, brief, status, created_at, updated_at) VALUES ($1, $2, $3, 'pending', $4, $4)";
        sql.run(text, values![id(task), SiteId::DEFAULT.to_string(), to_json(brief)?, now]).await?;
        remember(&sql, task, None, Status::Pending, "asked for", now).await?;
        for new in sources {
            put_source(&sql, task, &new.source, &new.bytes, now).await?;
        }
        self.commit(transaction).await?;
        self.task(task).await
    }

    /// A task.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn task(&self, task: TaskId) -> Result<Task, StorageError> {
        task_in(&self.read(), task).await
    }

    /// The task whose id begins like this.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none, [`StorageError::Conflict`] if there are several.
    pub async fn find_task(&self, typed: &str) -> Result<Task, StorageError> {
        let text = "SELECT * FROM tasks WHERE id LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 2";
        let rows = self.read().all(text, values![prefix(typed)]).await?;
        match rows.as_slice() {
            [row] => task_of(row),
            [] => Err(StorageError::NotFound { what: "task", id: typed.to_owned() }),
            _ => {
                Err(StorageError::Conflict(format!("`{typed}` fits more than one task. Give more of its id")))
            }
        }
    }

    /// Tasks, the newest first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn list_tasks(&self, limit: u64, cursor: Option<&str>) -> Result<Page<Task>, StorageError> {
        let text = "SELECT * FROM tasks WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2";
        let rows = self.read().all(text, values![sql::cursor::<TaskId>(cursor)?, signed(limit) + 1]).await?;
        let tasks = rows.iter().map(task_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(tasks, limit, |t: &Task| t.id.to_string()))
    }

    /// Every change of a task's status, the first first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn history(&self, task: TaskId) -> Result<Vec<HistoryEntry>, StorageError> {
        let text = "SELECT * FROM task_history WHERE task_id = $1 ORDER BY id";
        let rows = self.read().all(text, values![id(task)]).await?;
        rows.iter()
            .map(|row| {
                let old = row
                    .get::<Option<String>>("old")?
                    .map(|s| s.parse())
                    .transpose()
                    .map_err(StorageError::bug)?;
                Ok(HistoryEntry {
                    at: row.time("at")?,
                    old,
                    new: row.parse("new")?,
                    reason: row.get("reason")?,
                })
            })
            .collect()
    }

    /// Moves a task on a person's word, with the reason in its history. Whoever runs it at that moment can write
    /// nothing more: the fence moves with it.
    ///
    /// # Errors
    /// [`StorageError::Illegal`] if the transition table does not allow it.
    pub async fn move_task(&self, task: TaskId, to: Status, reason: &str) -> Result<Task, StorageError> {
        let transaction = self.begin().await?;
        let sql = self.within(&transaction);
        let now = self.millis();
        shift(&sql, task, to, reason, None, now).await?;
        self.commit(transaction).await?;
        self.task(task).await
    }

    /// Makes a task ready for another run. Finished steps keep their results, but for `from` and those that began
    /// after it, which are forgotten.
    ///
    /// # Errors
    /// [`StorageError::Illegal`] if it did not end, [`StorageError::NotFound`] if it has no such step.
    pub async fn retry_task(&self, task: TaskId, from: Option<&str>) -> Result<Task, StorageError> {
        let transaction = self.begin().await?;
        let sql = self.within(&transaction);
        let reason = from.map_or_else(|| "retried".to_owned(), |step| format!("retried from {step}"));
        shift(&sql, task, Status::Pending, &reason, None, self.millis()).await?;
        if let Some(step) = from {
            let text = "SELECT min(position) AS position FROM steps WHERE task_id = $1 AND (path = $2 OR path LIKE $3 ESCAPE '\\')";
            let row = sql.one(text, values![id(task), step.to_owned(), prefix(&format!("{step}/"))]).await?;
            let position = row.map(|r| r.get::<Option<i64>>("position")).transpose()?.flatten();
            let Some(position) = position else {
                return Err(StorageError::NotFound { what: "step", id: step.to_owned() });
            };
            // The calls stay in the ledger, under keys that no question has: the steps ask anew.
            let text =
                "UPDATE model_calls SET call_key = call_key || '/' || id WHERE task_id = $1 AND step IN
                        (SELECT path FROM steps WHERE task_id = $1 AND position >= $2)";
            sql.run(text, values![id(task), position]).await?;
            sql.run("DELETE FROM steps WHERE task_id = $1 AND position >= $2", values![id(task), position])
                .await?;
        }
        sql.run(
            "DELETE FROM steps WHERE task_id = $1 AND status IN ('failed', 'running')",
            values![id(task)],
        )
        .await?;
        self.commit(transaction).await?;
        self.task(task).await
    }
}

/// Moves a task after the table of `domain`, with its history, and outdates whoever ran it.
pub(crate) async fn shift<C: ConnectionTrait>(
    sql: &Sql<'_, C>,
    task: TaskId,
    to: Status,
    reason: &str,
    error: Option<&str>,
    now: i64,
) -> Result<(), StorageError> {
    let from = task_in(sql, task).await?.status;
    from.to(to)?;
    let text = "UPDATE tasks SET status = $2, error = $3, updated_at = $4, owner = NULL, lease_until = NULL, fence = fence + 1 WHERE id = $1";
    sql.run(text, values![id(task), to.as_str(), error.map(str::to_owned), now]).await?;
    remember(sql, task, Some(from), to, reason, now).await
}

pub(crate) async fn remember<C: ConnectionTrait>(
    sql: &Sql<'_, C>,
    task: TaskId,
    old: Option<Status>,
    new: Status,
    reason: &str,
    now: i64,
) -> Result<(), StorageError> {
    let text = "INSERT INTO task_history (task_id, at, old, new, reason) VALUES ($1, $2, $3, $4, $5)";
    let old = old.map(|s| s.as_str().to_owned());
    sql.run(text, values![id(task), now, old, new.as_str(), reason.to_owned()]).await.map(drop)
}

pub(crate) async fn task_in<C: ConnectionTrait>(
    sql: &Sql<'_, C>,
    task: TaskId,
) -> Result<Task, StorageError> {
    let row = sql.one("SELECT * FROM tasks WHERE id = $1", values![id(task)]).await?;
    task_of(&row.ok_or_else(|| StorageError::NotFound { what: "task", id: task.to_string() })?)
}

fn task_of(row: &Row) -> Result<Task, StorageError> {
    Ok(Task {
        id: row.parse("id")?,
        status: row.parse("status")?,
        brief: row.json("brief")?,
        error: row.get("error")?,
        version: row.get::<Option<i64>>("workflow_version")?.and_then(|v| u32::try_from(v).ok()),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
