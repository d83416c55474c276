//! Posts and their revisions, and the one transaction that makes a post live.

use cofounder_domain::{Gate, Post, PostId, Report, SiteId, Status, TaskId, Timestamp, Verdict};
use serde::Serialize;
use std::collections::HashSet;

use crate::{
    Acting, Claimed, Database, Page, StorageError,
    effects::{NewEffect, intend},
    queue::check_fence,
    sql::{self, Row, Sql, id, prefix, signed, to_json, values},
    tasks::shift,
    wake::tell_others,
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

/// A post in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostSummary {
    /// Its id.
    pub id: PostId,
    /// The task that made it.
    pub task_id: TaskId,
    /// Its address.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Where its task stands.
    pub status: Status,
    /// Whether it may be approved as it is.
    pub gate: Gate,
    /// When it went live; absent until then.
    pub published_at: Option<Timestamp>,
    /// When its current revision was stored.
    pub updated_at: Timestamp,
}

/// A revision's number and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// From 1.
    pub number: u32,
    /// When it was stored.
    pub created_at: Timestamp,
}

const SELECT: &str = "SELECT p.id, p.task_id, p.slug, p.revision, p.published_at, p.created_at, p.updated_at,
    r.title, r.description, r.tags, r.markdown, r.gate, r.degraded, r.report, t.status
    FROM posts p JOIN revisions r ON r.post_id = p.id AND r.number = p.revision JOIN tasks t ON t.id = p.task_id";

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
            // One moment, in the post as in what is told of it.
            let at = sql.db.now();
            let now = at.timestamp_millis();
            self.unchanged(&sql, task).await?.parse::<Status>("status")?.to(Status::Published)?;
            let row = sql.one(&format!("{SELECT} WHERE p.task_id = $1"), values![id(task)]).await?;
            let row =
                row.ok_or_else(|| StorageError::NotFound { what: "draft of task", id: task.to_string() })?;
            let post = Post { published_at: Some(at), updated_at: at, ..post_of(&row)? };
            let reason = approval(&row, post.gate, override_reason)?;
            shift(&sql, task, Status::Published, &reason, None).await?;
            let text = "UPDATE posts SET published_at = $2, updated_at = $2 WHERE id = $1";
            sql.run(text, values![post.id.to_string(), now]).await?;
            for effect in effects(&post) {
                intend(&sql, task, &effect).await?;
            }
            self.act.note(&sql, "task.approve", ("task", task), &reason).await?;
            tell_others(&sql).await?;
            let row = sql.one(&format!("{SELECT} WHERE p.task_id = $1"), values![id(task)]).await?;
            post_of(&row.ok_or(StorageError::Stale)?)
        })
        .await?;
        self.db.ring();
        Ok(post)
    }
}

impl Database {
    /// The post of a task, if it has one.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn task_post(&self, task: TaskId) -> Result<Option<Post>, StorageError> {
        let row = self.read().one(&format!("{SELECT} WHERE p.task_id = $1"), values![id(task)]).await?;
        row.as_ref().map(post_of).transpose()
    }

    /// The post with this slug or id, to the letter.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn post(&self, named: &str) -> Result<Post, StorageError> {
        let text = format!("{SELECT} WHERE p.slug = $1 OR p.id = $1 ORDER BY p.slug = $1 DESC LIMIT 1");
        let row = self.read().one(&text, values![named.to_owned()]).await?;
        post_of(&row.ok_or_else(|| StorageError::NotFound { what: "post", id: named.to_owned() })?)
    }

    /// The post with this slug, or whose id begins like this.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none, [`StorageError::Conflict`] if there are several.
    pub async fn find_post(&self, typed: &str) -> Result<Post, StorageError> {
        let text = format!(
            "{SELECT} WHERE p.slug = $1 OR p.id LIKE $2 ESCAPE '\\' ORDER BY p.slug = $1 DESC LIMIT 2"
        );
        let rows = self.read().all(&text, values![typed, prefix(typed)]).await?;
        let posts = rows.iter().map(post_of).collect::<Result<Vec<_>, _>>()?;
        match posts.as_slice() {
            [] => Err(StorageError::NotFound { what: "post", id: typed.to_owned() }),
            [first, ..] if first.slug == typed || posts.len() == 1 => Ok(first.clone()),
            _ => {
                Err(StorageError::Conflict(format!("`{typed}` fits more than one post. Give more of its id")))
            }
        }
    }

    /// Posts, the newest first; with `live_only`, those that are published.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn list_posts(
        &self,
        limit: u64,
        cursor: Option<&str>,
        live_only: bool,
    ) -> Result<Page<PostSummary>, StorageError> {
        let text = format!(
            "{SELECT} WHERE ($1 IS NULL OR p.id < $1) AND ($3 = 0 OR p.published_at IS NOT NULL) ORDER BY p.id DESC LIMIT $2"
        );
        let rows = self
            .read()
            .all(&text, values![sql::cursor::<PostId>(cursor)?, signed(limit) + 1, i64::from(live_only)])
            .await?;
        let items = rows
            .iter()
            .map(|row| {
                let post = post_of(row)?;
                Ok(PostSummary {
                    id: post.id,
                    task_id: post.task_id,
                    slug: post.slug,
                    title: post.title,
                    status: row.parse("status")?,
                    gate: post.gate,
                    published_at: post.published_at,
                    updated_at: post.updated_at,
                })
            })
            .collect::<Result<_, StorageError>>()?;
        Ok(Page::cut(items, limit, |p: &PostSummary| p.id.to_string()))
    }

    /// The report of a post's current revision, with the calls that its task made.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such post.
    pub async fn report(&self, post: &Post) -> Result<Report, StorageError> {
        let row = self.read().one(&format!("{SELECT} WHERE p.id = $1"), values![post.id.to_string()]).await?;
        let row = row.ok_or_else(|| StorageError::NotFound { what: "post", id: post.id.to_string() })?;
        let mut report: Report = row.json("report")?;
        report.calls = self.calls(post.task_id).await?;
        Ok(report)
    }

    /// A post's revisions, the first first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn revisions(&self, post: PostId) -> Result<Vec<Revision>, StorageError> {
        let text = "SELECT number, created_at FROM revisions WHERE post_id = $1 ORDER BY number";
        let rows = self.read().all(text, values![post.to_string()]).await?;
        rows.iter()
            .map(|row| Ok(Revision { number: row.small("number")?, created_at: row.time("created_at")? }))
            .collect()
    }
}

/// Why the task may be published, for its history.
fn approval(row: &Row, gate: Gate, override_reason: Option<&str>) -> Result<String, StorageError> {
    match (gate, override_reason.map(str::trim).filter(|r| !r.is_empty())) {
        (Gate::Blocked, None) => Err(StorageError::Blocked { reasons: blockers(&row.json("report")?) }),
        (Gate::Blocked, Some(reason)) => Ok(format!("approved in spite of its gate: {reason}")),
        (Gate::Open, _) => Ok("approved".to_owned()),
    }
}

async fn put_draft(sql: &Sql<'_>, task: TaskId, draft: &Draft) -> Result<Post, StorageError> {
    let now = sql.db.millis();
    let known = sql.one(&format!("{SELECT} WHERE p.task_id = $1"), values![id(task)]).await?;
    let post = match &known {
        Some(row) => {
            let post = post_of(row)?;
            if same(&post, draft) && row.get::<String>("report")? == to_json(&draft.report)? {
                return Ok(post);
            }
            let text = "UPDATE posts SET revision = revision + 1, updated_at = $2 WHERE id = $1";
            sql.run(text, values![post.id.to_string(), now]).await?;
            post.id
        }
        None => new_post(sql, task, &draft.slug, now).await?,
    };
    add_revision(sql, post, draft, now).await?;
    let row = sql.one(&format!("{SELECT} WHERE p.id = $1"), values![post.to_string()]).await?;
    post_of(&row.ok_or(StorageError::Stale)?)
}

/// A post at the wished address, or at the first free one with a number behind it.
async fn new_post(sql: &Sql<'_>, task: TaskId, wanted: &str, now: i64) -> Result<PostId, StorageError> {
    let (post, site) = (PostId::new(sql.db.now()), SiteId::DEFAULT.to_string());
    let text = "SELECT slug FROM posts WHERE site_id = $1 AND (slug = $2 OR slug LIKE $3 ESCAPE '\\')";
    let taken = sql.all(text, values![site.clone(), wanted, prefix(&format!("{wanted}-"))]).await?;
    let taken = taken.iter().map(|row| row.get("slug")).collect::<Result<HashSet<String>, _>>()?;
    let text = "INSERT INTO posts (id, site_id, task_id, slug, revision, created_at, updated_at) VALUES ($1, $2, $3, $4, 1, $5, $5)
                ON CONFLICT (site_id, slug) DO NOTHING";
    for number in 1_u32.. {
        let slug = if number == 1 { wanted.to_owned() } else { format!("{wanted}-{number}") };
        if taken.contains(&slug) {
            continue;
        }
        let row = values![post.to_string(), site.clone(), id(task), slug, now];
        if sql.run(text, row).await? == 1 {
            return Ok(post);
        }
    }
    Err(StorageError::bug("no address is free"))
}

fn blockers(report: &Report) -> String {
    let blocking =
        report.rails.iter().filter(|r| r.blocking && !matches!(r.verdict, Verdict::Pass | Verdict::Warn));
    let reasons: Vec<String> = blocking.map(|r| format!("{}: {}", r.rail, r.reason)).collect();
    reasons.join("; ")
}

fn same(post: &Post, draft: &Draft) -> bool {
    post.title == draft.title
        && post.markdown == draft.markdown
        && post.description == draft.description
        && post.tags == draft.tags
        && post.degraded == draft.degraded
        && post.gate == draft.gate
}

async fn add_revision(sql: &Sql<'_>, post: PostId, draft: &Draft, now: i64) -> Result<(), StorageError> {
    let text = "INSERT INTO revisions (post_id, number, title, description, tags, markdown, gate, degraded, report, created_at)
                VALUES ($1, (SELECT revision FROM posts WHERE id = $1), $2, $3, $4, $5, $6, $7, $8, $9)";
    let (title, description, markdown) =
        (draft.title.clone(), draft.description.clone(), draft.markdown.clone());
    let (tags, degraded, report) =
        (to_json(&draft.tags)?, to_json(&draft.degraded)?, to_json(&draft.report)?);
    let row = values![
        post.to_string(),
        title,
        description,
        tags,
        markdown,
        draft.gate.as_str(),
        degraded,
        report,
        now
    ];
    sql.run(text, row).await.map(drop)
}

fn post_of(row: &Row) -> Result<Post, StorageError> {
    let gate: String = row.get("gate")?;
    Ok(Post {
        id: row.parse("id")?,
        task_id: row.parse("task_id")?,
        slug: row.get("slug")?,
        title: row.get("title")?,
        description: row.get("description")?,
        tags: row.json("tags")?,
        markdown: row.get("markdown")?,
        revision: row.small("revision")?,
        gate: serde_json::from_value(gate.into()).map_err(|e| sql::unread("gate", e))?,
        degraded: row.json("degraded")?,
        published_at: row.maybe_time("published_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
