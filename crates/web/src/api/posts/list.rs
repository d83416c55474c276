//! `GET /api/v1/posts`

use axum::{Json, extract::State};
use cofounder_storage::Database;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use crate::{
    Problem,
    access::{Anyone, Look},
    api::{
        extract::Query,
        page::{self, Paged},
    },
    documents::PostItem,
};

/// Which posts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Drafts as well, for whoever may see them.
    #[serde(default)]
    drafts: bool,
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: `next_cursor` of the page before it.
    cursor: Option<String>,
}

/// List posts
///
/// The newest first. Anybody sees what is published; with a viewer's token `drafts=true` shows the rest as well.
#[utoipa::path(
    get, path = "/api/v1/posts", tag = "posts", params(Which), security((), ("token" = ["viewer"])),
    responses((status = 200, description = "A page of posts", body = Paged<PostItem>))
)]
pub(crate) async fn list(
    caller: Anyone<Look>,
    State(db): State<Arc<Database>>,
    Query(which): Query<Which>,
) -> Result<Json<Paged<PostItem>>, Problem> {
    if which.drafts {
        caller.known()?;
    }
    let limit = page::limit(which.limit)?;
    let found = db.list_posts(limit, which.cursor.as_deref(), !which.drafts).await?;
    Ok(Json(Paged::of(found)))
}
