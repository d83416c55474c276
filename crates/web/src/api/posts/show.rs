//! `GET /api/v1/posts/{slug}`, and its revisions.

use axum::{Json, extract::State, response::Response};
use cofounder_domain::{FaultKind, Post};
use cofounder_storage::{Database, Page};
use std::sync::Arc;

use crate::{
    Problem,
    access::{Anyone, Caller, Look},
    api::{
        extract::Named,
        page::Paged,
        tags::{Has, Tag},
    },
    documents::{PostDocument, RevisionItem},
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
    Ok(has.answer(tag(&post), Json(PostDocument::from(post))))
}

/// A post's state: its revision, and whether it is live.
fn tag(post: &Post) -> Tag {
    Tag(post.updated_at.timestamp_millis())
}

/// List a post's revisions
///
/// All that were stored, the first first.
#[utoipa::path(
    get, path = "/api/v1/posts/{slug}/revisions", tag = "posts", security(("token" = ["viewer"])),
    params(("slug" = String, Path, description = "The post's slug or id")),
    responses((status = 200, description = "Its revisions", body = Paged<RevisionItem>))
)]
pub(crate) async fn revisions(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
) -> Result<Json<Paged<RevisionItem>>, Problem> {
    let post = db.post(&slug).await?;
    let items = db.revisions(post.id).await?;
    Ok(Json(Paged::of(Page { items, next_cursor: None })))
}
