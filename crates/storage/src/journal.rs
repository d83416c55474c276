//! The journal: what happened to a task, in entries whose numbers have no gaps.

use cofounder_domain::{TaskId, Timestamp};
use serde::Serialize;

use crate::{
    Database, StorageError,
    sql::{Row, Sql, id, signed, values},
};

/// An entry of the append-only journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalEvent {
    /// Its number in its task's journal, from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// `claimed`, `step_started`, `step_done`, `moved`, ….
    pub event: String,
    /// The step, if it concerns one.
    pub path: String,
    /// In words a person reads.
    pub detail: String,
    /// Who held the lease, if somebody did; see [`crate::owner_name`].
    pub owner: Option<String>,
}

impl Database {
    /// At most `limit` entries of a task's journal behind the one with the number `after`, the first first; 0 begins at
    /// the top.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn journal(
        &self,
        task: TaskId,
        after: i64,
        limit: u64,
    ) -> Result<Vec<JournalEvent>, StorageError> {
        let text = "SELECT j.seq, j.at, j.event, j.path, j.detail, r.owner FROM journal j
                    LEFT JOIN runs r ON r.task_id = j.task_id AND r.fence = j.fence
                    WHERE j.task_id = $1 AND j.seq > $2 ORDER BY j.seq LIMIT $3";
        let rows = self.read().all(text, values![id(task), after, signed(limit)]).await?;
        rows.iter().map(entry_of).collect()
    }
}

pub(crate) fn entry_of(row: &Row) -> Result<JournalEvent, StorageError> {
    Ok(JournalEvent {
        seq: row.get("seq")?,
        at: row.time("at")?,
        event: row.get("event")?,
        path: row.get("path")?,
        detail: row.get("detail")?,
        owner: row.get("owner")?,
    })
}

/// What an entry says.
pub(crate) struct Note<'a> {
    pub(crate) event: &'a str,
    pub(crate) path: &'a str,
    pub(crate) detail: &'a str,
}

/// Writes one entry with the task's next number. The caller's transaction holds the task's row.
pub(crate) async fn note(sql: &Sql<'_>, task: TaskId, note: &Note<'_>) -> Result<(), StorageError> {
    let text = "UPDATE tasks SET events = events + 1 WHERE id = $1 RETURNING events, fence";
    let row = sql.one(text, values![id(task)]).await?.ok_or(StorageError::Stale)?;
    let (seq, fence): (i64, i64) = (row.get("events")?, row.get("fence")?);
    let text = "INSERT INTO journal (task_id, seq, fence, at, event, path, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let entry = values![id(task), seq, fence, sql.db.millis(), note.event, note.path, note.detail];
    sql.run(text, entry).await.map(drop)
}
