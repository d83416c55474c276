//! The API under `/api/v1`, and its description, which is made from the handlers themselves.
//!
//! One address, one file. Each handler says in its signature who may ask ([`crate::access::Caller`]), and in its
//! attribute what it answers; what every operation shares stands in [`document`].

mod document;
mod extract;
mod page;
mod posts;
mod tags;
mod tasks;

use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Service,
    access::{Caller, Look},
};

/// The routes that are described, and their description.
fn described() -> (Router<Service>, OpenApi) {
    let (router, mut api) = OpenApiRouter::with_openapi(document::head())
        .merge(tasks::routes())
        .merge(posts::routes())
        .split_for_parts();
    document::complete(&mut api);
    (router, api)
}

/// The API's description: OpenAPI 3.1 as JSON, the same to the byte each time.
#[must_use]
pub fn openapi() -> String {
    let mut text = described().1.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

pub(crate) fn routes() -> Router<Service> {
    let (router, api) = described();
    let text = Bytes::from(api.to_json().unwrap_or_default());
    let show = async move |_: Caller<Look>| ([(CONTENT_TYPE, "application/json")], text).into_response();
    router.route("/openapi.json", get(show))
}
