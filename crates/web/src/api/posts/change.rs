//! `PATCH` and `DELETE /api/v1/posts/{slug}`

use axum::{extract::State, http::StatusCode, response::Response};
use cofounder_storage::{Database, PostChange};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::show::shown;
use crate::{
    Problem,
    access::{Caller, Edit},
    api::{
        extract::{Json, Named, check_length},
        tags::Has,
        tasks::MAX_REASON,
    },
    documents::{PostDocument, Sample},
};

/// What is to change of a post; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Edited {
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 300)]
    title: Option<String>,
    /// One or two sentences for search engines and feeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// CommonMark. A changed text is not one that the checks have measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500000)]
    markdown: Option<String>,
    /// Its address: small letters, digits and single hyphens. The old one leads nowhere then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 80)]
    slug: Option<String>,
    /// All of its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 30)]
    tags: Option<Vec<String>>,
    /// All of its categories, by their addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20)]
    categories: Option<Vec<String>>,
    /// Why a text that nobody checked goes live at once, if the post is live; kept in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    override_reason: Option<String>,
}

/// Change a post
///
/// What it says and its tags become its next revision, by whoever asks; a post that is live changes at once, with a text that nobody
/// checked only for a reason (`override_reason`). What the
/// checks found stays with the text that they measured: with another text `checked` is false and the gate is blocked until
/// the text is again that one, or somebody approves it with a reason. A post cannot be changed while its task runs, or
/// while it waits for its time to be published.
#[utoipa::path(
    patch, path = "/api/v1/posts/{slug}", tag = "posts", request_body = Edited, security(("token" = ["editor"])),
    params(
        ("slug" = String, Path, description = "The post's slug or id"),
        ("If-Match" = String, Header, description = "The `ETag` of the post as you have read it")
    ),
    responses((status = 200, description = "The post after it", body = PostDocument, headers(("ETag" = String, description = "Its state")), example = PostDocument::sample_edited))
)]
pub(crate) async fn change(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    Json(edited): Json<Edited>,
) -> Result<Response, Problem> {
    let act = caller.act_on_seen()?;
    let Edited { title, description, markdown, slug: address, tags, categories, override_reason } = edited;
    check_length("`override_reason`", override_reason.as_deref().unwrap_or_default(), MAX_REASON)?;
    let change =
        PostChange { title, description, markdown, slug: address, tags, categories, override_reason };
    Ok(shown(db.by(&act).change_post(&slug, &change).await?, &Has::nothing()))
}

/// Delete a draft
///
/// With its revisions. Its task stays, cancelled, and makes the draft anew if it is retried. What was ever published is
/// not deleted: `unpublish` takes it off the site.
#[utoipa::path(
    delete, path = "/api/v1/posts/{slug}", tag = "posts", security(("token" = ["editor"])),
    params(
        ("slug" = String, Path, description = "The post's slug or id"),
        ("If-Match" = String, Header, description = "The `ETag` of the post as you have read it")
    ),
    responses((status = 204, description = "The draft is gone"))
)]
pub(crate) async fn delete(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
) -> Result<StatusCode, Problem> {
    db.by(&caller.act_on_seen()?).delete_post(&slug).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Sample for Edited {
    fn sample() -> Self {
        Self { title: Some("SQLite is enough for most".to_owned()), ..Self::default() }
    }
}
