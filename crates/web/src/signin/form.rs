//! Forms: read from a body, and only from whoever was given the page.

use axum::{
    extract::{FromRef, FromRequest, Request},
    http::{HeaderMap, HeaderValue},
};
use cofounder_auth::{form_key, form_secret, is_form_key};
use cofounder_domain::FaultKind;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use std::time::Duration;

use crate::{
    Place, Problem, Service,
    body::{FORM, Unread, is_a},
    cookies::Jar,
    place::Origin,
    shown::foreign,
};

/// The largest form, in bytes.
const LARGEST: usize = 16 << 10;
/// How long one may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a page with a form may lie open, in seconds.
const OPEN: i64 = 12 * 3600;

/// What can be read from a form; each carries the key of the page on which it stood.
pub(super) trait Keyed {
    fn key(&self) -> &str;
}

/// A form that was filled in on one of the program's own pages, in the browser that was given it: by its session's
/// cookie if `SESSION`, else by that of forms.
pub(super) struct Form<T, const SESSION: bool>(pub(super) T);

impl<T: DeserializeOwned + Keyed, const SESSION: bool> FromRequest<Service> for Form<T, SESSION> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let place = Place::from_ref(service);
        let headers = request.headers().clone();
        if place.origin(&headers) == Origin::Foreign {
            return Err(foreign());
        }
        if !is_a(&headers, FORM) {
            let words = "the form must come as `application/x-www-form-urlencoded`. Nothing was done";
            return Err(Problem::new(FaultKind::InvalidInput, words).with_status(415));
        }
        let body = Unread::of(request).read(LARGEST, PATIENCE).await;
        let body = body.map_err(|error| {
            Problem::new(FaultKind::InvalidInput, format!("{error}. Nothing was done"))
                .with_status(error.status())
        })?;
        let form: T = serde_urlencoded::from_bytes(&body).map_err(|error| {
            Problem::new(
                FaultKind::InvalidInput,
                format!("the form cannot be read: {error}. Nothing was done"),
            )
        })?;
        let jar = if SESSION { Jar::Session } else { Jar::Form };
        let shown = jar.shown(&place, &headers);
        match shown.is_some_and(|secret| is_form_key(&secret, form.key())) {
            true => Ok(Self(form)),
            false => Err(foreign()),
        }
    }
}

/// The key of a page for somebody who is not known yet, and the cookies that go with it.
pub(super) struct Fresh {
    pub(super) key: String,
    pub(super) cookies: Vec<HeaderValue>,
}

impl Fresh {
    /// Of a browser that may have such a page open already: both stay good.
    pub(super) fn of(place: &Place, headers: &HeaderMap) -> Result<Self, Problem> {
        let secret: SecretString = match Jar::Form.shown(place, headers) {
            Some(secret) => secret,
            None => form_secret().map_err(|error| {
                let words = format!("the system gave no random bytes ({error}). Try again");
                Problem::new(FaultKind::Unavailable, words)
            })?,
        };
        Ok(Self { key: form_key(&secret), cookies: Jar::Form.give(place, &secret, OPEN) })
    }
}
