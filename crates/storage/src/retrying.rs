//! Running a task again: which results are kept, and which are forgotten.

use cofounder_domain::{Status, TaskId};

use crate::{
    Acting, StorageError, Task,
    by_hand::written,
    sql::{Sql, id, prefix, values},
    tasks::shift,
    wake::tell_others,
    work::transaction,
};

impl Acting<'_> {
    /// Makes a task ready for another run. Finished steps keep their results, but for `from` and those that began
    /// after it, which are forgotten; so is the version of the workflow if nothing is kept.
    ///
    /// # Errors
    /// [`StorageError::Illegal`] if it did not end, [`StorageError::NotFound`] if it has no such step;
    /// [`StorageError::Changed`] if it is not any more what was seen.
    pub async fn retry_task(&self, task: TaskId, from: Option<&str>) -> Result<Task, StorageError> {
        let retried = transaction!(self.db, |sql| {
            let row = self.unchanged(&sql, task).await?;
            let reason = from.map_or_else(|| "retried".to_owned(), |step| format!("retried from {step}"));
            shift(&sql, task, Status::Pending, &reason, None).await?;
            if let Some(step) = from {
                forget_from(&sql, task, step).await?;
            }
            match row.get::<i64>("by_hand")? {
                0 => make_ready(&sql, task).await?,
                _ => take_up(&sql, task).await?,
            }
            self.act.note(&sql, "task.retry", ("task", task), &reason).await?;
            tell_others(&sql).await
        });
        retried.await?;
        self.moved(task).await
    }
}

/// A draft that a person wrote waits for approval again: nothing runs it.
async fn take_up(sql: &Sql<'_>, task: TaskId) -> Result<(), StorageError> {
    let text = "SELECT id FROM posts WHERE task_id = $1";
    if sql.one(text, values![id(task)]).await?.is_none() {
        return Err(StorageError::Conflict(
            "the task's draft was written by hand, and is deleted: nothing can write it again. Write a new post".to_owned(),
        ));
    }
    written(sql, task, "taken up again").await
}

/// Lets a task that waits again be run now, whatever its earlier runs came to; what they did not finish is forgotten.
pub(crate) async fn make_ready(sql: &Sql<'_>, task: TaskId) -> Result<(), StorageError> {
    let text = "DELETE FROM steps WHERE task_id = $1 AND status IN ('failed', 'running')";
    sql.run(text, values![id(task)]).await?;
    let text = "UPDATE tasks SET fruitless = 0, due = 1, lease_until = NULL, ready_at = $2, deadline_at = NULL, workflow_version =
                  CASE WHEN EXISTS (SELECT 1 FROM steps WHERE task_id = $1) THEN workflow_version END WHERE id = $1";
    sql.run(text, values![id(task), sql.db.millis()]).await.map(drop)
}

/// Forgets a step's result, and those of the steps that began after it.
async fn forget_from(sql: &Sql<'_>, task: TaskId, step: &str) -> Result<(), StorageError> {
    let text = "SELECT min(position) AS position FROM steps WHERE task_id = $1 AND (path = $2 OR path LIKE $3 ESCAPE '\\')";
    let row = sql.one(text, values![id(task), step.to_owned(), prefix(&format!("{step}/"))]).await?;
    let position = row.map(|r| r.get::<Option<i64>>("position")).transpose()?.flatten();
    let Some(position) = position else {
        return Err(StorageError::NotFound { what: "step", id: step.to_owned() });
    };
    // The calls stay in the ledger, under keys that no question has: the steps ask anew.
    let text = "UPDATE model_calls SET call_key = call_key || '/' || id WHERE task_id = $1 AND step IN
                (SELECT path FROM steps WHERE task_id = $1 AND position >= $2)";
    sql.run(text, values![id(task), position]).await?;
    sql.run("DELETE FROM steps WHERE task_id = $1 AND position >= $2", values![id(task), position])
        .await
        .map(drop)
}
