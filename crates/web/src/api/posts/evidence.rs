//! `GET /api/v1/posts/{slug}/claims` and `/sources`: what a post rests on.

use axum::{Json, extract::State};
use cofounder_storage::Database;
use std::sync::Arc;

use crate::{
    Problem,
    access::{Caller, Look},
    api::{
        extract::{Named, Query},
        page::{self, Paged, Part},
    },
    documents::{ClaimItem, SourceItem},
};

/// List a post's claims
///
/// Every factual sentence in the article's order, with the passages that it cites and what was checked. They are of the
/// revision that the post names as `checked_revision`.
#[utoipa::path(
    get, path = "/api/v1/posts/{slug}/claims", tag = "posts", security(("token" = ["viewer"])),
    params(("slug" = String, Path, description = "The post's slug or id"), Part),
    responses((status = 200, description = "A page of claims", body = Paged<ClaimItem>))
)]
pub(crate) async fn claims(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<ClaimItem>>, Problem> {
    let report = db.checks(&db.post(&slug).await?).await?;
    Ok(Json(Paged::of(page::cut(report.claims, &part)?)))
}

/// List a post's sources
///
/// Every source that its task read; `/api/v1/sources/{source}` shows their texts.
#[utoipa::path(
    get, path = "/api/v1/posts/{slug}/sources", tag = "posts", security(("token" = ["viewer"])),
    params(("slug" = String, Path, description = "The post's slug or id"), Part),
    responses((status = 200, description = "A page of sources", body = Paged<SourceItem>))
)]
pub(crate) async fn sources(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<SourceItem>>, Problem> {
    let report = db.checks(&db.post(&slug).await?).await?;
    Ok(Json(Paged::of(page::cut(report.sources, &part)?)))
}
