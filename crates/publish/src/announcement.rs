//! What is said to the world when a post goes live.

use cofounder_domain::{Post, format_timestamp};
use serde_json::json;

/// The event as receivers read it. It carries no text of the post: who wants that reads the post.
pub(crate) fn published(post: &Post) -> String {
    let published_at = format_timestamp(post.published_at.unwrap_or(post.updated_at));
    let event = json!({
        "type": "post.published",
        "timestamp": published_at,
        "data": {
            "post_id": post.id,
            "task_id": post.task_id,
            "slug": post.slug,
            "title": post.title,
            "description": post.description,
            "tags": post.tags,
            "published_at": published_at,
        },
    });
    event.to_string()
}
