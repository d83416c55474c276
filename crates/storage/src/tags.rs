//! Tags: words that posts share, each with the number of posts that have it.

use cofounder_domain::{PostId, SiteId};
use sea_orm::Value;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

use crate::{
    Acting, Database, Page, StorageError,
    people::alone,
    sql::{self, Sql, signed, to_json, values},
    work::transaction,
};

/// The longest tag, in characters.
const LONGEST: usize = 60;
/// The most tags of a post.
const MOST: usize = 30;

/// A tag in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// The word.
    pub tag: String,
    /// How many posts have it, drafts included.
    pub posts: u64,
}

impl Database {
    /// Tags by their letters.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn tags(&self, limit: u64, cursor: Option<&str>) -> Result<Page<Tag>, StorageError> {
        let (condition, mut row) = sql::conditions([
            ("site_id =", Some(Value::from(SiteId::DEFAULT.to_string()))),
            ("tag >", cursor.map(Value::from)),
        ]);
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!("SELECT tag, posts FROM tags WHERE {condition} ORDER BY tag LIMIT ${}", row.len());
        let rows = self.read().all(&text, row).await?;
        let read = rows.iter().map(|row| Ok(Tag { tag: row.get("tag")?, posts: row.number("posts")? }));
        let items = read.collect::<Result<_, StorageError>>()?;
        Ok(Page::cut(items, limit, |tag: &Tag| tag.tag.clone()))
    }
}

impl Acting<'_> {
    /// Gives a tag another name; if there is a tag of that name, both become one. Revisions keep the tags that they had.
    /// Tells how many posts have it now.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such tag, [`StorageError::Invalid`] if the new name is none.
    pub async fn rename_tag(&self, from: &str, to: &str) -> Result<Tag, StorageError> {
        let to = tag(to)?;
        transaction!(self.db, |sql| {
            // A post that gets either tag meanwhile would be counted wrongly: see `put_tags`.
            alone(&sql).await?;
            let site = SiteId::DEFAULT.to_string();
            let text = "SELECT posts FROM tags WHERE site_id = $1 AND tag = $2";
            if sql.one(text, values![site.clone(), from]).await?.is_none() {
                return Err(StorageError::NotFound { what: "tag", id: from.to_owned() });
            }
            if from != to {
                merge(&sql, from, &to).await?;
                self.act.note(&sql, "tag.rename", ("tag", from), format!("{from} → {to}")).await?;
            }
            let row = sql.one(text, values![site, to.clone()]).await?.ok_or(StorageError::Stale)?;
            Ok(Tag { tag: to.clone(), posts: row.number("posts")? })
        })
        .await
    }
}

async fn merge(sql: &Sql<'_>, from: &str, to: &str) -> Result<(), StorageError> {
    let text =
        "UPDATE posts SET version = version + 1 WHERE id IN (SELECT post_id FROM post_tags WHERE tag = $1)";
    sql.run(text, values![from]).await?;
    let text =
        "DELETE FROM post_tags WHERE tag = $1 AND post_id IN (SELECT post_id FROM post_tags WHERE tag = $2)";
    sql.run(text, values![from, to]).await?;
    sql.run("UPDATE post_tags SET tag = $2 WHERE tag = $1", values![from, to]).await?;
    let site = SiteId::DEFAULT.to_string();
    sql.run("DELETE FROM tags WHERE site_id = $1 AND tag IN ($2, $3)", values![site.clone(), from, to])
        .await?;
    let text = "INSERT INTO tags (site_id, tag, posts) SELECT $1, $2, count(*) FROM post_tags WHERE tag = $2";
    sql.run(text, values![site, to]).await.map(drop)
}

/// A tag as it is kept: in small letters, on one line.
fn tag(typed: &str) -> Result<String, StorageError> {
    let tag = typed.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let chars = tag.chars().count();
    if chars == 0 || chars > LONGEST || tag.chars().any(|c| c.is_control() || c == ',') {
        let words =
            format!("a tag has 1 to {LONGEST} characters, none of them a comma or a control character");
        return Err(StorageError::Invalid(format!("{words}. Nothing was changed")));
    }
    Ok(tag)
}

/// A person's tags as they are kept, each once.
///
/// # Errors
/// [`StorageError::Invalid`] if one is none, or there are too many.
pub(crate) fn checked(typed: &[String]) -> Result<Vec<String>, StorageError> {
    let mut tags: Vec<String> = Vec::new();
    for typed in typed {
        let tag = tag(typed)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.len() > MOST {
        return Err(StorageError::Invalid(format!(
            "{} tags are named, and a post has at most {MOST}. Nothing was changed",
            tags.len()
        )));
    }
    Ok(tags)
}

/// Gives a post other tags than it had, and keeps count.
pub(crate) async fn put_tags(
    sql: &Sql<'_>,
    post: PostId,
    had: &[String],
    new: &[String],
) -> Result<(), StorageError> {
    if had == new {
        return Ok(());
    }
    let (old, now): (BTreeSet<&String>, BTreeSet<&String>) = (had.iter().collect(), new.iter().collect());
    let site = SiteId::DEFAULT.to_string();
    // Nobody renames a tag meanwhile.
    let text = format!("SELECT id FROM sites WHERE id = $1{}", sql.on_postgres(" FOR SHARE", ""));
    sql.one(&text, values![site.clone()]).await?;
    if !had.is_empty() {
        sql.run("DELETE FROM post_tags WHERE post_id = $1", values![post.to_string()]).await?;
    }
    if !new.is_empty() {
        let placed: Vec<_> =
            (0_i64..).zip(new).map(|(place, tag)| json!({"place": place, "tag": tag})).collect();
        let rows = sql.rows(&[("place", "bigint"), ("tag", "text")]);
        let text = format!(
            "INSERT INTO post_tags (post_id, position, tag) SELECT $2, place, tag FROM ({rows}) placed"
        );
        sql.run(&text, values![to_json(&placed)?, post.to_string()]).await?;
    }
    let come: Vec<&&String> = now.difference(&old).collect();
    let gone: Vec<&&String> = old.difference(&now).collect();
    let listed = sql.listed(2);
    if !come.is_empty() {
        // In the order of their letters, so that two changes do not wait for each other.
        let text = format!(
            "INSERT INTO tags (site_id, tag, posts) SELECT $1, value, 1 FROM ({listed}) come WHERE true ORDER BY value
             ON CONFLICT (site_id, tag) DO UPDATE SET posts = tags.posts + 1"
        );
        sql.run(&text, values![site.clone(), to_json(&come)?]).await?;
    }
    if !gone.is_empty() {
        let text = format!("UPDATE tags SET posts = posts - 1 WHERE site_id = $1 AND tag IN ({listed})");
        sql.run(&text, values![site.clone(), to_json(&gone)?]).await?;
        let text = format!("DELETE FROM tags WHERE site_id = $1 AND tag IN ({listed}) AND posts <= 0");
        sql.run(&text, values![site, to_json(&gone)?]).await?;
    }
    Ok(())
}
