//! `POST /api/v1/tasks/{id}/reject`

use axum::extract::State;
use cofounder_domain::{Status, TaskId};
use cofounder_storage::Database;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::act::{Done, stands};
use crate::{
    access::{Caller, Edit},
    api::extract::{Json, Named, check_length},
    documents::{Sample, TaskDocument},
};

/// The longest notes, in characters.
const MAX_NOTES: usize = 4_000;

/// A person's no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Rejection {
    /// Why; kept in the task's history. With `rework` the writer of each section is given them to the letter.
    #[serde(default)]
    #[schema(max_length = 4000)]
    notes: String,
    /// Whether the draft is to be written anew after the notes, instead of being put away.
    #[serde(default)]
    rework: bool,
}

/// Say no to a task's draft
///
/// It can never be published from there; `retry` runs the task again. With `rework` the draft goes back to the writer with
/// the notes, of which there must be some: the task waits for a run, which keeps what the research found, writes after
/// the notes, and checks every claim anew. The new draft is the post's next revision, and waits for approval.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/reject", tag = "tasks", request_body = Rejection, security(("token" = ["editor"])),
    params(("id" = TaskId, Path, description = "The task's id")),
    responses((status = 200, description = "The task, rejected; pending with `rework`", body = TaskDocument, example = sent_back))
)]
pub(crate) async fn reject(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    Json(no): Json<Rejection>,
) -> Done {
    let (act, notes) = (caller.act(), no.notes.trim());
    check_length("the notes", notes, MAX_NOTES)?;
    let task = match no.rework {
        true => db.by(&act).send_back(id, notes).await?,
        false if notes.is_empty() => db.by(&act).move_task(id, Status::Rejected, "rejected").await?,
        false => db.by(&act).move_task(id, Status::Rejected, &format!("rejected: {notes}")).await?,
    };
    stands(&db, &task).await
}

impl Sample for Rejection {
    fn sample() -> Self {
        Self {
            notes: "Say in the first paragraph what it costs, and leave the history out.".to_owned(),
            rework: true,
        }
    }
}

fn sent_back() -> TaskDocument {
    TaskDocument::sample_moved(Status::Pending, &format!("sent back: {}", Rejection::sample().notes))
}
