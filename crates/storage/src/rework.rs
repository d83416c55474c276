//! A draft that a person sends back with notes, and the notes.

use cofounder_domain::{Status, TaskId, Timestamp};
use serde::Serialize;

use crate::{
    Acting, Database, StorageError, Task,
    editing::refuse_written_over,
    retrying::make_ready,
    sql::{id, values},
    tasks::shift,
    wake::tell_others,
    work::transaction,
};

/// The longest notes, in characters.
const MOST: usize = 4_000;

/// What a person said of a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskNote {
    /// From 1, in the order in which they were given.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// The name of who gave them.
    pub author: String,
    /// In their words.
    pub text: String,
}

impl Acting<'_> {
    /// Sends a draft back: the notes are kept, and the task waits for a run that hands them to the writer. What was done
    /// before is kept.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if the notes say nothing or too much; [`StorageError::Conflict`] if no draft waits or was
    /// rejected, or a person has written in it; [`StorageError::Changed`] if the task is not any more what was seen. Nothing is changed then.
    pub async fn send_back(&self, task: TaskId, notes: &str) -> Result<Task, StorageError> {
        let notes = checked(notes)?;
        let sent = transaction!(self.db, |sql| {
            let row = self.unchanged(&sql, task).await?;
            let status: Status = row.parse("status")?;
            if !matches!(status, Status::AwaitingApproval | Status::Rejected) {
                return Err(StorageError::Conflict(format!(
                    "the task is {status}, and only a draft that waits for approval or was rejected is reworked. Nothing was changed"
                )));
            }
            refuse_written_over(&sql, task).await?;
            let author = self.act.actor.name();
            let text = "INSERT INTO task_notes (task_id, number, at, author, text) VALUES
                        ($1, (SELECT coalesce(max(number), 0) + 1 FROM task_notes WHERE task_id = $1), $2, $3, $4)";
            sql.run(text, values![id(task), sql.db.millis(), author, notes]).await?;
            let reason = format!("sent back: {notes}");
            shift(&sql, task, Status::Pending, &reason, None).await?;
            make_ready(&sql, task).await?;
            self.act.note(&sql, "task.rework", ("task", task), notes).await?;
            tell_others(&sql).await
        });
        sent.await?;
        self.moved(task).await
    }
}

impl Database {
    /// What people said of a task's drafts, the first first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn notes(&self, task: TaskId) -> Result<Vec<TaskNote>, StorageError> {
        let text = "SELECT number, at, author, text FROM task_notes WHERE task_id = $1 ORDER BY number";
        let rows = self.read().all(text, values![id(task)]).await?;
        rows.iter()
            .map(|row| {
                Ok(TaskNote {
                    number: row.small("number")?,
                    at: row.time("at")?,
                    author: row.get("author")?,
                    text: row.get("text")?,
                })
            })
            .collect()
    }
}

fn checked(notes: &str) -> Result<&str, StorageError> {
    let notes = notes.trim();
    match notes.chars().count() {
        0 => Err(StorageError::Invalid(
            "the notes say nothing. Say what should be otherwise; nothing was changed".to_owned(),
        )),
        chars if chars > MOST => Err(StorageError::Invalid(format!(
            "the notes have {chars} characters, and at most {MOST} are allowed. Nothing was changed"
        ))),
        _ => Ok(notes),
    }
}
