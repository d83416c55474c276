//! `GET /api/v1/tasks`

use axum::{Json, extract::State};
use cofounder_domain::Status;
use cofounder_storage::Database;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use crate::{
    Problem,
    access::{Caller, Look},
    api::{
        extract::Query,
        page::{self, Paged},
    },
    documents::TaskItem,
};

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only tasks that stand there.
    status: Option<Status>,
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: `next_cursor` of the page before it.
    cursor: Option<String>,
}

/// List tasks
///
/// The newest first. A task whose brief cannot be read is listed with the reason.
#[utoipa::path(
    get, path = "/api/v1/tasks", tag = "tasks", params(Which), security(("token" = ["viewer"])),
    responses((status = 200, description = "A page of tasks", body = Paged<TaskItem>))
)]
pub(crate) async fn list(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Query(which): Query<Which>,
) -> Result<Json<Paged<TaskItem>>, Problem> {
    let limit = page::limit(which.limit)?;
    let found = db.list_tasks(limit, which.cursor.as_deref(), which.status).await?;
    Ok(Json(Paged::of(found)))
}
