//! `GET /api/v1/tasks/{id}/events`: a task's journal as it grows.

use axum::{extract::State, response::Response};
use cofounder_domain::TaskId;
use cofounder_storage::Database;
use std::sync::Arc;

use crate::{
    Problem,
    access::{Caller, Look},
    api::{
        extract::Named,
        follow::{Followed, Listener},
    },
    documents::{JournalItem, Sample},
};

/// Follow a task
///
/// Its journal from the beginning, and each new entry within a second: the event's name is the entry's `event`, its id the
/// entry's number, its data the entry. With `Last-Event-ID` it goes on behind that entry, also with another server or after
/// a restart; nothing is missed and nothing told twice. It ends when the token or the session does, and when the program
/// ends.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/events", tag = "tasks", security(("token" = ["viewer"])),
    params(("id" = TaskId, Path, description = "The task's id"), ("Last-Event-ID" = Option<i64>, Header, description = "The number of the entry that was told last", minimum = 0)),
    responses(
        (status = 200, description = "Server-sent events whose data are journal entries", body = String, content_type = "text/event-stream", example = told),
        (status = 429, description = "As many listen as may", body = crate::problem::ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn events(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(task): Named<TaskId>,
    listener: Listener,
) -> Result<Response, Problem> {
    db.task(task).await?;
    let after = listener.last.unwrap_or_default();
    listener.follow(Followed::Task(task), after)
}

/// An entry as the example tells it.
fn told() -> String {
    let entry = JournalItem::sample();
    let data = serde_json::to_string(&entry).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", entry.seq, entry.event)
}
