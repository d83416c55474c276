//! Categories: what a site's posts are sorted into.

use cofounder_domain::{PostId, SiteId, Timestamp, slugify};
use sea_orm::Value;
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;

use crate::{
    Acting, Database, Page, StorageError,
    people::alone,
    sql::{self, Row, Sql, signed, values},
    wording::address,
    work::transaction,
};

/// The longest name and description, in characters.
const NAME: usize = 100;
const DESCRIPTION: usize = 1_000;
/// The most categories of a post.
const MOST: usize = 20;

/// A category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Its address, unique within the site.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What belongs in it.
    pub description: String,
    /// How many posts are in it, drafts included.
    pub posts: u64,
    /// Grows with each change of it, also when a post comes or goes.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a category is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCategory {
    /// Its address; made from the name if absent.
    pub slug: Option<String>,
    /// What people call it.
    pub name: String,
    /// What belongs in it.
    pub description: String,
}

/// What is to change of a category; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoryChange {
    /// Its address.
    pub slug: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// What belongs in it.
    pub description: Option<String>,
}

impl Database {
    /// Categories, by their addresses.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn categories(&self, limit: u64, cursor: Option<&str>) -> Result<Page<Category>, StorageError> {
        let (condition, mut row) = sql::conditions([
            ("site_id =", Some(Value::from(SiteId::DEFAULT.to_string()))),
            ("slug >", cursor.map(Value::from)),
        ]);
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!("SELECT * FROM categories WHERE {condition} ORDER BY slug LIMIT ${}", row.len());
        let rows = self.read().all(&text, row).await?;
        let items = rows.iter().map(category_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |category: &Category| category.slug.clone()))
    }

    /// The category with this address.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn category(&self, slug: &str) -> Result<Category, StorageError> {
        let row = named(&self.read(), slug).await?;
        category_of(&row.ok_or_else(|| nowhere(slug))?)
    }
}

impl Acting<'_> {
    /// Makes a category.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the address is taken, [`StorageError::Invalid`] if something given makes no sense.
    pub async fn create_category(&self, new: &NewCategory) -> Result<Category, StorageError> {
        let (name, description) = (name(&new.name)?, described(&new.description)?);
        let slug = match &new.slug {
            Some(slug) => address(slug)?,
            None => slugify(&name),
        };
        transaction!(self.db, |sql| {
            alone(&sql).await?;
            refuse_taken(&sql, &slug).await?;
            let text = "INSERT INTO categories (id, site_id, slug, name, description, created_at, updated_at)
                        VALUES ($1, $2, $3, $4, $5, $6, $6)";
            let (id, site) = (Uuid::new_v4().to_string(), SiteId::DEFAULT.to_string());
            let row = values![id, site, slug.clone(), name.clone(), description.clone(), sql.db.millis()];
            sql.run(text, row).await?;
            self.act.note(&sql, "category.create", ("category", &slug), &name).await?;
            category_of(&named(&sql, &slug).await?.ok_or(StorageError::Stale)?)
        })
        .await
    }

    /// Changes a category.
    ///
    /// # Errors
    /// [`StorageError::Changed`] if it is not any more what was seen; otherwise as [`Self::create_category`].
    pub async fn change_category(
        &self,
        slug: &str,
        change: &CategoryChange,
    ) -> Result<Category, StorageError> {
        let wanted = change.slug.as_deref().map(address).transpose()?;
        let (new_name, about) =
            (change.name.as_deref().map(name), change.description.as_deref().map(described));
        let (new_name, about) = (new_name.transpose()?, about.transpose()?);
        transaction!(self.db, |sql| {
            let (id, before) = self.category_unchanged(&sql, slug).await?;
            let after = Category {
                slug: wanted.clone().unwrap_or_else(|| before.slug.clone()),
                name: new_name.clone().unwrap_or_else(|| before.name.clone()),
                description: about.clone().unwrap_or_else(|| before.description.clone()),
                ..before.clone()
            };
            if after == before {
                return Ok(before);
            }
            if after.slug != before.slug {
                refuse_taken(&sql, &after.slug).await?;
                others_see(&sql, &id).await?;
            }
            let text = "UPDATE categories SET slug = $2, name = $3, description = $4, updated_at = $5, version = version + 1 WHERE id = $1";
            let Category { slug, name, description, .. } = after;
            sql.run(text, values![id, slug.clone(), name.clone(), description, sql.db.millis()]).await?;
            let detail = format!("{} {} → {slug} {name}", before.slug, before.name);
            self.act.note(&sql, "category.change", ("category", &slug), detail).await?;
            category_of(&named(&sql, &slug).await?.ok_or(StorageError::Stale)?)
        })
        .await
    }

    /// Deletes a category; the posts that were in it stay.
    ///
    /// # Errors
    /// [`StorageError::NotFound`]; [`StorageError::Changed`] if it is not any more what was seen.
    pub async fn delete_category(&self, slug: &str) -> Result<(), StorageError> {
        transaction!(self.db, |sql| {
            let (id, category) = self.category_unchanged(&sql, slug).await?;
            others_see(&sql, &id).await?;
            sql.run("DELETE FROM categories WHERE id = $1", values![id]).await?;
            let detail = format!("{}, with {} post(s) in it", category.name, category.posts);
            self.act.note(&sql, "category.delete", ("category", slug), detail).await
        })
        .await
    }

    async fn category_unchanged(
        &self,
        sql: &Sql<'_>,
        slug: &str,
    ) -> Result<(String, Category), StorageError> {
        alone(sql).await?;
        let row = named(sql, slug).await?.ok_or_else(|| nowhere(slug))?;
        let category = category_of(&row)?;
        self.act.still("category", slug, category.version)?;
        Ok((row.get("id")?, category))
    }
}

/// Puts a post into other categories than it was in; tells whether they are others.
pub(crate) async fn put_categories(
    sql: &Sql<'_>,
    post: PostId,
    had: &[String],
    new: &[String],
) -> Result<bool, StorageError> {
    let (old, now): (BTreeSet<&String>, BTreeSet<&String>) = (had.iter().collect(), new.iter().collect());
    if old == now {
        return Ok(false);
    }
    if now.len() > MOST {
        let words = format!("{} categories are named, and a post is in at most {MOST}", now.len());
        return Err(StorageError::Invalid(format!("{words}. Nothing was changed")));
    }
    // Nobody renames or deletes one meanwhile.
    let text = format!("SELECT id FROM sites WHERE id = $1{}", sql.on_postgres(" FOR SHARE", ""));
    sql.one(&text, values![SiteId::DEFAULT.to_string()]).await?;
    for slug in old.symmetric_difference(&now) {
        let Some(row) = named(sql, slug).await? else {
            let shown: String = slug.chars().filter(|c| !c.is_control()).take(100).collect();
            return Err(StorageError::Invalid(format!(
                "there is no category `{shown}`. Make it first; nothing was changed"
            )));
        };
        let (id, comes) = (row.get::<String>("id")?, now.contains(slug));
        let text = match comes {
            true => "INSERT INTO post_categories (post_id, category_id) VALUES ($1, $2)",
            false => "DELETE FROM post_categories WHERE post_id = $1 AND category_id = $2",
        };
        sql.run(text, values![post.to_string(), id.clone()]).await?;
        let text = "UPDATE categories SET posts = posts + $2, version = version + 1 WHERE id = $1";
        sql.run(text, values![id, if comes { 1_i64 } else { -1 }]).await?;
    }
    let text = "UPDATE posts SET version = version + 1 WHERE id = $1";
    sql.run(text, values![post.to_string()]).await.map(|_| true)
}

/// Posts show the addresses of their categories: each of these posts changes.
async fn others_see(sql: &Sql<'_>, category: &str) -> Result<(), StorageError> {
    let text = "UPDATE posts SET version = version + 1 WHERE id IN
                (SELECT post_id FROM post_categories WHERE category_id = $1)";
    sql.run(text, values![category]).await.map(drop)
}

async fn named(sql: &Sql<'_>, slug: &str) -> Result<Option<Row>, StorageError> {
    let text = "SELECT * FROM categories WHERE site_id = $1 AND slug = $2";
    sql.one(text, values![SiteId::DEFAULT.to_string(), slug]).await
}

async fn refuse_taken(sql: &Sql<'_>, slug: &str) -> Result<(), StorageError> {
    match named(sql, slug).await? {
        None => Ok(()),
        Some(_) => Err(StorageError::Conflict(format!(
            "there is a category `{slug}` already. Choose another address; nothing was changed"
        ))),
    }
}

fn nowhere(slug: &str) -> StorageError {
    StorageError::NotFound { what: "category", id: slug.to_owned() }
}

fn name(typed: &str) -> Result<String, StorageError> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    let sound = (1..=NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    sound.then_some(name).ok_or_else(|| {
        let words =
            format!("the name of a category has 1 to {NAME} characters, none of them a control character");
        StorageError::Invalid(format!("{words}. Nothing was changed"))
    })
}

fn described(typed: &str) -> Result<String, StorageError> {
    let text = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0..=DESCRIPTION => Ok(text),
        chars => Err(StorageError::Invalid(format!(
            "the description has {chars} characters, and at most {DESCRIPTION} are allowed. Nothing was changed"
        ))),
    }
}

fn category_of(row: &Row) -> Result<Category, StorageError> {
    Ok(Category {
        slug: row.get("slug")?,
        name: row.get("name")?,
        description: row.get("description")?,
        posts: row.number("posts")?,
        version: row.number("version")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
