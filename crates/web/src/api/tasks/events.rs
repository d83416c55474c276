//! `GET /api/v1/tasks/{id}/events`: a task's journal as it grows, as server-sent events (WHATWG HTML, section 9.2).

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use cofounder_domain::{FaultKind, TaskId};
use cofounder_storage::{Database, JournalEvent};
use futures_util::stream;
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::{
    Problem,
    access::{Caller, Look, still_permits},
    api::extract::{Named, invalid},
    documents::JournalItem,
    shown::{Doors, Shown},
};

/// How often new entries are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing is said at the most, so that both sides see whether the other is there.
const SILENCE: Duration = Duration::from_secs(15);
/// Entries that are read at a time.
const PAGE: u64 = 100;
/// Clients that listen at the same time.
const MOST: usize = 256;
static LISTENERS: Semaphore = Semaphore::const_new(MOST);

/// Follow a task
///
/// Its journal from the beginning, and each new entry within a second: the event's name is the entry's `event`, its id the
/// entry's number, its data the entry. With `Last-Event-ID` it goes on behind that entry, also with another server or after
/// a restart; nothing is missed and nothing told twice. It ends when the token or the session does, and when the program ends.
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}/events", tag = "tasks", security(("token" = ["viewer"])),
    params(("id" = TaskId, Path, description = "The task's id"), ("Last-Event-ID" = Option<i64>, Header, description = "The number of the entry that was told last", minimum = 0)),
    responses(
        (status = 200, description = "Server-sent events whose data are journal entries", body = String, content_type = "text/event-stream"),
        (status = 429, description = "As many listen as may", body = crate::problem::ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn events(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    State(doors): State<Doors>,
    shown: Shown,
    State(stop): State<CancellationToken>,
    Named(task): Named<TaskId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last(&headers)?;
    db.task(task).await?;
    let full = |_| {
        let words = format!("{MOST} clients follow tasks already; try again later, or read the journal");
        Problem::new(FaultKind::Limited, words).after(Some(SILENCE))
    };
    let place = LISTENERS.try_acquire().map_err(full)?;
    let tail = Tail { db, doors, shown, stop, task, after, read: VecDeque::new(), _place: place };
    let entries = stream::unfold(tail, |mut tail| async {
        let event = tail.next().await?;
        Some((Ok::<_, Infallible>(event), tail))
    });
    Ok(Sse::new(entries).keep_alive(KeepAlive::new().interval(SILENCE)).into_response())
}

/// Behind which entry it begins.
fn last(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).filter(|n| *n >= 0);
    number.ok_or_else(|| invalid("`Last-Event-ID` is no entry's number; leave it out to begin at the top"))
}

/// The end of a journal, which grows.
struct Tail {
    db: Arc<Database>,
    doors: Doors,
    /// What the listener showed.
    shown: Shown,
    stop: CancellationToken,
    task: TaskId,
    after: i64,
    read: VecDeque<JournalEvent>,
    _place: SemaphorePermit<'static>,
}

impl Tail {
    /// The next entry, when there is one; none when nothing more is told. Whoever listens then asks again.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(entry) = self.read.pop_front() {
                self.after = entry.seq;
                let event = Event::default().id(entry.seq.to_string()).event(entry.event.clone());
                let told = event.json_data(JournalItem::from(entry));
                return told.inspect_err(|error| tracing::error!(%error, "a defect of this program")).ok();
            }
            // Without a right, or without a database, it ends; who asks again is told why.
            still_permits::<Look>(&self.shown, &self.doors).await.ok()?;
            self.read = self.db.journal(self.task, self.after, PAGE).await.ok()?.into();
            if self.read.is_empty() {
                tokio::select! {
                    () = self.stop.cancelled() => return None,
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        }
    }
}
