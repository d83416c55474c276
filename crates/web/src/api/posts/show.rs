//! `GET /api/v1/posts/{slug}`

use axum::{Json, extract::State, response::Response};
use cofounder_domain::{FaultKind, Post};
use cofounder_storage::Database;
use std::sync::Arc;

use crate::{
    Problem,
    access::{Anyone, Look},
    api::{
        extract::Named,
        tags::{Has, Tag},
    },
    documents::PostDocument,
};

/// Show a post
///
/// By its slug or its id. Anybody sees one that is published; a draft needs a viewer's token, and is not there for others.
#[utoipa::path(
    get, path = "/api/v1/posts/{slug}", tag = "posts", security((), ("token" = ["viewer"])),
    params(("slug" = String, Path, description = "The post's slug or id"), ("If-None-Match" = Option<String>, Header, description = "The ETag of what is known already")),
    responses(
        (status = 200, description = "The post", body = PostDocument, headers(("ETag" = String, description = "Its state"))),
        (status = 304, description = "It is as it was")
    )
)]
pub(crate) async fn show(
    caller: Anyone<Look>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    has: Has,
) -> Result<Response, Problem> {
    let post = db.post(&slug).await?;
    // Who may not see a draft does not learn that there is one.
    if post.published_at.is_none() && caller.known().is_err() {
        return Err(Problem::new(FaultKind::NotFound, format!("there is no post `{slug}`")));
    }
    Ok(shown(post, &has))
}

/// The post with its tag: its version, which grows with every change that others can see.
pub(super) fn shown(post: Post, has: &Has) -> Response {
    has.answer(Tag(i64::try_from(post.version).unwrap_or(i64::MAX)), Json(PostDocument::from(post)))
}
