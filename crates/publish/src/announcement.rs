//! What is said to the world when a post goes live.

use cofounder_domain::{Post, format_timestamp};
use serde_json::json;

/// The event as receivers read it. It carries no text of the post: who wants that reads the post.
pub(crate) fn published(post: &Post) -> String {
    let published_at = format_timestamp(post.published_at.unwrap_or(post.updated_at));
    event("post.published", &published_at, post, "published_at")
}

/// The same of a post that was taken off the site.
pub(crate) fn unpublished(post: &Post) -> String {
    let unpublished_at = format_timestamp(post.unpublished_at.unwrap_or(post.updated_at));
    event("post.unpublished", &unpublished_at, post, "unpublished_at")
}

fn event(kind: &str, at: &str, post: &Post, when: &str) -> String {
    let event = json!({
        "type": kind,
        "timestamp": at,
        "data": {
            "post_id": post.id,
            "task_id": post.task_id,
            "slug": post.slug,
            "title": post.title,
            "description": post.description,
            "tags": post.tags,
            when: at,
        },
    });
    event.to_string()
}
