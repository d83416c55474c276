//! Revisions: what a post was at each time. One that is stored is never changed.

use cofounder_domain::{Gate, PostId, Report, Timestamp};
use sea_orm::Value;
use serde::Serialize;

use crate::{
    Database, Page, StorageError,
    sql::{self, Row, Sql, signed, to_json, values},
};

/// A revision in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// From 1.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// The name of the person who wrote it; absent if the program did.
    pub edited_by: Option<String>,
    /// Whether its text is one that the checks have measured.
    pub checked: bool,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// A revision with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevisionText {
    /// Its place in the list.
    #[serde(flatten)]
    pub revision: Revision,
    /// One or two sentences.
    pub description: String,
    /// The tags that it had.
    pub tags: Vec<String>,
    /// CommonMark.
    pub markdown: String,
    /// Whether it could have been approved as it was.
    pub gate: Gate,
}

/// A revision that is to be.
pub(crate) struct NewRevision<'a> {
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    pub(crate) tags: &'a [String],
    pub(crate) markdown: &'a str,
    pub(crate) gate: Gate,
    pub(crate) degraded: &'a [String],
    /// Absent if another revision's holds.
    pub(crate) report: Option<&'a Report>,
    pub(crate) report_of: Option<u32>,
    pub(crate) checked: bool,
    pub(crate) edited_by: Option<&'a str>,
}

impl Database {
    /// A post's revisions, the first first.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn revisions(
        &self,
        post: PostId,
        limit: u64,
        cursor: Option<&str>,
    ) -> Result<Page<Revision>, StorageError> {
        let after = sql::cursor::<u32>(cursor)?.map(|number| number.parse::<u32>()).transpose();
        let (condition, mut row) = sql::conditions([
            ("post_id =", Some(Value::from(post.to_string()))),
            ("number >", after.map_err(StorageError::bug)?.map(|number| Value::from(i64::from(number)))),
        ]);
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!(
            "SELECT number, title, edited_by, checked, created_at FROM revisions WHERE {condition} ORDER BY number LIMIT ${}",
            row.len()
        );
        let rows = self.read().all(&text, row).await?;
        let items = rows.iter().map(revision_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |revision: &Revision| revision.number.to_string()))
    }

    /// One of a post's revisions.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none of this number.
    pub async fn revision(&self, post: PostId, number: u32) -> Result<RevisionText, StorageError> {
        let text = "SELECT number, title, description, tags, markdown, gate, edited_by, checked, created_at
                    FROM revisions WHERE post_id = $1 AND number = $2";
        let row = self.read().one(text, values![post.to_string(), i64::from(number)]).await?;
        let row = row.ok_or_else(|| StorageError::NotFound { what: "revision", id: number.to_string() })?;
        Ok(RevisionText {
            revision: revision_of(&row)?,
            description: row.get("description")?,
            tags: row.json("tags")?,
            markdown: row.get("markdown")?,
            gate: row.word("gate")?,
        })
    }
}

/// Stores a post's next revision, and makes it the current one.
pub(crate) async fn add_revision(
    sql: &Sql<'_>,
    post: PostId,
    new: &NewRevision<'_>,
) -> Result<(), StorageError> {
    let now = sql.db.millis();
    let text =
        "UPDATE posts SET revision = revision + 1, version = version + 1, updated_at = $2 WHERE id = $1";
    sql.run(text, values![post.to_string(), now]).await?;
    let text = "INSERT INTO revisions (post_id, number, title, description, tags, markdown, gate, degraded, report, created_at,
                  report_of, checked, edited_by)
                VALUES ($1, (SELECT revision FROM posts WHERE id = $1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let row = values![
        post.to_string(),
        new.title,
        new.description,
        to_json(&new.tags)?,
        new.markdown,
        new.gate.as_str(),
        to_json(&new.degraded)?,
        new.report.map(to_json).transpose()?.unwrap_or_default(),
        now,
        new.report_of.map(i64::from),
        i64::from(new.checked),
        new.edited_by.map(str::to_owned)
    ];
    sql.run(text, row).await.map(drop)
}

fn revision_of(row: &Row) -> Result<Revision, StorageError> {
    Ok(Revision {
        number: row.small("number")?,
        title: row.get("title")?,
        edited_by: row.get("edited_by")?,
        checked: row.get::<i64>("checked")? != 0,
        created_at: row.time("created_at")?,
    })
}
