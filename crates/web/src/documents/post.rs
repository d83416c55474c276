//! A post as people and programs read it.

use cofounder_domain::{Gate, Post, PostId, Status, TaskId};
use cofounder_storage::{PostSummary, Revision};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{POST, TASK, TOPIC, at, read},
};

/// A post with its current revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct PostDocument {
    /// Its id.
    pub id: PostId,
    /// The task that made it.
    pub task_id: TaskId,
    /// Its address, unique within the site.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// One or two sentences for search engines and feeds.
    pub description: String,
    /// Words for tags.
    pub tags: Vec<String>,
    /// CommonMark.
    pub markdown: String,
    /// Number of the current revision, from 1.
    pub revision: u32,
    /// Whether the draft may be approved as it is.
    pub gate: Gate,
    /// Why the article fell short of what the pipeline aims at; empty if it did not.
    pub degraded: Vec<String>,
    /// When it went live; absent until then.
    pub published_at: Option<Moment>,
    /// When its first revision was stored.
    pub created_at: Moment,
    /// When its current revision was stored.
    pub updated_at: Moment,
}

/// A post in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct PostItem {
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
    pub published_at: Option<Moment>,
    /// When its current revision was stored.
    pub updated_at: Moment,
}

/// A revision's number and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct RevisionItem {
    /// From 1.
    pub number: u32,
    /// When it was stored.
    pub created_at: Moment,
}

impl From<Post> for PostDocument {
    fn from(post: Post) -> Self {
        Self {
            id: post.id,
            task_id: post.task_id,
            slug: post.slug,
            title: post.title,
            description: post.description,
            tags: post.tags,
            markdown: post.markdown,
            revision: post.revision,
            gate: post.gate,
            degraded: post.degraded,
            published_at: post.published_at.map(Moment),
            created_at: post.created_at.into(),
            updated_at: post.updated_at.into(),
        }
    }
}

impl From<PostSummary> for PostItem {
    fn from(post: PostSummary) -> Self {
        let PostSummary { id, task_id, slug, title, status, gate, published_at, updated_at } = post;
        let (published_at, updated_at) = (published_at.map(Moment), updated_at.into());
        Self { id, task_id, slug, title, status, gate, published_at, updated_at }
    }
}

impl From<Revision> for RevisionItem {
    fn from(revision: Revision) -> Self {
        Self { number: revision.number, created_at: revision.created_at.into() }
    }
}

impl Sample for PostDocument {
    fn sample() -> Self {
        let PostItem { id, task_id, slug, title, gate, published_at, updated_at, .. } = PostItem::sample();
        Self {
            id,
            task_id,
            slug,
            title,
            description: "What SQLite is used for, and where a server is the better choice.".to_owned(),
            tags: vec!["databases".to_owned(), "sqlite".to_owned()],
            markdown: "SQLite reads and writes directly to ordinary disk files. [S1]\n".to_owned(),
            revision: 1,
            gate,
            degraded: Vec::new(),
            published_at,
            created_at: updated_at,
            updated_at,
        }
    }
}

impl Sample for PostItem {
    fn sample() -> Self {
        Self {
            id: read(POST),
            task_id: read(TASK),
            slug: "why-sqlite-is-a-good-default-database".to_owned(),
            title: TOPIC.to_owned(),
            status: Status::Published,
            gate: Gate::Open,
            published_at: Some(at(300)),
            updated_at: at(41),
        }
    }
}

impl Sample for RevisionItem {
    fn sample() -> Self {
        Self { number: 1, created_at: at(41) }
    }
}
