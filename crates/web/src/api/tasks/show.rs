//! `GET /api/v1/tasks/{id}`

use axum::{Json, extract::State, response::Response};
use cofounder_domain::TaskId;
use cofounder_storage::Database;
use std::sync::Arc;

use crate::{
    Problem,
    access::{Caller, Look},
    api::{
        extract::Named,
        tags::{Has, Tag},
    },
    documents::TaskDocument,
};

/// Show a task
///
/// With its steps, runs, history and effects. Its ETag changes with every entry of its journal.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", tag = "tasks", security(("token" = ["viewer"])),
    params(("id" = TaskId, Path, description = "The task's id"), ("If-None-Match" = Option<String>, Header, description = "The ETag of what is known already")),
    responses(
        (status = 200, description = "The task", body = TaskDocument, headers(("ETag" = String, description = "Its state"))),
        (status = 304, description = "It is as it was")
    )
)]
pub(crate) async fn show(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    has: Has,
) -> Result<Response, Problem> {
    let task = db.task(id).await?;
    let document = TaskDocument::load(&db, &task).await?;
    Ok(has.answer(Tag(task.events), Json(document)))
}
