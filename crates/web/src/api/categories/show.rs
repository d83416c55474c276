//! `/api/v1/categories/{category}`

use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use cofounder_storage::{Category, CategoryChange, Database};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    Problem,
    access::{Caller, Edit, Look},
    api::{
        extract::{Json, Named},
        tags::{Has, Tag},
    },
    documents::{CategoryDocument, Sample},
};

pub(super) fn shown(category: Category, has: &Has) -> Response {
    let tag = Tag(i64::try_from(category.version).unwrap_or(i64::MAX));
    has.answer(tag, Answer(CategoryDocument::from(category)))
}

/// Show a category
///
/// Its ETag changes with it, also when a post comes or goes.
#[utoipa::path(
    get, path = "/api/v1/categories/{category}", tag = "categories", security(("token" = ["viewer"])),
    params(("category" = String, Path, description = "The category's address"), ("If-None-Match" = Option<String>, Header, description = "The ETag of what is known already")),
    responses(
        (status = 200, description = "The category", body = CategoryDocument, headers(("ETag" = String, description = "Its state"))),
        (status = 304, description = "It is as it was")
    )
)]
pub(crate) async fn show(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    has: Has,
) -> Result<Response, Problem> {
    Ok(shown(db.category(&slug).await?, &has))
}

/// What is to change of a category; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Renamed {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What belongs in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// Its address: small letters, digits and single hyphens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 80)]
    slug: Option<String>,
}

/// Change a category
///
/// The posts in it stay in it, also under another address.
#[utoipa::path(
    patch, path = "/api/v1/categories/{category}", tag = "categories", request_body = Renamed, security(("token" = ["editor"])),
    params(
        ("category" = String, Path, description = "The category's address"),
        ("If-Match" = String, Header, description = "The `ETag` of the category as you have read it")
    ),
    responses((status = 200, description = "The category after it", body = CategoryDocument, headers(("ETag" = String, description = "Its state"))))
)]
pub(crate) async fn change(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
    Json(renamed): Json<Renamed>,
) -> Result<Response, Problem> {
    let act = caller.act_on_seen()?;
    let Renamed { name, description, slug: address } = renamed;
    let change = CategoryChange { slug: address, name, description };
    Ok(shown(db.by(&act).change_category(&slug, &change).await?, &Has::nothing()))
}

/// Delete a category
///
/// The posts that were in it stay.
#[utoipa::path(
    delete, path = "/api/v1/categories/{category}", tag = "categories", security(("token" = ["editor"])),
    params(
        ("category" = String, Path, description = "The category's address"),
        ("If-Match" = String, Header, description = "The `ETag` of the category as you have read it")
    ),
    responses((status = 204, description = "The category is gone"))
)]
pub(crate) async fn delete(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(slug): Named<String>,
) -> Result<StatusCode, Problem> {
    db.by(&caller.act_on_seen()?).delete_category(&slug).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Sample for Renamed {
    fn sample() -> Self {
        Self { name: Some("Behind the scenes".to_owned()), ..Self::default() }
    }
}
