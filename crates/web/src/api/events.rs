//! `GET /api/v1/events`: what happens to all tasks, as it happens.

use axum::{extract::State, response::Response};
use cofounder_storage::Database;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Look},
    api::{
        extract::Query,
        follow::{Followed, Listener},
    },
    documents::{FeedItem, Sample},
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(follow))
}

/// Where the feed begins for who says no `Last-Event-ID`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// Behind this number, 0 for all that ever happened; without it, with what happens from now on.
    #[param(minimum = 0)]
    after: Option<u64>,
}

/// Follow the site
///
/// What happens to all tasks, each entry within a second: the event's name is the entry's `event`, its id a number that
/// grows by one, its data the entry with its task. With `Last-Event-ID` it goes on behind that number, also with another
/// server or after a restart; nothing is missed and nothing told twice. It ends when the token or the session does, and
/// when the program ends.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "tasks", security(("token" = ["viewer"])),
    params(Begin, ("Last-Event-ID" = Option<i64>, Header, description = "The number of the entry that was told last", minimum = 0)),
    responses(
        (status = 200, description = "Server-sent events whose data are entries of the feed", body = String, content_type = "text/event-stream", example = told),
        (status = 429, description = "As many listen as may", body = crate::problem::ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn follow(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Query(begin): Query<Begin>,
    listener: Listener,
) -> Result<Response, Problem> {
    let asked = begin.after.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
    let after = match listener.last.or(asked) {
        Some(after) => after,
        None => {
            // What has happened by now is not told as new.
            while db.number_feed(10_000).await? > 0 {}
            db.feed_end().await?
        }
    };
    listener.follow(Followed::Site, after)
}

/// An event as the example shows it.
fn told() -> String {
    let entry = FeedItem::sample();
    let data = serde_json::to_string(&entry).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", entry.number, entry.entry.event)
}
