//! What a run writes: its draft, as a post's first revision or its next one.

use cofounder_domain::{Gate, Post, PostId, Report, SiteId, TaskId};
use std::collections::HashSet;

use crate::{
    Claimed, Database, StorageError,
    posts::{by_id, of_task, report_of},
    queue::check_fence,
    revisions::{NewRevision, add_revision},
    sql::{Sql, id, prefix, to_json, values},
    tags::put_tags,
    work::transaction,
};

/// A finished draft.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The address it would like; another post's address gets a number behind it.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// One or two sentences.
    pub description: String,
    /// Words for tags.
    pub tags: Vec<String>,
    /// CommonMark.
    pub markdown: String,
    /// Whether it may be approved as it is.
    pub gate: Gate,
    /// Why it fell short.
    pub degraded: Vec<String>,
    /// What it rests on and what was checked.
    pub report: Report,
}

impl Database {
    /// Stores a task's draft: its post's first revision, or its next one. A draft that is stored already, to the
    /// letter, is not stored twice.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now; then nothing is written.
    pub async fn save_draft(&self, claimed: &Claimed, draft: &Draft) -> Result<Post, StorageError> {
        transaction!(self, |sql| {
            check_fence(&sql, claimed, sql.lock()).await?;
            put_draft(&sql, claimed.task, draft).await
        })
        .await
    }
}

async fn put_draft(sql: &Sql<'_>, task: TaskId, draft: &Draft) -> Result<Post, StorageError> {
    let mut named = HashSet::new();
    let tags: Vec<String> = draft.tags.iter().filter(|tag| named.insert(*tag)).cloned().collect();
    let (post, had) = match of_task(sql, task).await? {
        Some(post) => {
            if same(&post, draft, &tags)
                && to_json(&report_of(sql, post.id).await?)? == to_json(&draft.report)?
            {
                return Ok(post);
            }
            (post.id, post.tags)
        }
        None => (new_post(sql, task, &draft.slug).await?, Vec::new()),
    };
    let new = NewRevision {
        title: &draft.title,
        description: &draft.description,
        tags: &tags,
        markdown: &draft.markdown,
        gate: draft.gate,
        degraded: &draft.degraded,
        report: Some(&draft.report),
        report_of: None,
        checked: true,
        edited_by: None,
    };
    add_revision(sql, post, &new).await?;
    put_tags(sql, post, &had, &tags).await?;
    by_id(sql, post).await
}

/// A post without a revision at the wished address, or at the first free one with a number behind it.
pub(crate) async fn new_post(sql: &Sql<'_>, task: TaskId, wanted: &str) -> Result<PostId, StorageError> {
    let (post, site) = (PostId::new(sql.db.now()), SiteId::DEFAULT.to_string());
    let text = "SELECT slug FROM posts WHERE site_id = $1 AND (slug = $2 OR slug LIKE $3 ESCAPE '\\')";
    let taken = sql.all(text, values![site.clone(), wanted, prefix(&format!("{wanted}-"))]).await?;
    let taken = taken.iter().map(|row| row.get("slug")).collect::<Result<HashSet<String>, _>>()?;
    let text =
        "INSERT INTO posts (id, site_id, task_id, slug, revision, version, status, created_at, updated_at)
                VALUES ($1, $2, $3, $4, 0, 0, (SELECT status FROM tasks WHERE id = $3), $5, $5)
                ON CONFLICT (site_id, slug) DO NOTHING";
    for number in 1_u32.. {
        let slug = if number == 1 { wanted.to_owned() } else { format!("{wanted}-{number}") };
        if taken.contains(&slug) {
            continue;
        }
        let row = values![post.to_string(), site.clone(), id(task), slug, sql.db.millis()];
        if sql.run(text, row).await? == 1 {
            return Ok(post);
        }
    }
    Err(StorageError::bug("no address is free"))
}

fn same(post: &Post, draft: &Draft, tags: &[String]) -> bool {
    post.checked
        && post.title == draft.title
        && post.markdown == draft.markdown
        && post.description == draft.description
        && post.tags == tags
        && post.degraded == draft.degraded
        && post.gate == draft.gate
}
