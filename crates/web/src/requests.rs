//! Every request has an id: in the answer's `x-request-id`, and in each line that is logged on its behalf.
//!
//! The client's own id is taken over if it is a short word that means nothing anywhere; else one is made.

use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::{
    Service,
    traffic::{Present, Traffic},
};

/// Where the id stands.
const ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over.
const LONGEST: usize = 64;
/// The route of a request for which there is none.
const NOWHERE: &str = "none";

/// A request's id, for whoever writes down what it changed.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Answers a request within its span, and tells when its answer has ended.
pub(crate) async fn observed(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let id = id(request.headers());
    request.extensions_mut().insert(RequestId(id.to_str().unwrap_or_default().to_owned()));
    let span = tracing::error_span!("request", request = id.to_str().unwrap_or_default());
    let traffic = service.traffic().clone();
    let mut told = Told {
        _in_flight: traffic.begins(),
        traffic,
        route: request.extensions().get::<MatchedPath>().cloned(),
        method: method(request.method()),
        status: None,
        begun: Instant::now(),
        span: span.clone(),
    };
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(ID, id);
    told.status = Some(response.status());
    response.map(|body| Body::new(Observed { body, told }))
}

/// The client's id, or a new one.
fn id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let word = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        !bytes.is_empty() && bytes.len() <= LONGEST && bytes.iter().all(word)
    };
    headers.get(ID).filter(harmless).cloned().unwrap_or_else(|| {
        // An id of hexadecimal digits is always a header's value.
        HeaderValue::try_from(Uuid::new_v4().simple().to_string()).unwrap_or(HeaderValue::from_static("none"))
    })
}

/// A method as it is told: those that clients make up are told alike.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// What is told of a request when its answer has ended, or nobody takes it any more.
struct Told {
    traffic: Traffic,
    _in_flight: Present,
    route: Option<MatchedPath>,
    method: &'static str,
    /// None as long as there is no answer.
    status: Option<StatusCode>,
    begun: Instant,
    span: Span,
}

impl Told {
    fn route(&self) -> &str {
        self.route.as_ref().map_or(NOWHERE, MatchedPath::as_str)
    }
}

/// A body that is read within its request's span.
struct Observed {
    body: Body,
    told: Told,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, told } = &mut *self;
        let _within = told.span.enter();
        Pin::new(body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// When whoever waited for the answer waits no more: before there is one, or at its end.
impl Drop for Told {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        let (method, status) = (self.method, self.status.map(|status| status.as_u16()));
        self.traffic.answered(self.route(), method, status, took);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let _within = self.span.enter();
        match status {
            Some(status) => tracing::info!(method, route = self.route(), status, ms, "answered"),
            None => tracing::info!(method, route = self.route(), ms, "left before it was answered"),
        }
    }
}
