//! A post as people and programs read it.

use cofounder_domain::{Gate, Post, PostId, Status, TaskId};
use cofounder_storage::{PostSummary, Revision, RevisionText};
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
    /// The categories that it is in, by their addresses.
    pub categories: Vec<String>,
    /// CommonMark.
    pub markdown: String,
    /// Number of the current revision, from 1.
    pub revision: u32,
    /// Where its task stands.
    pub status: Status,
    /// Whether the draft may be approved as it is.
    pub gate: Gate,
    /// Why the article fell short of what the pipeline aims at; empty if it did not.
    pub degraded: Vec<String>,
    /// The name of the person who wrote the current revision; absent if the program did.
    pub edited_by: Option<String>,
    /// Whether the checks have measured the current text.
    pub checked: bool,
    /// The revision whose text the checks have measured, and that the claims are of; absent if they have measured none.
    pub checked_revision: Option<u32>,
    /// When it went live; absent if it is not live.
    pub published_at: Option<Moment>,
    /// When it goes live, if it waits for a time.
    pub publish_at: Option<Moment>,
    /// When it was taken off the site, if it was.
    pub unpublished_at: Option<Moment>,
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
    /// When it went live; absent if it is not live.
    pub published_at: Option<Moment>,
    /// When it goes live, if it waits for a time.
    pub publish_at: Option<Moment>,
    /// When it last changed.
    pub updated_at: Moment,
}

/// A revision in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct RevisionItem {
    /// From 1.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// The name of the person who wrote it; absent if the program did.
    pub edited_by: Option<String>,
    /// Whether its text is one that the checks have measured.
    pub checked: bool,
    /// When it was stored.
    pub created_at: Moment,
}

/// A revision with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct RevisionDocument {
    /// Its place in the list.
    #[serde(flatten)]
    pub item: RevisionItem,
    /// One or two sentences.
    pub description: String,
    /// The tags that it had.
    pub tags: Vec<String>,
    /// CommonMark.
    pub markdown: String,
    /// Whether it could have been approved as it was.
    pub gate: Gate,
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
            categories: post.categories,
            markdown: post.markdown,
            revision: post.revision,
            status: post.status,
            gate: post.gate,
            degraded: post.degraded,
            edited_by: post.edited_by,
            checked: post.checked,
            checked_revision: post.checked_revision,
            published_at: post.published_at.map(Moment),
            publish_at: post.publish_at.map(Moment),
            unpublished_at: post.unpublished_at.map(Moment),
            created_at: post.created_at.into(),
            updated_at: post.updated_at.into(),
        }
    }
}

impl From<PostSummary> for PostItem {
    fn from(post: PostSummary) -> Self {
        let PostSummary { id, task_id, slug, title, status, gate, published_at, publish_at, updated_at } =
            post;
        let (published_at, publish_at) = (published_at.map(Moment), publish_at.map(Moment));
        Self {
            id,
            task_id,
            slug,
            title,
            status,
            gate,
            published_at,
            publish_at,
            updated_at: updated_at.into(),
        }
    }
}

impl From<Revision> for RevisionItem {
    fn from(revision: Revision) -> Self {
        let Revision { number, title, edited_by, checked, created_at } = revision;
        Self { number, title, edited_by, checked, created_at: created_at.into() }
    }
}

impl From<RevisionText> for RevisionDocument {
    fn from(text: RevisionText) -> Self {
        let RevisionText { revision, description, tags, markdown, gate } = text;
        Self { item: revision.into(), description, tags, markdown, gate }
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
            categories: vec!["databases".to_owned()],
            markdown: "SQLite reads and writes directly to ordinary disk files. [S1]\n".to_owned(),
            revision: 1,
            gate,
            degraded: Vec::new(),
            status: Status::Published,
            edited_by: None,
            checked: true,
            checked_revision: Some(1),
            published_at,
            publish_at: None,
            unpublished_at: None,
            created_at: at(41),
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
            publish_at: None,
            updated_at: at(300),
        }
    }
}

impl Sample for RevisionItem {
    fn sample() -> Self {
        Self { number: 1, title: TOPIC.to_owned(), edited_by: None, checked: true, created_at: at(41) }
    }
}

impl Sample for RevisionDocument {
    fn sample() -> Self {
        let PostDocument { description, tags, markdown, gate, .. } = PostDocument::sample();
        Self { item: RevisionItem::sample(), description, tags, markdown, gate }
    }
}

impl PostDocument {
    /// One that a person has just changed.
    pub(crate) fn sample_edited() -> Self {
        Self {
            title: "SQLite is enough for most".to_owned(),
            revision: 2,
            edited_by: Some("Ada".to_owned()),
            updated_at: at(360),
            ..Self::sample()
        }
    }

    /// One that was taken off the site.
    pub(crate) fn sample_withdrawn() -> Self {
        Self { published_at: None, unpublished_at: Some(at(400)), ..Self::sample() }
    }

    /// One that a person wrote by hand.
    pub(crate) fn sample_by_hand() -> Self {
        Self {
            slug: "we-are-moving".to_owned(),
            title: "We are moving".to_owned(),
            description: String::new(),
            tags: vec!["news".to_owned()],
            markdown: "From **Monday** on we are at the harbour.".to_owned(),
            status: Status::AwaitingApproval,
            gate: Gate::Blocked,
            edited_by: Some("Ada".to_owned()),
            checked: false,
            checked_revision: None,
            published_at: None,
            ..Self::sample()
        }
    }
}
