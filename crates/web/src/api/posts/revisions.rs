//! `GET /api/v1/posts/{slug}/revisions`, one of them, and what changed between two.

use axum::{Json, extract::State};
use cofounder_domain::PostId;
use cofounder_storage::{Database, RevisionText};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use crate::{
    Problem,
    access::{Caller, Look},
    api::{
        extract::{Named, Query, Within, invalid},
        page::{Paged, Part},
    },
    documents::{DiffDocument, RevisionDocument, RevisionItem},
};

/// List a post's revisions
///
/// The first first, each with who wrote it and whether the checks have measured its text.
#[utoipa::path(
    get, path = "/api/v1/posts/{slug}/revisions", tag = "posts", security(("token" = ["viewer"])),
    params(("slug" = String, Path, description = "The post's slug or id"), Part),
    responses((status = 200, description = "A page of revisions", body = Paged<RevisionItem>))
)]
pub(crate) async fn revisions(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<RevisionItem>>, Problem> {
    let post = db.post(&slug).await?;
    Ok(Json(Paged::of(db.revisions(post.id, part.limit()?, part.cursor()).await?)))
}

/// Show a revision
///
/// With its text. A revision never changes.
#[utoipa::path(
    get, path = "/api/v1/posts/{slug}/revisions/{number}", tag = "posts", security(("token" = ["viewer"])),
    params(("slug" = String, Path, description = "The post's slug or id"), ("number" = u32, Path, description = "The revision's number, from 1")),
    responses((status = 200, description = "The revision", body = RevisionDocument))
)]
pub(crate) async fn revision(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Within(slug, number): Within<u32>,
) -> Result<Json<RevisionDocument>, Problem> {
    let post = db.post(&slug).await?;
    Ok(Json(db.revision(post.id, number).await?.into()))
}

/// Which two revisions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Between {
    /// The earlier one; the one before `to` if absent.
    #[param(minimum = 1)]
    from: Option<u32>,
    /// The later one; the current one if absent.
    #[param(minimum = 1)]
    to: Option<u32>,
}

/// Compare two revisions
///
/// Line by line: as a unified diff of the text, as hunks with the lines' numbers, and what else is another.
#[utoipa::path(
    get, path = "/api/v1/posts/{slug}/diff", tag = "posts", security(("token" = ["viewer"])),
    params(("slug" = String, Path, description = "The post's slug or id"), Between),
    responses((status = 200, description = "What changed", body = DiffDocument))
)]
pub(crate) async fn diff(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    Query(between): Query<Between>,
) -> Result<Json<DiffDocument>, Problem> {
    let post = db.post(&slug).await?;
    let to = between.to.unwrap_or(post.revision);
    let from = match between.from {
        Some(from) => from,
        None if to > 1 => to - 1,
        None => return Err(invalid("there is no revision before the first one; name both, `from` and `to`")),
    };
    let (from, to) = (text(&db, post.id, from).await?, text(&db, post.id, to).await?);
    let compare = move || DiffDocument::between(&from, &to);
    // Two long texts with nothing in common take their time, and nobody else waits for it.
    let compared = tokio::task::spawn_blocking(compare).await;
    compared.map(Json).map_err(|_| {
        Problem::from(cofounder_storage::StorageError::Unavailable("the comparison was cut off".to_owned()))
    })
}

async fn text(db: &Database, post: PostId, number: u32) -> Result<RevisionText, Problem> {
    Ok(db.revision(post, number).await?)
}
