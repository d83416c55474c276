//! Errors as RFC 9457 has them.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cofounder_domain::FaultKind;
use serde_json::json;
use std::time::Duration;

/// A problem document: what happened, what was kept, what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: FaultKind,
    status: u16,
    detail: String,
    retry_after: Option<Duration>,
}

impl Problem {
    /// Of a kind, with words for a person.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self { kind, status: kind.http_status(), detail: detail.into(), retry_after: None }
    }

    /// The same with another status of HTTP.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Status, words, and the time after which it can be tried again.
    pub(crate) fn parts(self) -> (u16, String, Option<Duration>) {
        (self.status, self.detail, self.retry_after)
    }

    /// The same with the time after which it can be tried again.
    #[must_use]
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = json!({
            "type": format!("urn:cofounder:problem:{}", self.kind.problem()),
            "title": self.kind.problem().replace('-', " "),
            "status": self.status,
            "detail": self.detail,
        });
        let mut response = Response::new(Body::from(document.to_string()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds(wait));
        }
        response
    }
}

/// Whole seconds, up, as `Retry-After` wants them.
pub(crate) fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_millis().div_ceil(1000).clamp(1, u128::from(u32::MAX)) as u32)
}
