//! Posts, as they are read: one, a list, what a draft rests on.

use cofounder_domain::{Gate, Post, PostId, Report, SiteId, Status, TaskId, Timestamp};
use sea_orm::Value;
use serde::Serialize;

use crate::{
    Database, Page, StorageError,
    sql::{self, Row, Sql, id, prefix, signed, values},
};

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
    /// When it went live; absent if it is not.
    pub published_at: Option<Timestamp>,
    /// When it goes live, if it waits for a time.
    pub publish_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which posts are listed; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostFilter {
    /// Only those that are live.
    pub live: bool,
    /// Only those whose task stands there.
    pub status: Option<Status>,
    /// Only those with this tag.
    pub tag: Option<String>,
    /// Only those in the category with this slug.
    pub category: Option<String>,
}

impl PostFilter {
    /// Those that everybody sees.
    #[must_use]
    pub fn live() -> Self {
        Self { live: true, ..Self::default() }
    }
}

impl Database {
    /// The post of a task, if it has one.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn task_post(&self, task: TaskId) -> Result<Option<Post>, StorageError> {
        of_task(&self.read(), task).await
    }

    /// The post with this slug or id, to the letter.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn post(&self, named: &str) -> Result<Post, StorageError> {
        by_name(&self.read(), named).await
    }

    /// The post with this slug, or whose id begins like this.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none, [`StorageError::Conflict`] if there are several.
    pub async fn find_post(&self, typed: &str) -> Result<Post, StorageError> {
        let sql = self.read();
        let text = format!(
            "{} WHERE p.slug = $1 OR p.id LIKE $2 ESCAPE '\\' ORDER BY p.slug = $1 DESC LIMIT 2",
            select(&sql)
        );
        let rows = sql.all(&text, values![typed, prefix(typed)]).await?;
        let posts = rows.iter().map(post_of).collect::<Result<Vec<_>, _>>()?;
        match posts.as_slice() {
            [] => Err(nowhere(typed)),
            [first, ..] if first.slug == typed || posts.len() == 1 => Ok(first.clone()),
            _ => {
                Err(StorageError::Conflict(format!("`{typed}` fits more than one post. Give more of its id")))
            }
        }
    }

    /// Posts, the newest first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn list_posts(
        &self,
        limit: u64,
        cursor: Option<&str>,
        filter: &PostFilter,
    ) -> Result<Page<PostSummary>, StorageError> {
        let sql = self.read();
        let category = match &filter.category {
            None => None,
            Some(slug) => match category_id(&sql, slug).await? {
                None => return Ok(Page { items: Vec::new(), next_cursor: None }),
                id => id,
            },
        };
        let (text, row) = listing(limit, sql::cursor::<PostId>(cursor)?, filter, category);
        let rows = sql.all(&text, row).await?;
        let items = rows.iter().map(summary_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |p: &PostSummary| p.id.to_string()))
    }

    /// The report that stands behind a post's current revision, with the calls that its task made. If a person has
    /// written in the text since it was measured, a note says so.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such post.
    pub async fn report(&self, post: &Post) -> Result<Report, StorageError> {
        let mut report = report_of(&self.read(), post.id).await?;
        report.calls = self.calls(post.task_id).await?;
        report.notes.extend(unmeasured(post));
        Ok(report)
    }
}

impl Database {
    /// What was checked of a post: the report alone, of the revision that was measured.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such post.
    pub async fn checks(&self, post: &Post) -> Result<Report, StorageError> {
        report_of(&self.read(), post.id).await
    }
}

/// What to say of a text that no check has seen as it stands.
pub(crate) fn unmeasured(post: &Post) -> Option<String> {
    let by = post.edited_by.as_deref().unwrap_or("a person");
    match post.checked_revision {
        _ if post.checked => None,
        Some(number) => Some(format!(
            "{by} changed the text after revision {number} was checked: what the checks say is of that one, and none has seen revision {}",
            post.revision
        )),
        None => {
            Some(format!("{by} wrote it by hand: it rests on no stored source, and no check has seen it"))
        }
    }
}

/// The statement of a page. The page is cut from one index before anything is joined to it, so that no planner reads
/// more than that; what else is asked for is looked up for each entry.
fn listing(
    limit: u64,
    before: Option<String>,
    filter: &PostFilter,
    category: Option<String>,
) -> (String, Vec<Value>) {
    let (from, key, first) = match (&filter.tag, &category) {
        (Some(_), _) => ("post_tags f", "f.post_id", "f.tag ="),
        (None, Some(_)) => ("post_categories f", "f.post_id", "f.category_id ="),
        (None, None) => ("posts f", "f.id", "f.id ="),
    };
    let of_post = |column: &str| match key {
        "f.id" => format!("f.{column}"),
        _ => format!("(SELECT o.{column} FROM posts o WHERE o.id = f.post_id)"),
    };
    let second = filter.tag.as_ref().and(category.clone());
    let (below, stands) = (format!("{key} <"), format!("{} =", of_post("status")));
    let is_in =
        "(SELECT c.category_id FROM post_categories c WHERE c.post_id = f.post_id AND c.category_id =";
    let (mut condition, mut row) = sql::conditions([
        (first, filter.tag.clone().or(category).map(Value::from)),
        (&below, before.map(Value::from)),
        (&stands, filter.status.map(|status| Value::from(status.as_str()))),
    ]);
    if let Some(category) = second {
        row.push(Value::from(category));
        condition.push_str(&format!(" AND {is_in} ${}) IS NOT NULL", row.len()));
    }
    if filter.live {
        condition.push_str(&format!(" AND {} IS NOT NULL", of_post("published_at")));
    }
    row.push(Value::from(signed(limit).saturating_add(1)));
    let text = format!(
        "SELECT p.id, p.task_id, p.slug, p.status, p.published_at, p.publish_at, p.updated_at, r.title, r.gate
         FROM (SELECT {key} AS id FROM {from} WHERE {condition} ORDER BY {key} DESC LIMIT ${}) page
         JOIN posts p ON p.id = page.id JOIN revisions r ON r.post_id = p.id AND r.number = p.revision ORDER BY p.id DESC",
        row.len()
    );
    (text, row)
}

async fn category_id(sql: &Sql<'_>, slug: &str) -> Result<Option<String>, StorageError> {
    let text = "SELECT id FROM categories WHERE site_id = $1 AND slug = $2";
    let row = sql.one(text, values![SiteId::DEFAULT.to_string(), slug]).await?;
    row.map(|row| row.get("id")).transpose()
}

/// The words that read a post with its current revision.
fn select(sql: &Sql<'_>) -> String {
    let tags = sql.listed_rows("t.tag", "t.position", "post_tags t WHERE t.post_id = p.id");
    let categories = "post_categories m JOIN categories c ON c.id = m.category_id WHERE m.post_id = p.id";
    let categories = sql.listed_rows("c.slug", "c.slug", categories);
    format!(
        "SELECT p.id, p.task_id, p.slug, p.revision, p.version, p.status, p.published_at, p.publish_at, p.unpublished_at,
           p.created_at, p.updated_at, r.title, r.description, r.markdown, r.gate, r.degraded, r.edited_by, r.report_of,
           r.checked, {tags} AS tags, {categories} AS categories
         FROM posts p JOIN revisions r ON r.post_id = p.id AND r.number = p.revision"
    )
}

pub(crate) async fn of_task(sql: &Sql<'_>, task: TaskId) -> Result<Option<Post>, StorageError> {
    let row = sql.one(&format!("{} WHERE p.task_id = $1", select(sql)), values![id(task)]).await?;
    row.as_ref().map(post_of).transpose()
}

pub(crate) async fn by_id(sql: &Sql<'_>, post: PostId) -> Result<Post, StorageError> {
    let row = sql.one(&format!("{} WHERE p.id = $1", select(sql)), values![post.to_string()]).await?;
    post_of(&row.ok_or_else(|| nowhere(post))?)
}

pub(crate) async fn by_name(sql: &Sql<'_>, named: &str) -> Result<Post, StorageError> {
    let site = SiteId::DEFAULT.to_string();
    let text = format!("{} WHERE p.site_id = $1 AND p.slug = $2", select(sql));
    if let Some(row) = sql.one(&text, values![site, named]).await? {
        return post_of(&row);
    }
    // One index serves each of the two questions, and none both at once.
    let row = sql.one(&format!("{} WHERE p.id = $1", select(sql)), values![named]).await?;
    post_of(&row.ok_or_else(|| nowhere(named))?)
}

/// The report of the revision that a post's current one was measured as.
pub(crate) async fn report_of(sql: &Sql<'_>, post: PostId) -> Result<Report, StorageError> {
    let text = "SELECT m.report FROM posts p JOIN revisions r ON r.post_id = p.id AND r.number = p.revision
                JOIN revisions m ON m.post_id = p.id AND m.number = coalesce(r.report_of, r.number) WHERE p.id = $1";
    let row = sql.one(text, values![post.to_string()]).await?;
    row.ok_or_else(|| nowhere(post))?.json("report")
}

pub(crate) fn nowhere(named: impl ToString) -> StorageError {
    StorageError::NotFound { what: "post", id: named.to_string() }
}

pub(crate) fn post_of(row: &Row) -> Result<Post, StorageError> {
    let (revision, checked) = (row.small("revision")?, row.get::<i64>("checked")? != 0);
    let measured = row.get::<Option<i64>>("report_of")?.map(u32::try_from).transpose();
    Ok(Post {
        id: row.parse("id")?,
        task_id: row.parse("task_id")?,
        slug: row.get("slug")?,
        title: row.get("title")?,
        description: row.get("description")?,
        tags: row.json("tags")?,
        categories: row.json("categories")?,
        markdown: row.get("markdown")?,
        revision,
        version: row.number("version")?,
        status: row.parse("status")?,
        gate: row.word("gate")?,
        degraded: row.json("degraded")?,
        edited_by: row.get("edited_by")?,
        checked,
        checked_revision: measured.map_err(StorageError::bug)?.or(checked.then_some(revision)),
        published_at: row.maybe_time("published_at")?,
        publish_at: row.maybe_time("publish_at")?,
        unpublished_at: row.maybe_time("unpublished_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn summary_of(row: &Row) -> Result<PostSummary, StorageError> {
    Ok(PostSummary {
        id: row.parse("id")?,
        task_id: row.parse("task_id")?,
        slug: row.get("slug")?,
        title: row.get("title")?,
        status: row.parse("status")?,
        gate: row.word("gate")?,
        published_at: row.maybe_time("published_at")?,
        publish_at: row.maybe_time("publish_at")?,
        updated_at: row.time("updated_at")?,
    })
}
