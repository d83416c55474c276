//! `/api/v1/schedules/{schedule}`

use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use cofounder_storage::{Database, Schedule};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    Problem,
    access::{Caller, Look, Write},
    api::{
        extract::{Json, Named, invalid},
        tags::{Has, Tag},
        tasks::NewTask,
    },
    documents::{Sample, ScheduleDocument},
    state::{Rules, Sources},
};

pub(super) fn shown(schedule: Schedule, has: &Has) -> Response {
    let tag = Tag(i64::try_from(schedule.version).unwrap_or(i64::MAX));
    has.answer(tag, Answer(ScheduleDocument::from(schedule)))
}

/// Show a schedule
///
/// Its ETag changes with it, also when its time comes.
#[utoipa::path(
    get, path = "/api/v1/schedules/{schedule}", tag = "schedules", security(("token" = ["viewer"])),
    params(("schedule" = String, Path, description = "The schedule's name"), ("If-None-Match" = Option<String>, Header, description = "The ETag of what is known already")),
    responses(
        (status = 200, description = "The schedule", body = ScheduleDocument, headers(("ETag" = String, description = "Its state"))),
        (status = 304, description = "It is as it was")
    )
)]
pub(crate) async fn show(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(name): Named<String>,
    has: Has,
) -> Result<Response, Problem> {
    Ok(shown(db.schedule(&name).await?, &has))
}

/// What is to change of a schedule; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Rescheduled {
    /// When: minute, hour, day of the month, month, day of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    cron: Option<String>,
    /// The time zone in which its hours count (IANA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    zone: Option<String>,
    /// What is asked for each time, all of it; without `start` and `deadline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<NewTask>,
}

/// Change a schedule
///
/// Its next time is reckoned anew. Tasks that it made stay as they are.
#[utoipa::path(
    patch, path = "/api/v1/schedules/{schedule}", tag = "schedules", request_body = Rescheduled, security(("token" = ["writer"])),
    params(
        ("schedule" = String, Path, description = "The schedule's name"),
        ("If-Match" = String, Header, description = "The `ETag` of the schedule as you have read it")
    ),
    responses((status = 200, description = "The schedule after it", body = ScheduleDocument, headers(("ETag" = String, description = "Its state"))))
)]
pub(crate) async fn change(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    State(sources): State<Sources>,
    State(rules): State<Rules>,
    Named(name): Named<String>,
    Json(new): Json<Rescheduled>,
) -> Result<Response, Problem> {
    let act = caller.act_on_seen()?;
    let before = db.schedule(&name).await?;
    let mut after = before.clone();
    after.cron = new.cron.unwrap_or(after.cron);
    after.zone = new.zone.unwrap_or(after.zone);
    if let Some(task) = new.task {
        let (brief, terms) = task.repeated(&sources)?;
        (after.brief, after.priority, after.needs) = (brief, terms.priority, terms.needs);
    }
    after.next_at = (rules.0)(&after.cron, &after.zone, db.now()).map_err(invalid)?;
    Ok(shown(db.by(&act).change_schedule(&before, &after).await?, &Has::nothing()))
}

/// Delete a schedule
///
/// Tasks that it made stay.
#[utoipa::path(
    delete, path = "/api/v1/schedules/{schedule}", tag = "schedules", security(("token" = ["writer"])),
    params(
        ("schedule" = String, Path, description = "The schedule's name"),
        ("If-Match" = String, Header, description = "The `ETag` of the schedule as you have read it")
    ),
    responses((status = 204, description = "The schedule is gone"))
)]
pub(crate) async fn delete(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    db.by(&caller.act_on_seen()?).remove_schedule(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Sample for Rescheduled {
    fn sample() -> Self {
        Self { cron: Some("0 9 * * MON".to_owned()), ..Self::default() }
    }
}
