//! `GET` and `POST /api/v1/schedules`

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use cofounder_storage::{Database, Schedule};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::show::shown;
use crate::{
    Problem,
    access::{Caller, Look, Write},
    api::{
        extract::{Json, Query, invalid},
        page::{Paged, Part},
        tags::Has,
        tasks::NewTask,
    },
    documents::{Sample, ScheduleDocument},
    state::{Rules, Sources},
};

/// List schedules
///
/// By their names, each with its next time.
#[utoipa::path(
    get, path = "/api/v1/schedules", tag = "schedules", params(Part), security(("token" = ["viewer"])),
    responses((status = 200, description = "A page of schedules", body = Paged<ScheduleDocument>))
)]
pub(crate) async fn list(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Query(part): Query<Part>,
) -> Result<Answer<Paged<ScheduleDocument>>, Problem> {
    Ok(Answer(Paged::of(db.list_schedules(part.limit()?, part.cursor()).await?)))
}

/// What should be asked for again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct NewSchedule {
    /// A name for it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// When: minute, hour, day of the month, month, day of the week.
    #[schema(min_length = 1, max_length = 200)]
    cron: String,
    /// The time zone in which its hours count (IANA).
    #[serde(default = "utc")]
    #[schema(max_length = 100, default = "UTC")]
    zone: String,
    /// What is asked for each time; without `start` and `deadline`.
    task: NewTask,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Make a schedule
///
/// Whichever worker runs at its time, or later, makes the task, once. It is a conflict if another one has its name.
#[utoipa::path(
    post, path = "/api/v1/schedules", tag = "schedules", request_body = NewSchedule, security(("token" = ["writer"])),
    responses((status = 201, description = "The schedule", body = ScheduleDocument, headers(
        ("Location" = String, description = "Where it is"), ("ETag" = String, description = "Its state")
    )))
)]
pub(crate) async fn create(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    State(sources): State<Sources>,
    State(rules): State<Rules>,
    Json(new): Json<NewSchedule>,
) -> Result<Response, Problem> {
    let NewSchedule { name, cron, zone, task } = new;
    let next_at = (rules.0)(&cron, &zone, db.now()).map_err(invalid)?;
    let (brief, terms) = task.repeated(&sources)?;
    let (priority, needs) = (terms.priority, terms.needs);
    let (id, version, last_at, last_task) = (String::new(), 1, None, None);
    let schedule =
        Schedule { id, name, cron, zone, brief, priority, needs, next_at, last_at, last_task, version };
    let made = db.by(&caller.act()).add_schedule(&schedule).await?;
    let place = HeaderValue::try_from(format!("/api/v1/schedules/{}", place(&made.name)));
    let mut response = shown(made, &Has::nothing());
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// A name as it stands in an address.
fn place(name: &str) -> String {
    let mut url = url::Url::parse("http://here/").ok();
    if let Some(mut parts) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        parts.pop_if_empty().push(name);
    }
    url.map(|url| url.path().trim_start_matches('/').to_owned()).unwrap_or_default()
}

impl Sample for NewSchedule {
    fn sample() -> Self {
        let ScheduleDocument { name, cron, zone, .. } = ScheduleDocument::sample();
        Self { name, cron, zone, task: NewTask::sample() }
    }
}
