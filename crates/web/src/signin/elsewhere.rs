//! `/auth/{provider}/…`: a browser leaves for a provider, and comes back.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use cofounder_auth::{AWAY, Begun, Elsewhere, ElsewhereError, Finished, Outcome, ReturnTo, Returned};
use cofounder_domain::FaultKind;
use cofounder_storage::{Database, IdentityKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;

use super::{
    cookies,
    form::{Form, Keyed},
    pages::{LeavingPage, MessagePage, page},
    with_cookies,
};
use crate::{
    Place, Problem,
    access::{SignedIn, Visiting},
    api::{Named, Query},
    cookies::Jar,
    problem::seconds,
};

/// Where somebody wants to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    return_to: Option<String>,
}

/// `GET /auth/{provider}/login`: to sign in.
pub(super) async fn leave(
    State(elsewhere): State<Arc<Elsewhere>>,
    State(place): State<Place>,
    Named(provider): Named<String>,
    Query(wanted): Query<Wanted>,
    Visiting(visitor): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let return_to = match wanted.return_to.as_deref() {
        None | Some("") => ReturnTo::default(),
        Some(text) => match ReturnTo::parse(text) {
            Ok(return_to) => return_to,
            Err(error) => return refused(error.into()),
        },
    };
    let browser = Jar::Away.shown(&place, &headers);
    let shown = browser.as_ref().map(ExposeSecret::expose_secret);
    match elsewhere.begin(&provider, shown, &return_to, None, &visitor).await {
        Ok(begun) => Ok(left(&place, &begun, Redirect::to(begun.redirect.as_str()))),
        Err(error) => refused(error),
    }
}

/// `POST /auth/{provider}/link`: to link an account to the person who is signed in. No other site's page can make a browser
/// do that ([`crate::shown`]): whoever is signed in there could be somebody else.
///
/// The answer is a page that goes on to the provider, since a form of this site leads to this site only.
pub(super) async fn link(
    me: SignedIn,
    State(elsewhere): State<Arc<Elsewhere>>,
    State(place): State<Place>,
    Named(provider): Named<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let browser = Jar::Away.shown(&place, &headers);
    let (shown, return_to) = (browser.as_ref().map(ExposeSecret::expose_secret), own_account());
    let begun =
        match elsewhere.begin(&provider, shown, &return_to, Some(me.person), me.caller.visitor()).await {
            Ok(begun) => begun,
            Err(error) => return refused(error),
        };
    let url = begun.redirect.to_string();
    let refresh = HeaderValue::try_from(format!("0; url={url}"));
    let mut answer = page(StatusCode::OK, &LeavingPage { provider, url });
    if let Ok(refresh) = refresh {
        answer.headers_mut().insert(header::REFRESH, refresh);
    }
    Ok(left(&place, &begun, answer))
}

fn own_account() -> ReturnTo {
    ReturnTo::parse("/account").unwrap_or_default()
}

fn left(place: &Place, begun: &Begun, answer: impl IntoResponse) -> Response {
    let seconds = i64::try_from(AWAY.as_secs()).unwrap_or(0);
    let mut answer = with_cookies(answer, Jar::Away.give(place, &begun.browser, seconds));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What a browser brings back.
#[derive(Deserialize)]
pub(super) struct Brought {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    code: Option<SecretString>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    iss: Option<String>,
}

/// `GET /auth/{provider}/callback`: back from there.
pub(super) async fn back(
    me: Result<SignedIn, Problem>,
    State(elsewhere): State<Arc<Elsewhere>>,
    State(place): State<Place>,
    Named(provider): Named<String>,
    Query(brought): Query<Brought>,
    Visiting(visitor): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let signed_in = me.ok().map(|me| me.person);
    let Brought { state, code, error, iss: issuer } = brought;
    let returned = Returned { state, code, error, issuer };
    let browser = Jar::Away.shown(&place, &headers);
    let shown = browser.as_ref().map(ExposeSecret::expose_secret);
    let Finished { return_to, outcome } =
        match elsewhere.finish(&provider, &returned, shown, signed_in, &visitor).await {
            Ok(finished) => finished,
            Err(error) => return refused(error),
        };
    let mut given = match outcome {
        Outcome::SignedIn(welcome) => cookies(&place, &welcome.opened),
        Outcome::Linked(_) => Vec::new(),
    };
    given.extend(Jar::Away.take(&place));
    Ok(with_cookies(Redirect::to(return_to.as_str()), given))
}

/// An account that is to be unlinked.
#[derive(Deserialize)]
pub(super) struct Unlinking {
    key: String,
    provider: String,
    issuer: String,
    subject: String,
}

impl Keyed for Unlinking {
    fn key(&self) -> &str {
        &self.key
    }
}

/// `POST /account/unlink`: nobody signs in by that account any more.
pub(super) async fn unlink(
    me: SignedIn,
    State(db): State<Arc<Database>>,
    Form(Unlinking { provider, issuer, subject, .. }): Form<Unlinking, true>,
) -> Result<Response, Problem> {
    let account = IdentityKey { provider, issuer, subject };
    match db.by(&me.caller.act()).unlink_identity(me.person, &account).await {
        Ok(_) => Ok(Redirect::to("/account").into_response()),
        Err(error) => refused(error.into()),
    }
}

/// Why it did not work, as a page; what is no person's doing, as a problem.
fn refused(error: ElsewhereError) -> Result<Response, Problem> {
    let (kind, wait) = (error.kind(), error.wait());
    let words = match error {
        ElsewhereError::Storage(error) if !matches!(kind, FaultKind::Conflict | FaultKind::NotFound) => {
            return Err(error.into());
        }
        error => error.to_string(),
    };
    tracing::info!(reason = words, "nobody was signed in by a provider");
    let status = match kind {
        // Nothing that a browser could show would help.
        FaultKind::Unauthorised => StatusCode::FORBIDDEN,
        kind => StatusCode::from_u16(kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let mut answer = page(status, &MessagePage { title: "That did not work", words });
    if let Some(wait) = wait {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds(wait));
    }
    Ok(answer)
}
