//! The API under `/api/v1`, and its description, which is made from the handlers themselves.
//!
//! One address, one file. Each handler says in its signature who may ask ([`crate::access::Caller`]), and in its
//! attribute what it answers; what every operation shares stands in [`document`].

mod audit;
mod categories;
mod deliveries;
mod document;
mod events;
mod examples;
mod extract;
mod follow;
mod grant;
mod limits;
mod models;
mod money;
mod page;
mod people;
mod posts;
mod refusals;
mod schedules;
mod session;
mod settings;
mod sources;
mod tags;
mod tasks;
mod tokens;
mod words;

pub(crate) use extract::{Named, Query};
pub(crate) use page::{Paged, Part};
pub(crate) use tags::{Has, Seen, Tag};

use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Service,
    access::{Caller, Look},
    content, gateway, health, metrics,
};

/// The routes that are described, and their description.
fn described() -> (Router<Service>, OpenApi) {
    let (gateway, of_gateway) = gateway::described().split_for_parts();
    let (router, mut api) = OpenApiRouter::with_openapi(document::head())
        .merge(tasks::routes())
        .merge(events::routes())
        .merge(posts::routes())
        .merge(categories::routes())
        .merge(words::routes())
        .merge(sources::routes())
        .merge(schedules::routes())
        .merge(deliveries::routes())
        .merge(models::routes())
        .merge(money::routes())
        .merge(session::routes())
        .merge(people::routes())
        .merge(tokens::routes())
        .merge(audit::routes())
        .merge(settings::routes())
        .routes(routes!(grant::grant))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
        .routes(routes!(content::content))
        .split_for_parts();
    api.merge(of_gateway);
    document::complete(&mut api);
    (router.merge(gateway::routes(gateway)), api)
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
