//! Headers that every answer carries, so that a browser does with it what was meant and nothing else.
//!
//! A page may use only what carries its answer's nonce, and nothing may frame it. What is private is kept by no cache: an
//! answer with an ETag may be kept by the browser that got it, and is asked about each time; all else is not stored. There
//! is no CORS: no header here lets another site's page read an answer.

mod nonce;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::{Next, from_fn},
    response::Response,
};

use crate::{Place, Service};
pub(crate) use nonce::Nonce;

/// What an answer is to the browser that is no page: nothing that it could run, show or frame.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";
/// Nothing that a page could ask a browser for is needed here.
const POLICY: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()";
/// Two years, as browsers' preload lists ask for; of this name only, whose neighbours are not ours.
const TLS_ONLY: &str = "max-age=63072000";

/// The same routes, with these headers on every answer.
pub(crate) fn hardened(routes: Router<Service>, place: &Place) -> Router<Service> {
    let secure = place.is_secure();
    routes.layer(from_fn(move |request, next| harden(secure, request, next)))
}

async fn harden(secure: bool, mut request: Request, next: Next) -> Response {
    let nonce = Nonce::new();
    request.extensions_mut().insert(nonce.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("permissions-policy"), POLICY),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ONLY));
    }
    let policy = if is_page(headers) { nonce.policy() } else { HeaderValue::from_static(NO_PAGE) };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    let kept = if headers.contains_key(header::ETAG) { "private, no-cache" } else { "no-store" };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(kept));
    response
}

fn is_page(headers: &HeaderMap) -> bool {
    let form = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    form.starts_with(b"text/html")
}
