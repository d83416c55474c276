//! Errors as RFC 9457 has them.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cofounder_domain::FaultKind;
use cofounder_storage::StorageError;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// A problem document: what happened, what was kept, what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: FaultKind,
    status: u16,
    detail: String,
    retry_after: Option<Duration>,
}

impl Problem {
    /// Of a kind, with words for a person. What of them comes from a request may hold what moves a terminal's cursor, and
    /// is shown without.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        let detail = detail.into().replace(char::is_control, "\u{fffd}");
        Self { kind, status: kind.http_status(), detail, retry_after: None }
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

    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    /// What it looks like on the wire.
    pub(crate) fn document(self) -> ProblemDocument {
        ProblemDocument {
            kind: format!("urn:cofounder:problem:{}", self.kind.problem()),
            title: self.kind.problem().replace('-', " "),
            status: self.status,
            detail: self.detail,
        }
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
        let (status, retry_after) = (self.status, self.retry_after);
        let document = serde_json::to_vec(&self.document());
        let mut response = Response::new(Body::from(document.unwrap_or_default()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds(wait));
        }
        response
    }
}

/// Whole seconds, up, as `Retry-After` wants them.
pub(crate) fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_millis().div_ceil(1000).clamp(1, u128::from(u32::MAX)) as u32)
}

impl From<StorageError> for Problem {
    /// A defect is logged with its backtrace, and told by a number alone.
    fn from(error: StorageError) -> Self {
        let kind = error.kind();
        match &error {
            StorageError::Bug(bug) => {
                let id = Uuid::new_v4();
                tracing::error!(%bug, %id, backtrace = %bug.backtrace(), "a defect of this program");
                return Self::new(
                    kind,
                    format!(
                        "a defect of this program stopped the request; the log has the reason under {id}"
                    ),
                );
            }
            _ if kind == FaultKind::Unavailable => tracing::warn!(%error, "the database did not do as asked"),
            _ => {}
        }
        let problem = Self::new(kind, error.to_string());
        match error {
            StorageError::Changed { .. } => problem.with_status(412),
            _ => problem,
        }
    }
}

/// What [`Problem`] looks like on the wire, for the API's description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProblemDocument {
    /// `urn:cofounder:problem:` and the kind.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The kind in words.
    pub(crate) title: String,
    /// HTTP's status.
    pub(crate) status: u16,
    /// What happened, what was kept, and what to do next.
    pub(crate) detail: String,
}
