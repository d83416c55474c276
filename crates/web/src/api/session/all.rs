//! `/api/v1/sessions`: all of a person's own.

use axum::{Json, extract::State, http::StatusCode};
use cofounder_auth::Sessions;
use cofounder_domain::SessionId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    Problem,
    access::SignedIn,
    api::{
        extract::{Named, Query},
        page::{Paged, Part},
    },
    documents::{Sample, SessionItem},
};

/// List one's own sessions
///
/// Those that are valid, the newest first.
#[utoipa::path(
    get, path = "/api/v1/sessions", tag = "session", params(Part), security(("session" = [])),
    responses((status = 200, description = "A page of sessions", body = Paged<SessionItem>))
)]
pub(crate) async fn list(
    me: SignedIn,
    State(sessions): State<Arc<Sessions>>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<SessionItem>>, Problem> {
    let found = sessions.list(me.person, part.limit()?, part.cursor()).await?;
    Ok(Json(Paged::with(found, |session| SessionItem::of(session, Some(me.session)))))
}

/// End one of one's own sessions
///
/// For good: this server refuses it at once, others within a second.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{id}", tag = "session", security(("session" = [])),
    params(("id" = SessionId, Path, description = "The session's id")),
    responses((status = 204, description = "It has ended"))
)]
pub(crate) async fn end_one(
    me: SignedIn,
    State(sessions): State<Arc<Sessions>>,
    Named(id): Named<SessionId>,
) -> Result<StatusCode, Problem> {
    sessions.revoke(&me.caller.act(), me.person, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many sessions have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct Ended {
    /// So many.
    ended: u64,
}

/// End all of one's own sessions but for this one
///
/// For good: this server refuses them at once, others within a second.
#[utoipa::path(
    delete, path = "/api/v1/sessions", tag = "session", security(("session" = [])),
    responses((status = 200, description = "They have ended", body = Ended))
)]
pub(crate) async fn end_others(
    me: SignedIn,
    State(sessions): State<Arc<Sessions>>,
) -> Result<Json<Ended>, Problem> {
    Ok(Json(Ended { ended: sessions.revoke_others(&me.caller.act(), me.person, me.session).await? }))
}

impl Sample for Ended {
    fn sample() -> Self {
        Self { ended: 2 }
    }
}
