//! When a post is live: approved now or for a time that comes, taken off the site, and put back. Each is one transaction
//! with what follows from it outside.

use cofounder_domain::{Gate, Post, Report, Status, TaskId, Timestamp, Verdict, format_timestamp};

use crate::{
    Act, Acting, Database, StorageError,
    effects::{NewEffect, intend},
    journal::{Note, note},
    posts::{by_id, by_name, of_task, report_of, unmeasured},
    sql::{Sql, id, values},
    tasks::{shift, stored},
    wake::tell_others,
    work::transaction,
};

/// Posts that are published in one go.
const AT_A_TIME: u64 = 100;

impl Acting<'_> {
    /// Makes a task's draft live: the post gets its date, the task becomes `published`, the history says so, and
    /// `effects` are written down, to be carried out soon, all in one transaction. A draft whose gate is blocked needs a
    /// reason, which is kept.
    ///
    /// # Errors
    /// [`StorageError::Blocked`] if a blocking rail did not pass and no reason is given; [`StorageError::Illegal`] if the
    /// task does not wait for approval; [`StorageError::NotFound`] if it has no draft; [`StorageError::Changed`] if the
    /// task is not any more what was seen.
    pub async fn approve(
        &self,
        task: TaskId,
        override_reason: Option<&str>,
        effects: impl Fn(&Post) -> Vec<NewEffect>,
    ) -> Result<Post, StorageError> {
        let post = transaction!(self.db, |sql| {
            self.unchanged(&sql, task).await?.parse::<Status>("status")?.to(Status::Published)?;
            let post = draft(&sql, task).await?;
            let reason = approval(&sql, &post, override_reason).await?;
            self.act.note(&sql, "task.approve", ("task", task), &reason).await?;
            go_live(&sql, post, &reason, &effects).await
        })
        .await?;
        self.db.ring();
        Ok(post)
    }

    /// Approves a task's draft for a time that comes: until then the task is `approved`, and a worker publishes it.
    ///
    /// # Errors
    /// As [`Self::approve`]; [`StorageError::Invalid`] if the time has come already.
    pub async fn approve_for(
        &self,
        task: TaskId,
        at: Timestamp,
        override_reason: Option<&str>,
    ) -> Result<Post, StorageError> {
        let told = format_timestamp(at);
        if at <= self.db.now() {
            return Err(StorageError::Invalid(format!(
                "{told} is not in the future. Name a later time, or none to publish now; nothing was changed"
            )));
        }
        let post = transaction!(self.db, |sql| {
            self.unchanged(&sql, task).await?.parse::<Status>("status")?.to(Status::Approved)?;
            let post = draft(&sql, task).await?;
            let reason = approval(&sql, &post, override_reason).await?;
            let reason = format!("{reason}, to be published at {told}");
            shift(&sql, task, Status::Approved, &reason, None).await?;
            let text = "UPDATE posts SET publish_at = $2 WHERE id = $1";
            sql.run(text, values![post.id.to_string(), at.timestamp_millis()]).await?;
            self.act.note(&sql, "task.schedule", ("task", task), &reason).await?;
            tell_others(&sql).await?;
            by_id(&sql, post.id).await
        })
        .await?;
        self.db.ring();
        Ok(post)
    }

    /// Takes an approval for a time that comes back: the draft waits for a person again.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it does not wait for its time; [`StorageError::Changed`] if the task is not any more
    /// what was seen.
    pub async fn unschedule(&self, task: TaskId) -> Result<crate::Task, StorageError> {
        let taken = transaction!(self.db, |sql| {
            let status: Status = self.unchanged(&sql, task).await?.parse("status")?;
            if status != Status::Approved {
                return Err(StorageError::Conflict(format!(
                    "the task is {status}, and does not wait for a time to be published. Nothing was changed"
                )));
            }
            shift(&sql, task, Status::AwaitingApproval, "its publication was taken back", None).await?;
            self.act.note(&sql, "task.unschedule", ("task", task), "").await?;
            tell_others(&sql).await
        });
        taken.await?;
        self.moved(task).await
    }

    /// Takes a post off the site. Its task stays `published`, which is what became of the work; the post stays, and can
    /// be put back.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is not live; [`StorageError::Changed`] if it is not any more what was seen.
    pub async fn unpublish(
        &self,
        named: &str,
        effects: impl Fn(&Post) -> Vec<NewEffect>,
    ) -> Result<Post, StorageError> {
        let post = transaction!(self.db, |sql| {
            let post = self.post_unchanged(&sql, named).await?;
            if post.published_at.is_none() {
                return Err(StorageError::Conflict(format!("the post `{}` is not live", post.slug)));
            }
            let text = "UPDATE posts SET published_at = NULL, unpublished_at = $2, version = version + 1 WHERE id = $1";
            sql.run(text, values![post.id.to_string(), sql.db.millis()]).await?;
            self.told(&sql, &post, "unpublished", &post.slug).await?;
            let after = by_id(&sql, post.id).await?;
            follow(&sql, &after, &effects).await?;
            Ok(after)
        })
        .await?;
        self.db.ring();
        Ok(post)
    }

    /// Puts a post back on the site that was taken off it. One whose gate is blocked by now needs a reason, as for an
    /// approval.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it was not taken off; [`StorageError::Blocked`]; [`StorageError::Changed`] if it is not
    /// any more what was seen.
    pub async fn publish_again(
        &self,
        named: &str,
        override_reason: Option<&str>,
        effects: impl Fn(&Post) -> Vec<NewEffect>,
    ) -> Result<Post, StorageError> {
        let post = transaction!(self.db, |sql| {
            let post = self.post_unchanged(&sql, named).await?;
            if post.unpublished_at.is_none() {
                return Err(StorageError::Conflict(match post.published_at {
                    Some(_) => format!("the post `{}` is live already", post.slug),
                    None => format!(
                        "the post `{}` is a draft, which goes live when its task {} is approved",
                        post.slug, post.task_id
                    ),
                }));
            }
            let reason = approval(&sql, &post, override_reason).await?;
            let text = "UPDATE posts SET published_at = $2, unpublished_at = NULL, version = version + 1 WHERE id = $1";
            sql.run(text, values![post.id.to_string(), sql.db.millis()]).await?;
            self.told(&sql, &post, "published", &reason).await?;
            let after = by_id(&sql, post.id).await?;
            follow(&sql, &after, &effects).await?;
            Ok(after)
        })
        .await?;
        self.db.ring();
        Ok(post)
    }

    /// A post that nobody else changes until the transaction ends, if it is still what was seen: its task's row is its
    /// lock.
    pub(crate) async fn post_unchanged(&self, sql: &Sql<'_>, named: &str) -> Result<Post, StorageError> {
        let found = by_name(sql, named).await?;
        stored(sql, found.task_id).await?;
        let post = by_id(sql, found.id).await?;
        self.act.still("post", &post.slug, post.version)?;
        Ok(post)
    }

    /// Writes down what was done to a post: in its task's journal, and in the audit log.
    pub(crate) async fn told(
        &self,
        sql: &Sql<'_>,
        post: &Post,
        what: &str,
        detail: &str,
    ) -> Result<(), StorageError> {
        let said = format!("{what} by {}: {detail}", self.act.actor.name());
        note(sql, post.task_id, &Note { event: "post_changed", path: "", detail: &said }).await?;
        self.act.note(sql, &format!("post.{what}"), ("post", post.id), detail).await
    }
}

impl Database {
    /// Publishes approved posts whose time has come. Of several workers that try, one does.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn publish_due(&self, effects: impl Fn(&Post) -> Vec<NewEffect>) -> Result<u64, StorageError> {
        let text = format!(
            "SELECT task_id FROM posts WHERE publish_at <= $1 AND status = 'approved' ORDER BY publish_at LIMIT {AT_A_TIME}"
        );
        // Nothing to do is the rule, and costs no transaction.
        let due = self.read().all(&text, values![self.millis()]).await?;
        let mut published = 0;
        for row in &due {
            let went = transaction!(self, |sql| {
                let task: TaskId = row.parse("task_id")?;
                // A person, or another worker, may have come first.
                let status: Status = stored(&sql, task).await?.parse("status")?;
                let post = draft(&sql, task).await?;
                let come = post.publish_at.is_some_and(|at| at <= sql.db.now());
                if status != Status::Approved || !come {
                    return Ok(0);
                }
                let reason = "its time came";
                Act::PROGRAM.note(&sql, "task.publish", ("task", task), reason).await?;
                go_live(&sql, post, reason, &effects).await.map(|_| 1)
            });
            // One that cannot be read keeps no other waiting.
            published += match went.await {
                Err(error @ (StorageError::Unavailable(_) | StorageError::Contended(_))) => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::error!(%error, "a post whose time has come is passed over");
                    0
                }
                Ok(went) => went,
            };
        }
        if published > 0 {
            self.ring();
        }
        Ok(published)
    }
}

/// A task's draft.
async fn draft(sql: &Sql<'_>, task: TaskId) -> Result<Post, StorageError> {
    let post = of_task(sql, task).await?;
    post.ok_or_else(|| StorageError::NotFound { what: "draft of task", id: task.to_string() })
}

async fn go_live(
    sql: &Sql<'_>,
    post: Post,
    reason: &str,
    effects: &impl Fn(&Post) -> Vec<NewEffect>,
) -> Result<Post, StorageError> {
    // One moment, in the post as in what is told of it.
    let at = sql.db.now();
    shift(sql, post.task_id, Status::Published, reason, None).await?;
    let text = "UPDATE posts SET published_at = $2, updated_at = $2, publish_at = NULL WHERE id = $1";
    sql.run(text, values![post.id.to_string(), at.timestamp_millis()]).await?;
    let post = by_id(sql, post.id).await?;
    follow(sql, &post, effects).await?;
    tell_others(sql).await?;
    Ok(post)
}

/// What follows from it outside.
async fn follow(
    sql: &Sql<'_>,
    post: &Post,
    effects: &impl Fn(&Post) -> Vec<NewEffect>,
) -> Result<(), StorageError> {
    for effect in effects(post) {
        intend(sql, post.task_id, &effect).await?;
    }
    Ok(())
}

/// Why a post may be published, for its history.
async fn approval(sql: &Sql<'_>, post: &Post, override_reason: Option<&str>) -> Result<String, StorageError> {
    match (post.gate, override_reason.map(str::trim).filter(|r| !r.is_empty())) {
        (Gate::Blocked, None) => {
            let report = report_of(sql, post.id).await?;
            Err(StorageError::Blocked { reasons: unmeasured(post).unwrap_or_else(|| blockers(&report)) })
        }
        (Gate::Blocked, Some(reason)) => Ok(format!("approved in spite of its gate: {reason}")),
        (Gate::Open, _) => Ok("approved".to_owned()),
    }
}

fn blockers(report: &Report) -> String {
    let blocking =
        report.rails.iter().filter(|r| r.blocking && !matches!(r.verdict, Verdict::Pass | Verdict::Warn));
    let reasons: Vec<String> = blocking.map(|r| format!("{}: {}", r.rail, r.reason)).collect();
    reasons.join("; ")
}

/// Whoever takes a task out of its wait for a time takes that time from its post.
pub(crate) async fn forget_time(sql: &Sql<'_>, task: TaskId) -> Result<(), StorageError> {
    sql.run("UPDATE posts SET publish_at = NULL WHERE task_id = $1", values![id(task)]).await.map(drop)
}
