//! `/api/v1/deliveries` and `/api/v1/webhooks`: who is told of what, and what became of it.

use axum::{Json, extract::State};
use cofounder_domain::TaskId;
use cofounder_publish::Webhooks;
use cofounder_storage::{Database, DeliveryFilter};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Edit, Manage},
    api::{
        extract::{Named, Query, invalid},
        page::{self, Paged},
    },
    documents::{DeliveryItem, Sample},
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(targets))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(again))
}

/// A webhook of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct WebhookItem {
    /// Its name in the configuration.
    name: String,
    /// Where it is told, by POST; without what may be a secret in it.
    url: String,
    /// Whether what is sent is signed (Standard Webhooks: an HMAC over id, time stamp and body).
    signed: bool,
    /// Whether the receiver takes a second delivery with the same key for the first one.
    honours_keys: bool,
}

impl Sample for WebhookItem {
    fn sample() -> Self {
        let (name, url) = ("newsletter".to_owned(), "https://example.org/…".to_owned());
        Self { name, url, signed: true, honours_keys: false }
    }
}

/// List webhooks
///
/// Those of the configuration: each is told when a post goes live.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks", security(("token" = ["admin"])),
    responses((status = 200, description = "All of them", body = Paged<WebhookItem>))
)]
pub(crate) async fn targets(
    _caller: Caller<Manage>,
    State(webhooks): State<Arc<Webhooks>>,
) -> Json<Paged<WebhookItem>> {
    let items = webhooks.targets().map(|target| WebhookItem {
        name: target.name.to_owned(),
        url: target.url,
        signed: target.signed,
        honours_keys: target.honours_keys,
    });
    Json(Paged { items: items.collect(), next_cursor: None })
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only in this state: `pending`, `sending`, `done`, `failed` or `unknown`.
    state: Option<String>,
    /// Only to this webhook.
    target: Option<String>,
    /// Only of this task.
    task: Option<TaskId>,
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: `next_cursor` of the page before it.
    cursor: Option<String>,
}

/// The states of a delivery.
const STATES: [&str; 5] = ["pending", "sending", "done", "failed", "unknown"];

/// List deliveries
///
/// What webhooks were told and what came of it, the newest first.
#[utoipa::path(
    get, path = "/api/v1/deliveries", tag = "webhooks", params(Which), security(("token" = ["editor"])),
    responses((status = 200, description = "A page of deliveries", body = Paged<DeliveryItem>))
)]
pub(crate) async fn list(
    _caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Query(which): Query<Which>,
) -> Result<Json<Paged<DeliveryItem>>, Problem> {
    if which.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(invalid(format!("`state` is none; known are {}", STATES.join(", "))));
    }
    let filter = DeliveryFilter { state: which.state, target: which.target, task: which.task };
    let found = db.deliveries(page::limit(which.limit)?, which.cursor.as_deref(), &filter).await?;
    Ok(Json(Paged::of(found)))
}

/// Show a delivery
///
/// With what is sent. Its key travels as `webhook-id`, so that a receiver knows a second delivery as the first one.
#[utoipa::path(
    get, path = "/api/v1/deliveries/{id}", tag = "webhooks", security(("token" = ["editor"])),
    params(("id" = String, Path, description = "The delivery's key")),
    responses((status = 200, description = "The delivery", body = DeliveryItem))
)]
pub(crate) async fn show(
    _caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(id): Named<String>,
) -> Result<Json<DeliveryItem>, Problem> {
    Ok(Json(db.delivery(&id).await?.into()))
}

/// Send a delivery once more
///
/// One that failed, or of which nobody knows whether it arrived; with the same key. A worker sends it soon.
#[utoipa::path(
    post, path = "/api/v1/deliveries/{id}/retry", tag = "webhooks", security(("token" = ["editor"])),
    params(("id" = String, Path, description = "The delivery's key")),
    responses((status = 200, description = "The delivery, pending", body = DeliveryItem))
)]
pub(crate) async fn again(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(id): Named<String>,
) -> Result<Json<DeliveryItem>, Problem> {
    Ok(Json(db.by(&caller.act()).deliver_again(&id).await?.into()))
}
