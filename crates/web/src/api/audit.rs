//! `GET /api/v1/audit`

use axum::{Json, extract::State};
use cofounder_storage::{AuditFilter, Database};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Manage},
    api::{
        extract::Query,
        page::{self, Paged},
    },
    documents::AuditItem,
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Of this person or token, by its id.
    actor: Option<String>,
    /// Of this doing, such as `task.approve`.
    action: Option<String>,
    /// About this thing, by its id or its name.
    object: Option<String>,
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: `next_cursor` of the page before it.
    cursor: Option<String>,
}

/// List who changed what
///
/// The newest first. A line is written with the change itself, and is never changed or dropped.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(Which), security(("token" = ["admin"])),
    responses((status = 200, description = "A page of the audit log", body = Paged<AuditItem>))
)]
pub(crate) async fn list(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    Query(which): Query<Which>,
) -> Result<Json<Paged<AuditItem>>, Problem> {
    let filter = AuditFilter { actor: which.actor, action: which.action, object: which.object };
    let found = db.audit(page::limit(which.limit)?, which.cursor.as_deref(), &filter).await?;
    Ok(Json(Paged::of(found)))
}
