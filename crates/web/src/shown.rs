//! What a request shows of who asks: a token in its head, or the cookie of a session. And that a browser which shows a
//! session was not made to by another site's page (CSRF).

use axum::http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts};
use cofounder_auth::{AuthError, Identity, Sessions, Tokens, is_form_key};
use cofounder_domain::FaultKind;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

use crate::{
    Problem, Service,
    access::refused,
    cookies::Jar,
    place::{Origin, Place},
};
use axum::extract::FromRef;

/// The header by which a client without a browser says that it read the key of its session's forms.
const FORM_KEY: &str = "x-csrf-token";

/// What was shown, which is nothing that can be printed.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Token(SecretString),
    Session(SecretString),
    /// An `Authorization` of another kind.
    Unreadable,
    Nothing,
}

/// What knows whose something is.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) sessions: Arc<Sessions>,
}

impl FromRef<Service> for Doors {
    fn from_ref(service: &Service) -> Self {
        Self { tokens: FromRef::from_ref(service), sessions: FromRef::from_ref(service) }
    }
}

impl Shown {
    /// A token counts before a session: who sends one means it.
    pub(crate) fn of(headers: &HeaderMap, place: &Place) -> Self {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Jar::Session.shown(place, headers).map_or(Self::Nothing, Self::Session);
        };
        let token = value.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        token.map_or(Self::Unreadable, |token| Self::Token(token.into()))
    }

    /// Whose it is.
    pub(crate) async fn identity(&self, doors: &Doors) -> Result<Arc<Identity>, Problem> {
        let found: Result<_, AuthError> = match self {
            Self::Token(token) => doors.tokens.verify(token.expose_secret()).await,
            Self::Session(session) => doors.sessions.verify(session.expose_secret()).await,
            Self::Unreadable | Self::Nothing => return Err(missing()),
        };
        found.map_err(refused)
    }

    /// Whether it may change something: a browser sends its cookie along whoever makes it ask.
    pub(crate) fn check_origin(&self, parts: &Parts, place: &Place) -> Result<(), Problem> {
        let Self::Session(session) = self else { return Ok(()) };
        if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        let key = || parts.headers.get(FORM_KEY).and_then(|value| value.to_str().ok());
        match place.origin(&parts.headers) {
            Origin::Own => Ok(()),
            Origin::Untold if key().is_some_and(|key| is_form_key(session, key)) => Ok(()),
            Origin::Untold | Origin::Foreign => Err(foreign()),
        }
    }
}

fn missing() -> Problem {
    let words = "this address needs somebody who is known: send `Authorization: Bearer …` (`cofounder token create NAME` makes a token), or sign in at /login";
    Problem::new(FaultKind::Unauthorised, words)
}

/// Another site's page made the browser ask.
pub(crate) fn foreign() -> Problem {
    let words = "the request does not come from one of this program's own pages, so it was not done. Nothing was changed. Open the page again and repeat it there; a program sends a token, or `X-CSRF-Token` with the `form_key` of `GET /api/v1/session`";
    Problem::new(FaultKind::Unauthorised, words).with_status(403)
}
