//! Following something that grows, as server-sent events (WHATWG HTML, section 9.2): a task's journal, or the site's feed.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use cofounder_domain::{FaultKind, TaskId};
use cofounder_storage::{Database, StorageError};
use futures_util::stream;
use serde::Serialize;
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::extract::invalid;
use crate::{
    Problem, Service,
    access::{Look, still_permits},
    documents::{FeedItem, JournalItem},
    shown::{Doors, Shown},
};
use axum::extract::FromRef;

/// How often new entries are looked for.
const OFTEN: Duration = Duration::from_millis(500);
/// How long nothing is said at the most, so that both sides see whether the other is there.
const SILENCE: Duration = Duration::from_secs(15);
/// Entries that are read at a time.
const PAGE: u64 = 100;
/// Entries that get their numbers in the feed at a time.
const NUMBERED: u64 = 1_000;
/// Clients that listen at the same time.
const MOST: usize = 256;
static LISTENERS: Semaphore = Semaphore::const_new(MOST);

/// What is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Followed {
    Task(TaskId),
    Site,
}

/// Somebody who listens.
pub(crate) struct Listener {
    doors: Doors,
    /// What they showed.
    shown: Shown,
    db: Arc<Database>,
    stop: CancellationToken,
    /// The number behind which they want to go on, if they said one.
    pub(crate) last: Option<i64>,
}

impl FromRequestParts<Service> for Listener {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let Ok(shown) = Shown::from_request_parts(parts, service).await;
        Ok(Self {
            doors: FromRef::from_ref(service),
            shown,
            db: FromRef::from_ref(service),
            stop: FromRef::from_ref(service),
            last: last(&parts.headers)?,
        })
    }
}

impl Listener {
    /// Tells what comes behind this number, for as long as the listener may hear it.
    pub(crate) fn follow(self, what: Followed, after: i64) -> Result<Response, Problem> {
        let full = |_| {
            let words = format!("{MOST} clients follow already; try again later, or read lists");
            Problem::new(FaultKind::Limited, words).after(Some(SILENCE))
        };
        let place = LISTENERS.try_acquire().map_err(full)?;
        let tail = Tail { listener: self, what, after, read: VecDeque::new(), _place: place };
        let entries = stream::unfold(tail, |mut tail| async {
            let event = tail.next().await?;
            Some((Ok::<_, Infallible>(event), tail))
        });
        Ok(Sse::new(entries).keep_alive(KeepAlive::new().interval(SILENCE)).into_response())
    }
}

/// Behind which entry it begins.
fn last(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).filter(|n| *n >= 0);
    let words = "`Last-Event-ID` is no entry's number; leave it out to begin anew";
    number.map(Some).ok_or_else(|| invalid(words))
}

/// The end of what grows.
struct Tail {
    listener: Listener,
    what: Followed,
    after: i64,
    read: VecDeque<(i64, Event)>,
    _place: SemaphorePermit<'static>,
}

impl Tail {
    /// The next entry, when there is one; none when nothing more is told. Whoever listens then asks again.
    async fn next(&mut self) -> Option<Event> {
        loop {
            // Whoever is far behind goes on with another server.
            if self.listener.stop.is_cancelled() {
                return None;
            }
            if let Some((number, event)) = self.read.pop_front() {
                self.after = number;
                return Some(event);
            }
            // Without a right, or without a database, it ends; who asks again is told why.
            still_permits::<Look>(&self.listener.shown, &self.listener.doors).await.ok()?;
            self.read = self.more().await.ok()?;
            if self.read.is_empty() {
                tokio::select! {
                    () = self.listener.stop.cancelled() => return None,
                    () = tokio::time::sleep(OFTEN) => {}
                }
            }
        }
    }

    async fn more(&self) -> Result<VecDeque<(i64, Event)>, StorageError> {
        let db = &self.listener.db;
        match self.what {
            Followed::Task(task) => {
                let entries = db.journal(task, self.after, PAGE).await?;
                let told = entries.into_iter().map(|entry| {
                    let (number, name) = (entry.seq, entry.event.clone());
                    told(number, name, JournalItem::from(entry))
                });
                Ok(told.flatten().collect())
            }
            Followed::Site => {
                db.number_feed(NUMBERED).await?;
                let entries = db.feed(self.after, PAGE).await?;
                let told = entries.into_iter().map(|event| {
                    let (number, name) = (event.number, event.entry.event.clone());
                    told(number, name, FeedItem::from(event))
                });
                Ok(told.flatten().collect())
            }
        }
    }
}

/// An entry as an event.
fn told(number: i64, name: String, entry: impl Serialize) -> Option<(i64, Event)> {
    let event = Event::default().id(number.to_string()).event(name).json_data(entry);
    Some((number, event.inspect_err(|error| tracing::error!(%error, "a defect of this program")).ok()?))
}
