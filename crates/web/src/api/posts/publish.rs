//! `POST /api/v1/posts/{slug}/publish` and `/unpublish`

use axum::{extract::State, response::Response};
use cofounder_publish::Webhooks;
use cofounder_storage::Database;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::show::shown;
use crate::{
    Problem,
    access::{Caller, Edit},
    api::{
        extract::{Json, Named},
        tags::Has,
    },
    documents::{PostDocument, Sample},
};

/// Take a post off the site
///
/// Nobody but those who may see drafts sees it any more; it is kept, and can be put back. Its task stays `published`,
/// which is what became of the work. Who is told of posts is told of this.
#[utoipa::path(
    post, path = "/api/v1/posts/{slug}/unpublish", tag = "posts", security(("token" = ["editor"])),
    params(("slug" = String, Path, description = "The post's slug or id")),
    responses((status = 200, description = "The post, not live", body = PostDocument, headers(("ETag" = String, description = "Its state")), example = PostDocument::sample_withdrawn))
)]
pub(crate) async fn unpublish(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    State(webhooks): State<Arc<Webhooks>>,
    Named(slug): Named<String>,
) -> Result<Response, Problem> {
    let post = db.by(&caller.act()).unpublish(&slug, |post| webhooks.retractions(post)).await?;
    Ok(shown(post, &Has::nothing()))
}

/// How a post is put back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct PutBack {
    /// Why it goes live although its gate is blocked; kept in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    override_reason: Option<String>,
}

/// Put a post back on the site
///
/// One that was taken off it. If its gate is blocked by now, since its text was changed, it needs a reason. A draft goes
/// live when its task is approved.
#[utoipa::path(
    post, path = "/api/v1/posts/{slug}/publish", tag = "posts", request_body = PutBack, security(("token" = ["editor"])),
    params(("slug" = String, Path, description = "The post's slug or id")),
    responses((status = 200, description = "The post, live", body = PostDocument, headers(("ETag" = String, description = "Its state"))))
)]
pub(crate) async fn publish(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    State(webhooks): State<Arc<Webhooks>>,
    Named(slug): Named<String>,
    Json(again): Json<PutBack>,
) -> Result<Response, Problem> {
    let act = caller.act();
    let reason = again.override_reason.as_deref();
    let post = db.by(&act).publish_again(&slug, reason, |post| webhooks.announcements(post)).await?;
    Ok(shown(post, &Has::nothing()))
}

impl Sample for PutBack {
    fn sample() -> Self {
        Self { override_reason: Some("I checked the new paragraph by hand.".to_owned()) }
    }
}
