//! The pages by which people come in: signing in, opening a link, and what is one's own. Nothing here needs a script.

mod account;
mod elsewhere;
mod form;
mod link;
mod login;
mod pages;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use cofounder_auth::{Opened, ReturnTo, SignInError};
use std::time::Duration;

use crate::{Place, Problem, Service, cookies::Jar};

/// How long a browser keeps a session's cookie; whether the session is still good is the database's to say.
const KEPT: i64 = 90 * 24 * 3600;

pub(crate) fn routes() -> Router<Service> {
    Router::new()
        .route("/", get(account::home))
        .route("/login", get(login::show).post(login::sign_in))
        .route("/logout", post(account::sign_out))
        .route("/account", get(account::show))
        .route("/account/password", post(account::password))
        .route("/account/sessions/{id}/end", post(account::end))
        .route("/account/unlink", post(elsewhere::unlink))
        .route("/auth/{provider}/login", get(elsewhere::leave))
        .route("/auth/{provider}/link", post(elsewhere::link))
        .route("/auth/{provider}/callback", get(elsewhere::back))
        .route("/link/{secret}", get(link::show).post(link::accept))
        .route("/assets/pages.css", get(style))
}

async fn style() -> Response {
    let text = include_str!("../../assets/pages.css");
    let headers = [(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, text).into_response()
}

/// Where a link is opened.
#[must_use]
pub fn link_path(secret: &str) -> String {
    format!("/link/{secret}")
}

/// The cookies of a session that was begun.
pub(crate) fn cookies(place: &Place, opened: &Opened) -> Vec<HeaderValue> {
    Jar::Session.give(place, &opened.secret, KEPT)
}

/// An answer with cookies.
pub(crate) fn with_cookies(answer: impl IntoResponse, cookies: Vec<HeaderValue>) -> Response {
    let mut response = answer.into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Why somebody was not signed in, as a problem.
pub(crate) fn refused(error: SignInError) -> Problem {
    match error {
        SignInError::Storage(error) => error.into(),
        error => Problem::new(error.kind(), error.to_string()).after(wait(&error)),
    }
}

/// Somebody is in: they go on to where they wanted to.
fn entered(place: &Place, opened: &Opened, return_to: &str) -> Response {
    let mut cookies = cookies(place, opened);
    cookies.extend(Jar::Form.take(place));
    with_cookies(Redirect::to(own_path(return_to)), cookies)
}

/// Where to go on: a place of this site, and of no other, whatever was asked for.
pub(crate) fn own_path(asked: &str) -> &str {
    if ReturnTo::parse(asked).is_ok() { asked } else { "/account" }
}

/// Whole seconds to wait, if there is something to wait for.
fn wait(error: &SignInError) -> Option<Duration> {
    match error {
        SignInError::Wait(wait) => Some(*wait),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried by looking at the first character alone: the test failed.
    #[test]
    fn nobody_is_sent_to_another_site() {
        for own in ["/", "/account", "/tasks/1?x=%2F/y", "/a//b"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/ü",
            " /",
            "/a\r\nSet-Cookie: x=y",
            "/%0a\n",
        ] {
            assert_eq!(own_path(other), "/account", "{other:?}");
        }
    }
}
