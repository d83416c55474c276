//! `/api/v1/session`

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use cofounder_auth::{People, Sessions, Welcome, form_key};
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    Place, Problem,
    access::{Caller, Known, SignedIn, Visiting},
    api::extract::Json,
    cookies::Jar,
    documents::{IdentityDocument, PersonDocument},
    place::Origin,
    shown::{Shown, foreign},
    signin,
};

/// Show who asks
///
/// Whose token or session it is, and what they may.
#[utoipa::path(
    get, path = "/api/v1/session", tag = "session", security(("token" = []), ("session" = [])),
    responses((status = 200, description = "Who asks", body = IdentityDocument))
)]
pub(crate) async fn show(caller: Caller<Known>, shown: Shown) -> Answer<IdentityDocument> {
    let key = match &shown {
        Shown::Session(session) => Some(form_key(session)),
        _ => None,
    };
    Answer(IdentityDocument::of(&caller.identity, key))
}

/// What a person signs in with.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "correct horse battery staple"}))]
pub(crate) struct Credentials {
    /// Their address.
    #[schema(max_length = 254)]
    email: String,
    /// Their password.
    #[schema(value_type = String, format = "password", max_length = 1024)]
    password: SecretString,
}

/// Sign in
///
/// The answer carries the session as a cookie. After some wrong passwords for one person, or from one place, the next
/// one is taken later and later.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session", request_body = Credentials,
    responses(
        (status = 201, description = "Signed in", body = PersonDocument, headers(("Set-Cookie" = String, description = "The session"))),
        (status = 401, description = "The address or the password is wrong", body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong ones; `Retry-After` says until when", body = crate::problem::ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn begin(
    State(people): State<Arc<People>>,
    State(place): State<Place>,
    headers: HeaderMap,
    Visiting(visitor): Visiting,
    Json(typed): Json<Credentials>,
) -> Result<Response, Problem> {
    // Nobody is to be signed in as somebody else by a page of a third.
    if place.origin(&headers) == Origin::Foreign {
        return Err(foreign());
    }
    let welcome = people.sign_in(&typed.email, &typed.password, &visitor).await;
    Ok(welcomed(&place, welcome.map_err(signin::refused)?, StatusCode::CREATED))
}

/// Who is in, with their cookie.
fn welcomed(place: &Place, welcome: Welcome, status: StatusCode) -> Response {
    let cookies = signin::cookies(place, &welcome.opened);
    signin::with_cookies((status, Answer(PersonDocument::from(welcome.person))), cookies)
}

/// Sign out
///
/// Ends the session in which it is asked, for good.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "session", security(("session" = [])),
    responses((status = 204, description = "Signed out"))
)]
pub(crate) async fn end(
    me: SignedIn,
    State(sessions): State<Arc<Sessions>>,
    State(place): State<Place>,
) -> Result<Response, Problem> {
    sessions.revoke(&me.caller.act(), me.person, me.session).await?;
    Ok(signin::with_cookies(StatusCode::NO_CONTENT, Jar::Session.take(&place)).into_response())
}

/// A present password, and the one that takes its place.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"present": "correct horse battery staple", "new": "a longer and better one"}))]
pub(crate) struct NewPassword {
    /// The present one.
    #[schema(value_type = String, format = "password", max_length = 1024)]
    present: SecretString,
    /// The new one.
    #[schema(value_type = String, format = "password", min_length = 12, max_length = 1024)]
    new: SecretString,
}

/// Change one's own password
///
/// All sessions end; the one in which it is asked goes on as a new one, whose cookie the answer carries.
#[utoipa::path(
    put, path = "/api/v1/session/password", tag = "session", request_body = NewPassword, security(("session" = [])),
    responses(
        (status = 200, description = "The password is changed", body = PersonDocument, headers(("Set-Cookie" = String, description = "The new session"))),
        (status = 429, description = "Too many wrong ones; `Retry-After` says until when", body = crate::problem::ProblemDocument, content_type = "application/problem+json")
    )
)]
pub(crate) async fn password(
    me: SignedIn,
    State(people): State<Arc<People>>,
    State(place): State<Place>,
    Json(typed): Json<NewPassword>,
) -> Result<Response, Problem> {
    let here = (me.person, me.session);
    let changed = people.change_password(here, (&typed.present, &typed.new), me.caller.visitor()).await;
    Ok(welcomed(&place, changed.map_err(signin::refused)?, StatusCode::OK))
}
