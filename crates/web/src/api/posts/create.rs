//! `POST /api/v1/posts`

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use cofounder_storage::{Database, NewPost};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::show::shown;
use crate::{
    Problem,
    access::{Caller, Write},
    api::{extract::Json, tags::Has},
    documents::{PostDocument, Sample},
};

/// A post that a person writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct WrittenPost {
    /// Its title; a heading is not needed in the text.
    #[schema(min_length = 1, max_length = 300)]
    title: String,
    /// One or two sentences for search engines and feeds.
    #[serde(default)]
    #[schema(max_length = 1000)]
    description: String,
    /// CommonMark.
    #[schema(min_length = 1, max_length = 500000)]
    markdown: String,
    /// Its address: small letters, digits and single hyphens; made from the title if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    slug: Option<String>,
    /// Its tags.
    #[serde(default)]
    #[schema(max_items = 30)]
    tags: Vec<String>,
    /// Its categories, by their addresses.
    #[serde(default)]
    #[schema(max_items = 20)]
    categories: Vec<String>,
}

/// Write a post by hand
///
/// It is stored as a draft, with a task that stands for it and waits for approval; an address that is taken gets a number
/// behind it. It rests on no stored source and no check has seen it: `checked` is false, its gate is blocked, and only an
/// approval with a reason publishes it.
#[utoipa::path(
    post, path = "/api/v1/posts", tag = "posts", request_body = WrittenPost, security(("token" = ["writer"])),
    responses((status = 201, description = "The draft", body = PostDocument, headers(
        ("Location" = String, description = "Where it is"), ("ETag" = String, description = "Its state")
    ), example = PostDocument::sample_by_hand))
)]
pub(crate) async fn create(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    Json(new): Json<WrittenPost>,
) -> Result<Response, Problem> {
    let WrittenPost { title, description, markdown, slug, tags, categories } = new;
    let new = NewPost { title, description, markdown, slug, tags, categories };
    let post = db.by(&caller.act()).write_post(&new).await?;
    let place = HeaderValue::try_from(format!("/api/v1/posts/{}", post.slug));
    let mut response = shown(post, &Has::nothing());
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

impl Sample for WrittenPost {
    fn sample() -> Self {
        let PostDocument { title, markdown, tags, .. } = PostDocument::sample_by_hand();
        Self { title, description: String::new(), markdown, slug: None, tags, categories: Vec::new() }
    }
}
