//! `/api/v1/providers` and `/api/v1/routes/{role}`: where models are, how they are, and which takes which call.

use axum::{Json, extract::State};
use cofounder_domain::FaultKind;
use cofounder_metering::{Meter, Need};
use cofounder_providers::Role;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Look, Manage},
    api::{extract::Named, page::Paged},
    documents::{ProviderItem, RouteDocument},
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(providers)).routes(routes!(route))
}

/// List providers
///
/// Those of the configuration, with their models and how each is, as this process saw it.
#[utoipa::path(
    get, path = "/api/v1/providers", tag = "models", security(("token" = ["admin"])),
    responses((status = 200, description = "All of them", body = Paged<ProviderItem>))
)]
pub(crate) async fn providers(
    _caller: Caller<Manage>,
    State(meter): State<Arc<Meter>>,
) -> Json<Paged<ProviderItem>> {
    let items = meter.router().health().into_iter().map(Into::into).collect();
    Json(Paged { items, next_cursor: None })
}

/// Show where calls of a role go
///
/// The chain of models that are asked one after the other, why it is that one, and which models are passed over. Roles
/// are such as `draft`, `critic`, `chat`, `embed`; a role that no model can take now answers 503, one that needs what is
/// not configured 501.
#[utoipa::path(
    get, path = "/api/v1/routes/{role}", tag = "models", security(("token" = ["viewer"])),
    params(("role" = String, Path, description = "The role")),
    responses((status = 200, description = "The chain", body = RouteDocument))
)]
pub(crate) async fn route(
    _caller: Caller<Look>,
    State(meter): State<Arc<Meter>>,
    Named(name): Named<String>,
) -> Result<Json<RouteDocument>, Problem> {
    let role = Role::from_name(&name).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        let words = format!("there is no such role; known are: {}", known.join(", "));
        Problem::new(FaultKind::NotFound, words)
    })?;
    let need = Need { verb: role.verb(), ..Need::default() };
    let route = meter.route(role, None, &need);
    let route = route.map_err(|error| Problem::new(error.kind(), error.to_string()))?;
    Ok(Json(RouteDocument::of(role.as_str(), &route)))
}
