//! What a person changes in a post, and the end of a draft.
//!
//! A text that a person has written is not one that the checks have measured. It says so, and its gate is blocked until
//! somebody approves it with a reason.

use cofounder_domain::{Gate, Post, PostId, Status, TaskId};

use crate::{
    Acting, StorageError,
    categories::put_categories,
    people::alone,
    posts::{by_id, of_task, report_of, unmeasured},
    revisions::{NewRevision, add_revision},
    sql::{Sql, id, values},
    tags::{self, put_tags},
    tasks::shift,
    wake::tell_others,
    wording::{address, description, markdown, title},
    work::transaction,
};

/// What is to change of a post; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostChange {
    /// Its title.
    pub title: Option<String>,
    /// One or two sentences.
    pub description: Option<String>,
    /// CommonMark.
    pub markdown: Option<String>,
    /// Its address.
    pub slug: Option<String>,
    /// All of its tags.
    pub tags: Option<Vec<String>>,
    /// All of its categories, by their slugs.
    pub categories: Option<Vec<String>>,
    /// Why a text that nobody checked goes live at once, if the post is live.
    pub override_reason: Option<String>,
}

impl Acting<'_> {
    /// Changes a post. What it says, and its tags, are a new revision by whoever acts; a changed text is not one that was
    /// checked. A post that is live changes at once.
    ///
    /// # Errors
    /// [`StorageError::Changed`] if it is not any more what was seen; [`StorageError::Conflict`] if it is being written or
    /// waits for its time, or the address is taken; [`StorageError::Blocked`] if it is live, its new text is not checked and
    /// no reason is given; [`StorageError::Invalid`] if something given makes no sense. Nothing
    /// is changed then.
    pub async fn change_post(&self, named: &str, change: &PostChange) -> Result<Post, StorageError> {
        let change = change.checked()?;
        let post = transaction!(self.db, |sql| {
            let before = self.post_unchanged(&sql, named).await?;
            refuse_busy(&before)?;
            let mut changed = self.revise(&sql, &before, &change).await?;
            if let Some(tags) = &change.tags {
                put_tags(&sql, before.id, &before.tags, tags).await?;
            }
            if let Some(slug) = change.slug.as_ref().filter(|slug| **slug != before.slug) {
                move_to(&sql, before.id, slug).await?;
                changed = true;
            }
            if let Some(categories) = &change.categories {
                changed |= put_categories(&sql, before.id, &before.categories, categories).await?;
            }
            if !changed {
                return Ok(before);
            }
            self.told(&sql, &before, "changed", &change.told()).await?;
            tell_others(&sql).await?;
            by_id(&sql, before.id).await
        })
        .await?;
        self.db.ring();
        Ok(post)
    }

    /// Deletes a draft with its revisions. Its task stays, cancelled; a task that the pipeline runs makes the draft anew if
    /// it is retried.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the post was ever live, is being written or waits for its time;
    /// [`StorageError::Changed`] if it is not any more what was seen.
    pub async fn delete_post(&self, named: &str) -> Result<(), StorageError> {
        transaction!(self.db, |sql| {
            let post = self.post_unchanged(&sql, named).await?;
            if post.published_at.is_some() || post.unpublished_at.is_some() {
                return Err(StorageError::Conflict(format!(
                    "the post `{}` was published, and what was public is kept: `unpublish` takes it off the site. Nothing was changed",
                    post.slug
                )));
            }
            refuse_busy(&post)?;
            self.told(&sql, &post, "deleted", &post.slug).await?;
            put_tags(&sql, post.id, &post.tags, &[]).await?;
            put_categories(&sql, post.id, &post.categories, &[]).await?;
            sql.run("DELETE FROM posts WHERE id = $1", values![post.id.to_string()]).await?;
            // The step that stored it is the last one; a task that is retried has to do it again.
            let text = "DELETE FROM steps WHERE task_id = $1 AND position = (SELECT max(position) FROM steps WHERE task_id = $1)";
            sql.run(text, values![id(post.task_id)]).await?;
            if post.status.may_become(Status::Cancelled) {
                shift(&sql, post.task_id, Status::Cancelled, "its draft was deleted", None).await?;
            }
            tell_others(&sql).await
        })
        .await?;
        self.db.ring();
        Ok(())
    }

    /// Stores the post's next revision, if it would be another one; tells whether.
    async fn revise(&self, sql: &Sql<'_>, before: &Post, change: &PostChange) -> Result<bool, StorageError> {
        let title = change.title.as_ref().unwrap_or(&before.title);
        let description = change.description.as_ref().unwrap_or(&before.description);
        let markdown = change.markdown.as_ref().unwrap_or(&before.markdown);
        let tags = change.tags.as_ref().unwrap_or(&before.tags);
        if (title, description, markdown, tags)
            == (&before.title, &before.description, &before.markdown, &before.tags)
        {
            return Ok(false);
        }
        // A text that is again the one that was measured is checked again.
        let measured = match before.checked_revision {
            Some(number) => Some(self.measured(sql, before.id, number).await?),
            None => None,
        };
        let checked = measured.as_ref().is_some_and(|(text, _)| text == markdown);
        let live = before.published_at.is_some() && *markdown != before.markdown;
        if live && !checked && change.override_reason.is_none() {
            let reasons = "the post is live, and nobody has checked its new text".to_owned();
            return Err(StorageError::Blocked { reasons });
        }
        let report = match &measured {
            Some(_) => None,
            None => Some(report_of(sql, before.id).await?),
        };
        let new = NewRevision {
            title,
            description,
            tags,
            markdown,
            gate: measured.filter(|_| checked).map_or(Gate::Blocked, |(_, gate)| gate),
            degraded: &before.degraded,
            report: report.as_ref(),
            report_of: before.checked_revision,
            checked,
            edited_by: Some(self.act.actor.name()),
        };
        add_revision(sql, before.id, &new).await.map(|()| true)
    }

    /// The text and the gate of the revision that was measured.
    async fn measured(
        &self,
        sql: &Sql<'_>,
        post: PostId,
        number: u32,
    ) -> Result<(String, Gate), StorageError> {
        let text = "SELECT markdown, gate FROM revisions WHERE post_id = $1 AND number = $2";
        let row = sql.one(text, values![post.to_string(), i64::from(number)]).await?;
        let row = row.ok_or_else(|| StorageError::bug("a measured revision is gone"))?;
        Ok((row.get("markdown")?, row.word("gate")?))
    }
}

/// What runs would be written over, and what was approved is what goes live.
fn refuse_busy(post: &Post) -> Result<(), StorageError> {
    let why = match post.status {
        Status::Pending | Status::InProgress => {
            "its task is to be run, or runs; wait for its draft, or cancel it"
        }
        Status::Approved => "it waits for its time to be published; take that back first (`unschedule`)",
        _ => return Ok(()),
    };
    Err(StorageError::Conflict(format!(
        "the post `{}` cannot be changed now: {why}. Nothing was changed",
        post.slug
    )))
}

/// A rework would go on from what the pipeline wrote, and leave out what a person wrote since.
pub(crate) async fn refuse_written_over(sql: &Sql<'_>, task: TaskId) -> Result<(), StorageError> {
    match of_task(sql, task).await?.filter(|post| post.edited_by.is_some()).as_ref().and_then(unmeasured) {
        None => Ok(()),
        Some(why) => Err(StorageError::Conflict(format!(
            "the draft cannot go back to the writer: {why}. A rework would leave that out; nothing was changed. \
             Go on by hand, or reject it and `retry` the task"
        ))),
    }
}

async fn move_to(sql: &Sql<'_>, post: PostId, slug: &str) -> Result<(), StorageError> {
    alone(sql).await?;
    let taken =
        "SELECT id FROM posts WHERE slug = $1 AND site_id = (SELECT site_id FROM posts WHERE id = $2)";
    if sql.one(taken, values![slug, post.to_string()]).await?.is_some() {
        return Err(StorageError::Conflict(format!(
            "another post has the address `{slug}`. Choose another one; nothing was changed"
        )));
    }
    let text = "UPDATE posts SET slug = $2, version = version + 1 WHERE id = $1";
    sql.run(text, values![post.to_string(), slug]).await.map(drop)
}

impl PostChange {
    /// What it is about, for whoever looks after it.
    fn told(&self) -> String {
        let Self { title, description, markdown, slug, tags, categories, override_reason } = self;
        let parts = [
            ("title", title.is_some()),
            ("description", description.is_some()),
            ("text", markdown.is_some()),
            ("address", slug.is_some()),
            ("tags", tags.is_some()),
            ("categories", categories.is_some()),
        ];
        let named: Vec<&str> = parts.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        match override_reason {
            Some(reason) => format!("{}: {reason}", named.join(", ")),
            None => named.join(", "),
        }
    }

    fn checked(&self) -> Result<Self, StorageError> {
        Ok(Self {
            title: self.title.as_deref().map(title).transpose()?,
            description: self.description.as_deref().map(description).transpose()?,
            markdown: self.markdown.as_deref().map(markdown).transpose()?,
            slug: self.slug.as_deref().map(address).transpose()?,
            tags: self.tags.as_deref().map(tags::checked).transpose()?,
            categories: self.categories.clone(),
            override_reason: self
                .override_reason
                .as_deref()
                .map(str::trim)
                .filter(|r| !r.is_empty())
                .map(str::to_owned),
        })
    }
}
