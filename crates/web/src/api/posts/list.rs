//! `GET /api/v1/posts`

use axum::{Json, extract::State};
use cofounder_domain::Status;
use cofounder_storage::{Database, PostFilter};
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
    /// Only posts whose task stands there; all but `published` are drafts.
    status: Option<Status>,
    /// Only posts in the category with this address.
    category: Option<String>,
    /// Only posts with this tag.
    tag: Option<String>,
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: `next_cursor` of the page before it.
    cursor: Option<String>,
}

/// List posts
///
/// The newest first. Anybody sees what is published; with a viewer's token `drafts=true` shows the rest as well. A
/// category or a tag that there is not has no posts.
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
    let Which { drafts, status, category, tag, limit, cursor } = which;
    let filter = PostFilter { live: !drafts, status, category, tag };
    let found = db.list_posts(page::limit(limit)?, cursor.as_deref(), &filter).await?;
    Ok(Json(Paged::of(found)))
}
