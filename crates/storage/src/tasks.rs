//! Tasks and their history.

use cofounder_domain::{Brief, Status, TaskId, Timestamp};
use sea_orm::Value;
use serde::Serialize;

use crate::{
    Acting, Database, StorageError,
    journal::{Note, note},
    publication::forget_time,
    sql::{self, Row, Sql, id, prefix, signed, values},
    wake::tell_others,
    work::transaction,
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
    /// Tasks of a higher priority run first; 0 if nobody said otherwise.
    pub priority: i64,
    /// What its worker must have, such as `gpu`; nothing for most.
    pub needs: String,
    /// From when on it may run.
    pub ready_at: Timestamp,
    /// When it must be done.
    pub deadline_at: Option<Timestamp>,
    /// Who runs it now; see [`crate::owner_name`].
    pub owner: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
    /// The number of its newest journal entry: it grows with every change of the task.
    #[serde(skip)]
    pub events: i64,
}

/// A task in a list: one that cannot be read hides no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Listed {
    /// As the database has it.
    Task(Box<Task>),
    /// Its brief was damaged, or a newer version wrote it.
    Unreadable {
        /// Its id.
        id: TaskId,
        /// Where it stands.
        status: Status,
        /// When it was asked for.
        created_at: Timestamp,
        /// What is wrong.
        unreadable: String,
    },
}

impl Listed {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        match self {
            Self::Task(task) => task.id,
            Self::Unreadable { id, .. } => *id,
        }
    }
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

impl Database {
    /// A task.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn task(&self, task: TaskId) -> Result<Task, StorageError> {
        let row = self.read().one("SELECT * FROM tasks WHERE id = $1", values![id(task)]).await?;
        task_of(&row.ok_or_else(|| StorageError::NotFound { what: "task", id: task.to_string() })?)
    }

    /// The id of the task whose id begins like this.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none, [`StorageError::Conflict`] if there are several.
    pub async fn find_task(&self, typed: &str) -> Result<TaskId, StorageError> {
        let text = "SELECT id FROM tasks WHERE id LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 2";
        let rows = self.read().all(text, values![prefix(typed)]).await?;
        match rows.as_slice() {
            [row] => row.parse("id"),
            [] => Err(StorageError::NotFound { what: "task", id: typed.to_owned() }),
            _ => {
                Err(StorageError::Conflict(format!("`{typed}` fits more than one task. Give more of its id")))
            }
        }
    }

    /// Tasks, the newest first; of one status, if one is named.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn list_tasks(
        &self,
        limit: u64,
        cursor: Option<&str>,
        status: Option<Status>,
    ) -> Result<Page<Listed>, StorageError> {
        let (condition, mut row) = sql::conditions([
            ("id <", sql::cursor::<TaskId>(cursor)?.map(Value::from)),
            ("status =", status.map(|status| Value::from(status.as_str()))),
        ]);
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!("SELECT * FROM tasks WHERE {condition} ORDER BY id DESC LIMIT ${}", row.len());
        let rows = self.read().all(&text, row).await?;
        let tasks = rows.iter().map(listed).collect::<Result<_, _>>()?;
        Ok(Page::cut(tasks, limit, |t: &Listed| t.id().to_string()))
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
                let old = row.get::<Option<String>>("old")?.map(|s| s.parse()).transpose();
                Ok(HistoryEntry {
                    at: row.time("at")?,
                    old: old.map_err(|e| sql::unread("status", e))?,
                    new: row.parse("new")?,
                    reason: row.get("reason")?,
                })
            })
            .collect()
    }
}

impl Acting<'_> {
    /// Moves a task on a person's word, with the reason in its history. Whoever runs it at that moment can write
    /// nothing more: the fence moves with it.
    ///
    /// # Errors
    /// [`StorageError::Illegal`] if the transition table does not allow it; [`StorageError::Changed`] if it is not any
    /// more what was seen.
    pub async fn move_task(&self, task: TaskId, to: Status, reason: &str) -> Result<Task, StorageError> {
        let moved = transaction!(self.db, |sql| {
            self.unchanged(&sql, task).await?;
            shift(&sql, task, to, reason, None).await?;
            self.act.note(&sql, &format!("task.{}", verb(to)), ("task", task), reason).await?;
            tell_others(&sql).await
        });
        moved.await?;
        self.moved(task).await
    }

    /// Puts a task that was set aside back to where it was: a draft waits for approval again, all else waits to run.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is not set aside; [`StorageError::Changed`] if it is not any more what was seen.
    pub async fn release_task(&self, task: TaskId) -> Result<Task, StorageError> {
        let moved = transaction!(self.db, |sql| {
            let row = self.unchanged(&sql, task).await?;
            let status: Status = row.parse("status")?;
            if status != Status::OnHold {
                return Err(StorageError::Conflict(format!("the task is {status}, not on hold")));
            }
            let to = match row.get::<Option<String>>("held_from")?.as_deref() {
                Some("awaiting_approval" | "approved") => Status::AwaitingApproval,
                _ => Status::Pending,
            };
            shift(&sql, task, to, "released", None).await?;
            self.act.note(&sql, "task.release", ("task", task), to.as_str()).await?;
            tell_others(&sql).await
        });
        moved.await?;
        self.moved(task).await
    }

    /// A task's row, if it is still what was seen.
    pub(crate) async fn unchanged(&self, sql: &Sql<'_>, task: TaskId) -> Result<Row, StorageError> {
        let row = stored(sql, task).await?;
        self.act.still("task", task, row.number("events")?)?;
        Ok(row)
    }

    /// Tells workers, and how the task is now.
    pub(crate) async fn moved(&self, task: TaskId) -> Result<Task, StorageError> {
        self.db.ring();
        self.db.task(task).await
    }
}

/// What is done to a task that comes to this status.
fn verb(to: Status) -> &'static str {
    match to {
        Status::OnHold => "hold",
        Status::Cancelled => "cancel",
        Status::Rejected => "reject",
        other => other.as_str(),
    }
}

/// Moves a task after the table of `domain`, with its history and a journal entry, and outdates whoever ran it.
pub(crate) async fn shift(
    sql: &Sql<'_>,
    task: TaskId,
    to: Status,
    reason: &str,
    error: Option<&str>,
) -> Result<(), StorageError> {
    let from: Status = stored(sql, task).await?.parse("status")?;
    from.to(to)?;
    let now = sql.db.millis();
    let text = "UPDATE tasks SET status = $2, error = $3, updated_at = $4, owner = NULL, lease_until = NULL, lease_boot = NULL,
                  fence = fence + 1, held_from = $5 WHERE id = $1";
    let held_from = (to == Status::OnHold).then(|| from.as_str().to_owned());
    sql.run(text, values![id(task), to.as_str(), error.map(str::to_owned), now, held_from]).await?;
    if from == Status::Approved {
        forget_time(sql, task).await?;
    }
    remember(sql, task, Some(from), to, reason, now).await?;
    note(sql, task, &Note { event: "moved", path: "", detail: &format!("{from} → {to}: {reason}") }).await
}

pub(crate) async fn remember(
    sql: &Sql<'_>,
    task: TaskId,
    old: Option<Status>,
    new: Status,
    reason: &str,
    now: i64,
) -> Result<(), StorageError> {
    let text = "INSERT INTO task_history (task_id, at, old, new, reason) VALUES ($1, $2, $3, $4, $5)";
    let old = old.map(|s| s.as_str().to_owned());
    sql.run(text, values![id(task), now, old, new.as_str(), reason]).await.map(drop)
}

/// A task's row, which nobody else changes until the transaction ends.
pub(crate) async fn stored(sql: &Sql<'_>, task: TaskId) -> Result<Row, StorageError> {
    let row = sql.one(&format!("SELECT * FROM tasks WHERE id = $1{}", sql.lock()), values![id(task)]).await?;
    row.ok_or_else(|| StorageError::NotFound { what: "task", id: task.to_string() })
}

fn listed(row: &Row) -> Result<Listed, StorageError> {
    match task_of(row) {
        Ok(task) => Ok(Listed::Task(Box::new(task))),
        Err(error @ StorageError::Unreadable { .. }) => Ok(Listed::Unreadable {
            id: row.parse("id")?,
            status: row.parse("status")?,
            created_at: row.time("created_at")?,
            unreadable: error.to_string(),
        }),
        Err(error) => Err(error),
    }
}

fn task_of(row: &Row) -> Result<Task, StorageError> {
    let payload = row.small("payload_version")?;
    if payload > Brief::VERSION {
        return Err(sql::unread(
            &format!("brief of task {}", row.get::<String>("id")?),
            format!(
                "a newer version of cofounder wrote it: form {payload}, this one knows {}",
                Brief::VERSION
            ),
        ));
    }
    Ok(Task {
        id: row.parse("id")?,
        status: row.parse("status")?,
        brief: row.json("brief")?,
        error: row.get("error")?,
        version: row.get::<Option<i64>>("workflow_version")?.and_then(|v| u32::try_from(v).ok()),
        priority: row.get("priority")?,
        needs: row.get("needs")?,
        ready_at: row.time("ready_at")?,
        deadline_at: row.maybe_time("deadline_at")?,
        owner: row.get("owner")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        events: row.get("events")?,
    })
}
