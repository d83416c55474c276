//! `GET /api/v1/tasks/{id}/runs`, and its steps.

use axum::{Json, extract::State};
use cofounder_domain::TaskId;
use cofounder_storage::Database;
use std::sync::Arc;

use crate::{
    Problem,
    access::{Caller, Look},
    api::{
        extract::{Named, Query},
        page::{self, Paged, Part},
    },
    documents::{RunItem, StepItem, journal, steps},
};

/// List a task's runs
///
/// Each attempt at the task, with who held it; the first first.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/runs", tag = "tasks", security(("token" = ["viewer"])),
    params(("id" = TaskId, Path, description = "The task's id"), Part),
    responses((status = 200, description = "A page of runs", body = Paged<RunItem>))
)]
pub(crate) async fn runs(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<RunItem>>, Problem> {
    db.task(id).await?;
    Ok(Json(Paged::of(page::cut(db.runs(id).await?, &part)?)))
}

/// List a task's steps
///
/// In the order in which they first began, each with its attempts, what it came to, and what its model calls took.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/steps", tag = "tasks", security(("token" = ["viewer"])),
    params(("id" = TaskId, Path, description = "The task's id"), Part),
    responses((status = 200, description = "A page of steps", body = Paged<StepItem>))
)]
pub(crate) async fn steps_of(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<StepItem>>, Problem> {
    let task = db.task(id).await?;
    let all = steps(&db, &task, &journal(&db, id).await?).await?;
    Ok(Json(Paged::of(page::cut(all, &part)?)))
}
