//! Sources, stored once by the hash of their bytes.

use cofounder_domain::{Source, SourceId, TaskId, Timestamp};
use sea_orm::Value;
use serde::Serialize;

use crate::{
    Claimed, Database, Page, StorageError,
    queue::check_fence,
    sql::{self, Row, Sql, id, prefix, signed, values},
    work::transaction,
};

/// A source without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceSummary {
    /// Its id.
    pub id: SourceId,
    /// Where it came from first.
    pub uri: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// When it was first stored.
    pub created_at: Timestamp,
}

impl Database {
    /// Stores a source for a task. One that is stored already is only tied to the task.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if somebody else has the task by now; then nothing is written.
    pub async fn add_source(
        &self,
        claimed: &Claimed,
        source: &Source,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        transaction!(self, |sql| {
            check_fence(&sql, claimed, sql.lock()).await?;
            put_source(&sql, claimed.task, source, bytes, sql.db.millis()).await
        })
        .await
    }

    /// A task's sources, in the order in which they were named.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn task_sources(&self, task: TaskId) -> Result<Vec<Source>, StorageError> {
        let text = "SELECT s.id, s.sha256, t.uri, t.title, s.bytes, s.text FROM task_sources t JOIN sources s ON s.id = t.source_id
                    WHERE t.task_id = $1 ORDER BY t.position";
        self.read().all(text, values![id(task)]).await?.iter().map(source_of).collect()
    }

    /// The source whose id begins like this.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none, [`StorageError::Conflict`] if there are several.
    pub async fn source(&self, typed: &str) -> Result<Source, StorageError> {
        let text = "SELECT * FROM sources WHERE id LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 2";
        let rows = self.read().all(text, values![prefix(typed)]).await?;
        match rows.as_slice() {
            [row] => source_of(row),
            [] => Err(StorageError::NotFound { what: "source", id: typed.to_owned() }),
            _ => Err(StorageError::Conflict(format!(
                "`{typed}` fits more than one source. Give more of its id"
            ))),
        }
    }

    /// The source with this id, to the letter.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn source_of_id(&self, source: &str) -> Result<Source, StorageError> {
        let row = self.read().one("SELECT * FROM sources WHERE id = $1", values![source]).await?;
        source_of(&row.ok_or_else(|| StorageError::NotFound { what: "source", id: source.to_owned() })?)
    }

    /// Sources by id.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn list_sources(
        &self,
        limit: u64,
        after: Option<&str>,
    ) -> Result<Page<SourceSummary>, StorageError> {
        let (condition, mut row) = sql::conditions([("id >", cursor(after)?.map(Value::from))]);
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!(
            "SELECT id, sha256, uri, title, bytes, created_at FROM sources WHERE {condition} ORDER BY id LIMIT ${}",
            row.len()
        );
        let rows = self.read().all(&text, row).await?;
        let items = rows
            .iter()
            .map(|row| {
                Ok(SourceSummary {
                    id: SourceId::from_text(&row.get::<String>("id")?),
                    uri: row.get("uri")?,
                    title: row.get("title")?,
                    sha256: row.get("sha256")?,
                    bytes: row.number("bytes")?,
                    created_at: row.time("created_at")?,
                })
            })
            .collect::<Result<_, StorageError>>()?;
        Ok(Page::cut(items, limit, |s: &SourceSummary| s.id.to_string()))
    }
}

/// A source's id is the beginning of a hash.
fn cursor(typed: Option<&str>) -> Result<Option<String>, StorageError> {
    match typed {
        Some(typed) if typed.len() != 16 || !typed.chars().all(|c| c.is_ascii_hexdigit()) => {
            Err(StorageError::Cursor(typed.to_owned()))
        }
        typed => Ok(typed.map(str::to_owned)),
    }
}

pub(crate) async fn put_source(
    sql: &Sql<'_>,
    task: TaskId,
    source: &Source,
    bytes: &[u8],
    now: i64,
) -> Result<(), StorageError> {
    let blob = "INSERT INTO blobs (sha256, data) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    sql.run(blob, values![source.sha256.clone(), bytes.to_vec()]).await?;
    let text = "INSERT INTO sources (id, sha256, uri, title, bytes, text, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT DO NOTHING";
    let (source_id, uri, title) = (source.id.to_string(), source.uri.clone(), source.title.clone());
    let row = values![
        source_id.clone(),
        source.sha256.clone(),
        uri.clone(),
        title.clone(),
        signed(source.bytes),
        source.text.clone(),
        now
    ];
    sql.run(text, row).await?;
    let text = "INSERT INTO task_sources (task_id, source_id, position, uri, title) VALUES
                ($1, $2, (SELECT coalesce(max(position), 0) + 1 FROM task_sources WHERE task_id = $1), $3, $4) ON CONFLICT DO NOTHING";
    sql.run(text, values![id(task), source_id, uri, title]).await.map(drop)
}

fn source_of(row: &Row) -> Result<Source, StorageError> {
    Ok(Source {
        id: SourceId::from_text(&row.get::<String>("id")?),
        uri: row.get("uri")?,
        title: row.get("title")?,
        sha256: row.get("sha256")?,
        bytes: row.number("bytes")?,
        text: row.get("text")?,
    })
}
