//! `POST /api/v1/tasks`

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use cofounder_domain::{Brief, DEFAULT_WORDS};
use cofounder_storage::{Asked, Database, Terms};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    Problem,
    access::{Caller, Write},
    api::extract::{Json, invalid},
    documents::{
        Moment, Sample, TaskDocument,
        sample::{SOURCE, TOPIC},
    },
    state::Sources,
};

/// The most addresses of sources.
const MOST_SOURCES: usize = 100;

/// What a task should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct NewTask {
    /// What the article should be about.
    #[schema(min_length = 1, max_length = 1000)]
    topic: String,
    /// How long it should be, in words.
    #[serde(default = "usual_words")]
    #[schema(minimum = 50, maximum = 10000, default = 600)]
    words: u64,
    /// Addresses (`http` or `https`) to take evidence from. Without any, Wikipedia is asked.
    #[serde(default)]
    #[schema(max_items = 100)]
    sources: Vec<String>,
    /// The model to use, as `provider/model`; never replaced by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Tasks of a higher priority run first.
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100, default = 0)]
    priority: i32,
    /// What its worker must have, such as `gpu`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    needs: Option<String>,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Moment>,
    /// Failed if it is not done by this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Moment>,
}

const fn usual_words() -> u64 {
    DEFAULT_WORDS as u64
}

/// Ask for an article
///
/// Stores a task; a worker runs it. With `Idempotency-Key`, asking again with the same key and the same brief makes no
/// second task and answers 200 with the first one; with another brief it is a conflict.
#[utoipa::path(
    post, path = "/api/v1/tasks", tag = "tasks", request_body = NewTask, security(("token" = ["writer"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the wish: 1 to 200 characters", max_length = 200)),
    responses(
        (status = 201, description = "The task is stored", body = TaskDocument, headers(("Location" = String, description = "Where it is")), example = TaskDocument::sample_asked),
        (status = 200, description = "There was one with this key", body = TaskDocument)
    )
)]
pub(crate) async fn create(
    caller: Caller<Write>,
    State(db): State<Arc<Database>>,
    State(sources): State<Sources>,
    headers: HeaderMap,
    Json(new): Json<NewTask>,
) -> Result<Response, Problem> {
    let (brief, mut terms) = new.checked(&sources)?;
    terms.key = key(&headers)?;
    let Asked { task, known } = db.by(&caller.act()).ask_for_task(&brief, &[], &terms).await?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    let place = format!("/api/v1/tasks/{}", task.id);
    let document = TaskDocument::load(&db, &task).await?;
    Ok((status, [(header::LOCATION, place)], Answer(document)).into_response())
}

/// The wish's name, if it has one. What is no text is refused, so that nobody believes in a key that is not looked at.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text =
        value.to_str().map_err(|_| invalid("`Idempotency-Key` is not plain text. Nothing was stored"))?;
    Ok(Some(text.to_owned()))
}

impl NewTask {
    /// What is asked for again and again, where no single time makes sense.
    pub(in crate::api) fn repeated(self, sources: &Sources) -> Result<(Brief, Terms), Problem> {
        if self.start.is_some() || self.deadline.is_some() {
            return Err(invalid(
                "a task that comes again has no `start` and no `deadline`; its times are the schedule's. Nothing was stored",
            ));
        }
        let (brief, terms) = self.checked(sources)?;
        terms.check(cofounder_domain::Timestamp::MIN_UTC)?;
        Ok((brief, terms))
    }

    fn checked(self, sources: &Sources) -> Result<(Brief, Terms), Problem> {
        if self.sources.len() > MOST_SOURCES {
            return Err(invalid(format!(
                "{} sources are named, and at most {MOST_SOURCES} can be. Nothing was stored",
                self.sources.len()
            )));
        }
        for named in &self.sources {
            (sources.0)(named).map_err(|why| invalid(format!("{why}. Nothing was stored")))?;
        }
        if !(-100..=100).contains(&self.priority) {
            return Err(invalid(format!(
                "`priority` is {}; it is -100 to 100. Nothing was stored",
                self.priority
            )));
        }
        let brief = Brief::new(&self.topic, self.words, self.sources, self.model)
            .map_err(|error| invalid(format!("{error}. Nothing was stored")))?;
        let terms = Terms {
            priority: self.priority,
            needs: self.needs.unwrap_or_default(),
            start: self.start.map(|Moment(at)| at),
            deadline: self.deadline.map(|Moment(at)| at),
            key: None,
        };
        Ok((brief, terms))
    }
}

impl Sample for NewTask {
    fn sample() -> Self {
        Self {
            topic: TOPIC.to_owned(),
            words: 800,
            sources: vec![SOURCE.to_owned()],
            model: None,
            priority: 0,
            needs: None,
            start: None,
            deadline: None,
        }
    }
}
