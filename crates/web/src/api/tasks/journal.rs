//! `GET /api/v1/tasks/{id}/journal`

use axum::{Json, extract::State};
use cofounder_domain::TaskId;
use cofounder_storage::{Database, Page};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

use crate::{
    Problem,
    access::{Caller, Look},
    api::{
        extract::{Named, Query, invalid},
        page::{self, Paged},
    },
    documents::JournalItem,
};

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: the number of the entry before it.
    cursor: Option<String>,
}

/// Read a task's journal
///
/// The first entry first. Entries are numbered without gaps, and an entry never changes.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/journal", tag = "tasks", security(("token" = ["viewer"])),
    params(("id" = TaskId, Path, description = "The task's id"), Which),
    responses((status = 200, description = "A page of entries", body = Paged<JournalItem>))
)]
pub(crate) async fn journal(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    Query(which): Query<Which>,
) -> Result<Json<Paged<JournalItem>>, Problem> {
    let limit = page::limit(which.limit)?;
    let after = match which.cursor {
        None => 0,
        Some(text) => text.parse().map_err(|_| invalid(format!("`{text}` is no entry's number")))?,
    };
    db.task(id).await?;
    let mut items = db.journal(id, after, limit + 1).await?;
    let more = items.len() as u64 > limit;
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = items.last().filter(|_| more).map(|entry| entry.seq.to_string());
    Ok(Json(Paged::of(Page { items, next_cursor })))
}
