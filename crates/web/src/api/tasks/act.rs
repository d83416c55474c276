//! `POST /api/v1/tasks/{id}/…`: what a person does with a task.

use axum::{Json as Answer, extract::State};
use cofounder_auth::Scope;
use cofounder_domain::{FaultKind, Status, TaskId};
use cofounder_publish::Webhooks;
use cofounder_storage::{Act, Database, Task};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    Problem,
    access::{Caller, Edit, Write},
    api::extract::{Json, Named, check_length},
    documents::{Moment, Sample, TaskDocument},
};

pub(super) type Done = Result<Answer<TaskDocument>, Problem>;

pub(super) async fn stands(db: &Database, task: &Task) -> Done {
    Ok(Answer(TaskDocument::load(db, task).await?))
}

/// How a draft is approved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Approval {
    /// Why it goes live although a check that must pass did not; kept in the task's history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    override_reason: Option<String>,
    /// When it goes live; now, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publish_at: Option<Moment>,
}

/// Approve a task's draft
///
/// Its post goes live, and who is to be told of it is told soon, all in one transaction. With `publish_at` the task is
/// `approved` until that time, and a worker publishes it then. A draft whose gate is blocked needs a reason.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/approve", tag = "tasks", request_body = Approval, security(("token" = ["editor"])),
    params(("id" = TaskId, Path, description = "The task's id")),
    responses((status = 200, description = "The task, published; approved with `publish_at`", body = TaskDocument, example = approved))
)]
pub(crate) async fn approve(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    State(webhooks): State<Arc<Webhooks>>,
    Named(id): Named<TaskId>,
    Json(approval): Json<Approval>,
) -> Done {
    let (act, reason) = (caller.act(), approval.override_reason.as_deref());
    match approval.publish_at {
        Some(Moment(at)) => db.by(&act).approve_for(id, at, reason).await?,
        None => db.by(&act).approve(id, reason, |post| webhooks.announcements(post)).await?,
    };
    stands(&db, &db.task(id).await?).await
}

/// Take a scheduled publication back
///
/// A draft that was approved for a time that has not come waits for approval again.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/unschedule", tag = "tasks", security(("token" = ["editor"])),
    params(("id" = TaskId, Path, description = "The task's id")),
    responses((status = 200, description = "The task, awaiting approval", body = TaskDocument, example = unscheduled))
)]
pub(crate) async fn unschedule(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
) -> Done {
    stands(&db, &db.by(&caller.act()).unschedule(id).await?).await
}

/// Why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Reason {
    /// In words a person reads; kept in the task's history.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
}

/// The longest reason, in characters.
pub(in crate::api) const MAX_REASON: usize = 2_000;

impl Reason {
    fn with(&self, what: &str) -> Result<String, Problem> {
        let reason = self.reason.trim();
        check_length("the reason", reason, MAX_REASON)?;
        Ok(if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") })
    }
}

/// What an editor approved for a time, or said no to, is undone by an editor.
async fn within(caller: &Caller<Write>, db: &Database, id: TaskId) -> Result<Act, Problem> {
    let status = db.task(id).await?.status;
    if matches!(status, Status::Approved | Status::Rejected) && !caller.identity.allows(Scope::Editor) {
        let words = format!(
            "the task is {status} by an editor's word, which an editor takes back. Nothing was changed"
        );
        return Err(Problem::new(FaultKind::Unauthorised, words).with_status(403));
    }
    Ok(caller.act())
}

/// End a task
///
/// Whoever runs it stops within a second; all that is done is kept.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/cancel", tag = "tasks", request_body = Reason, security(("token" = ["writer"])),
    params(("id" = TaskId, Path, description = "The task's id")),
    responses((status = 200, description = "The task, cancelled", body = TaskDocument, example = cancelled))
)]
pub(crate) async fn cancel(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    Json(why): Json<Reason>,
) -> Done {
    let act = within(&caller, &db, id).await?;
    stands(&db, &db.by(&act).move_task(id, Status::Cancelled, &why.with("cancelled")?).await?).await
}

/// Set a task aside
///
/// Whoever runs it stops within a second; all that is done is kept.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/hold", tag = "tasks", request_body = Reason, security(("token" = ["writer"])),
    params(("id" = TaskId, Path, description = "The task's id")),
    responses((status = 200, description = "The task, on hold", body = TaskDocument, example = held))
)]
pub(crate) async fn hold(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    Json(why): Json<Reason>,
) -> Done {
    let act = within(&caller, &db, id).await?;
    stands(&db, &db.by(&act).move_task(id, Status::OnHold, &why.with("set aside")?).await?).await
}

/// Put a task that was set aside back to where it was
///
/// A draft waits for approval again, all else waits to run.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/release", tag = "tasks", security(("token" = ["writer"])),
    params(("id" = TaskId, Path, description = "The task's id")),
    responses((status = 200, description = "The task, pending or awaiting approval", body = TaskDocument))
)]
pub(crate) async fn release(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
) -> Done {
    stands(&db, &db.by(&caller.act()).release_task(id).await?).await
}

/// From where a task is run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Again {
    /// This step and all after it are done anew; without it only what did not finish is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    from: Option<String>,
}

/// Run a task again
///
/// One that failed, was rejected or was cancelled; a worker takes it. Finished steps are kept.
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/retry", tag = "tasks", request_body = Again, security(("token" = ["writer"])),
    params(("id" = TaskId, Path, description = "The task's id")),
    responses((status = 200, description = "The task, pending", body = TaskDocument, example = pending))
)]
pub(crate) async fn retry(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    Named(id): Named<TaskId>,
    Json(again): Json<Again>,
) -> Done {
    let act = within(&caller, &db, id).await?;
    stands(&db, &db.by(&act).retry_task(id, again.from.as_deref()).await?).await
}

impl Sample for Approval {
    /// A draft whose gate is open needs no reason.
    fn sample() -> Self {
        Self::default()
    }
}

impl Sample for Reason {
    fn sample() -> Self {
        Self { reason: "The second section says the same twice.".to_owned() }
    }
}

impl Sample for Again {
    fn sample() -> Self {
        Self { from: Some("draft".to_owned()) }
    }
}

fn approved() -> TaskDocument {
    TaskDocument::sample_moved(Status::Published, "approved")
}

fn unscheduled() -> TaskDocument {
    TaskDocument::sample_moved(Status::AwaitingApproval, "its publication was taken back")
}

fn cancelled() -> TaskDocument {
    TaskDocument::sample_moved(Status::Cancelled, "cancelled: The second section says the same twice.")
}

fn held() -> TaskDocument {
    TaskDocument::sample_moved(Status::OnHold, "set aside: The second section says the same twice.")
}

fn pending() -> TaskDocument {
    TaskDocument::sample_moved(Status::Pending, "asked for again")
}
