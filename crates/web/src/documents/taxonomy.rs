//! Categories and tags as people and programs read them.

use cofounder_storage::{Category, Tag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Moment, Sample, at};

/// A category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct CategoryDocument {
    /// Its address, unique within the site.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What belongs in it.
    pub description: String,
    /// How many posts are in it, drafts included.
    pub posts: u64,
    /// When it was made.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct TagItem {
    /// The word.
    pub tag: String,
    /// How many posts have it, drafts included.
    pub posts: u64,
}

impl From<Category> for CategoryDocument {
    fn from(category: Category) -> Self {
        let Category { slug, name, description, posts, created_at, updated_at, .. } = category;
        Self { slug, name, description, posts, created_at: created_at.into(), updated_at: updated_at.into() }
    }
}

impl From<Tag> for TagItem {
    fn from(tag: Tag) -> Self {
        let Tag { tag, posts } = tag;
        Self { tag, posts }
    }
}

impl Sample for CategoryDocument {
    fn sample() -> Self {
        Self {
            slug: "how-it-is-made".to_owned(),
            name: "How it is made".to_owned(),
            description: "Behind the scenes".to_owned(),
            posts: 0,
            created_at: at(0),
            updated_at: at(0),
        }
    }
}

impl Sample for TagItem {
    fn sample() -> Self {
        Self { tag: "databases".to_owned(), posts: 3 }
    }
}
