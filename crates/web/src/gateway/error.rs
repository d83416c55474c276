//! Errors in the shape that OpenAI's own libraries read: `{"error": {"message", "type", "param", "code"}}`.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cofounder_domain::{FaultKind, LogLevel};
use cofounder_metering::{CallError, ProviderError};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

use crate::{Problem, problem::seconds};

/// What a client is told instead of an answer.
#[derive(Debug)]
pub(super) struct GatewayError {
    status: u16,
    kind: &'static str,
    code: &'static str,
    param: Option<&'static str>,
    message: String,
    retry_after: Option<Duration>,
}

impl GatewayError {
    /// The client's own mistake.
    pub(super) fn invalid(status: u16, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            kind: "invalid_request_error",
            code: "invalid_request",
            param: None,
            message,
            retry_after: None,
        }
    }

    /// No model has the name that stands in the address.
    pub(super) fn no_model() -> Self {
        let message = "there is no model of this name; GET /v1/models lists them";
        Self { code: "model_not_found", ..Self::invalid(404, message) }.about("model")
    }

    /// Names the field that is wrong.
    pub(super) fn about(mut self, param: &'static str) -> Self {
        self.param = Some(param);
        self
    }

    /// The document, as it also stands in a stream that has begun.
    pub(super) fn document(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }
}

/// Status, type and code of a provider's error. What is not the client's doing is told as the gateway's: a key that a
/// provider refuses is not the client's.
fn shape(error: &ProviderError) -> (u16, &'static str, &'static str) {
    use ProviderError as E;
    match error {
        E::InvalidRequest { .. } | E::WrongQuestion { .. } | E::Inexpressible { .. } => {
            (400, "invalid_request_error", "invalid_request")
        }
        E::ContextTooLong { .. } => (400, "invalid_request_error", "context_length_exceeded"),
        E::Refused { .. } => (400, "invalid_request_error", "content_filter"),
        E::NoRoute { .. } => (501, "invalid_request_error", "no_route"),
        E::UnknownModel { .. } | E::NotThere { .. } => (404, "invalid_request_error", "model_not_found"),
        E::Unsupported { .. } => (501, "server_error", "unsupported"),
        E::Limited { .. } => (429, "rate_limit_error", "rate_limit_exceeded"),
        E::Budget { .. } => (402, "insufficient_quota", "budget_exceeded"),
        E::Unauthorised { .. } | E::KeyMissing { .. } => (502, "server_error", "provider_unauthorised"),
        E::Malformed { .. } | E::Truncated => (502, "server_error", "bad_answer"),
        E::Timeout { .. } => (504, "server_error", "timeout"),
        E::Cancelled => (499, "server_error", "cancelled"),
        E::Unavailable { .. } | E::Loading { .. } | E::Launch { .. } => (503, "server_error", "unavailable"),
        E::Configuration { .. } | E::Bug { .. } => (500, "server_error", "bug"),
    }
}

impl From<ProviderError> for GatewayError {
    fn from(error: ProviderError) -> Self {
        let (status, kind, code) = shape(&error);
        let param = (code == "model_not_found").then_some("model");
        let message = if status == 500 { defect(&error) } else { error.to_string() };
        Self { status, kind, code, param, message, retry_after: error.retry_after() }
    }
}

impl From<CallError> for GatewayError {
    fn from(error: CallError) -> Self {
        let (status, kind, code) = match error {
            CallError::Provider(error) => return error.into(),
            CallError::Budget { .. } => (402, "insufficient_quota", "budget_exceeded"),
            CallError::Held { .. } => (429, "rate_limit_error", "budget_held"),
            CallError::Behind { .. } | CallError::Stopping => (503, "server_error", "unavailable"),
            CallError::Untaken { .. } => (408, "invalid_request_error", "timeout"),
            CallError::Storage(_) | CallError::Bug(_) if error.kind() == FaultKind::Unavailable => {
                (503, "server_error", "unavailable")
            }
            CallError::Storage(_) | CallError::Bug(_) => (500, "server_error", "bug"),
        };
        let message = match status {
            500 => defect(&error),
            _ => error.to_string(),
        };
        Self { status, kind, code, param: None, message, retry_after: error.retry_after() }
    }
}

impl From<Problem> for GatewayError {
    fn from(problem: Problem) -> Self {
        let (status, detail, retry_after) = problem.parts();
        let (kind, code) = match status {
            401 => ("authentication_error", "invalid_api_key"),
            403 => ("permission_error", "insufficient_permissions"),
            404 => ("invalid_request_error", "not_found"),
            429 => ("rate_limit_error", "rate_limit_exceeded"),
            _ => ("server_error", "unavailable"),
        };
        Self { status, kind, code, param: None, message: detail, retry_after }
    }
}

/// A defect is logged with its reason, and told by a number alone.
fn defect(error: &dyn std::fmt::Display) -> String {
    let id = Uuid::new_v4();
    tracing::error!(%error, %id, "a defect of this program");
    format!("a defect of this program stopped the call; the log has the reason under {id}")
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        let level = if self.status >= 500 { LogLevel::Warn } else { LogLevel::Info };
        match level {
            LogLevel::Info => tracing::debug!(status = self.status, code = self.code, "a call was refused"),
            _ => {
                tracing::warn!(status = self.status, code = self.code, reason = %self.message, "a call failed")
            }
        }
        let mut response = Response::new(Body::from(self.document().to_string()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == 501 {
            // OpenAI's own libraries would ask again: what is not there will not be there then.
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds(wait));
        }
        response
    }
}
