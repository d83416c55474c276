//! `GET` and `POST /api/v1/categories`

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use cofounder_storage::{Database, NewCategory};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::show::shown;
use crate::{
    Problem,
    access::{Caller, Edit, Look},
    api::{
        extract::{Json, Query},
        page::{Paged, Part},
        tags::Has,
    },
    documents::{CategoryDocument, Sample},
};

/// List categories
///
/// By their addresses, each with the number of its posts.
#[utoipa::path(
    get, path = "/api/v1/categories", tag = "categories", params(Part), security(("token" = ["viewer"])),
    responses((status = 200, description = "A page of categories", body = Paged<CategoryDocument>))
)]
pub(crate) async fn list(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Query(part): Query<Part>,
) -> Result<Answer<Paged<CategoryDocument>>, Problem> {
    Ok(Answer(Paged::of(db.categories(part.limit()?, part.cursor()).await?)))
}

/// What a category should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Wanted {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What belongs in it.
    #[serde(default)]
    #[schema(max_length = 1000)]
    description: String,
    /// Its address: small letters, digits and single hyphens; made from the name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    slug: Option<String>,
}

/// Make a category
///
/// It is a conflict if another one has its address.
#[utoipa::path(
    post, path = "/api/v1/categories", tag = "categories", request_body = Wanted, security(("token" = ["editor"])),
    responses((status = 201, description = "The category", body = CategoryDocument, headers(
        ("Location" = String, description = "Where it is"), ("ETag" = String, description = "Its state")
    )))
)]
pub(crate) async fn create(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { name, description, slug } = wanted;
    let made = db.by(&caller.act()).create_category(&NewCategory { slug, name, description }).await?;
    let place = HeaderValue::try_from(format!("/api/v1/categories/{}", made.slug));
    let mut response = shown(made, &Has::nothing());
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

impl Sample for Wanted {
    fn sample() -> Self {
        let CategoryDocument { name, description, .. } = CategoryDocument::sample();
        Self { name, description, slug: None }
    }
}
