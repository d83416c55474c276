//! What a refusal looks like, one for each status: examples for the description.

use cofounder_domain::FaultKind as F;
use serde_json::Value;
use utoipa::openapi::{RefOr, path::Operation};

use crate::{Problem, gateway::words::OpenAiError};

/// Gives those of an operation's own refusals an example that have none.
pub(super) fn fill(operation: &mut Operation, gateway: bool) {
    for (status, response) in &mut operation.responses.responses {
        let (RefOr::T(response), Ok(status @ 400..)) = (response, status.parse()) else { continue };
        for content in response.content.values_mut() {
            match content {
                RefOr::T(content) if content.example.is_none() => content.example = example(status, gateway),
                _ => {}
            }
        }
    }
}

/// What is answered with this status.
pub(super) fn example(status: u16, gateway: bool) -> Option<Value> {
    if gateway { fault(status) } else { problem(status) }
}

/// A problem document of the API.
fn problem(status: u16) -> Option<Value> {
    let (kind, words) = match status {
        400 => (
            F::InvalidInput,
            "the body cannot be read: EOF while parsing an object at line 1 column 1. Nothing was changed",
        ),
        401 => (
            F::Unauthorised,
            "this address needs a token: send `Authorization: Bearer …`. `cofounder token create NAME` makes one",
        ),
        403 => (F::Unauthorised, "the token does not have the scope `editor`, which this address needs"),
        404 => (F::NotFound, "there is no task `019ac9d4-4e80-7c30-8a1e-5d0f6b7c8d01`"),
        408 => (F::InvalidInput, "the request did not come within 30 s. Nothing was changed"),
        409 => (F::Conflict, "the task is `published`, and cannot become `cancelled`. Nothing was changed"),
        412 => (F::Conflict, "it has changed since you read it; read it again. Nothing was changed"),
        413 => (F::InvalidInput, "the request is larger than 1 MiB; send less. Nothing was changed"),
        415 => (
            F::InvalidInput,
            "the body must be JSON: send `Content-Type: application/json`. Nothing was changed",
        ),
        422 => (F::InvalidInput, "`limit` is 0; a page has 1 to 200 items"),
        428 => (
            F::InvalidInput,
            "send `If-Match` with the `ETag` of what you have read, so that nobody's change is lost unseen. Nothing was changed",
        ),
        429 => (F::Limited, "too many requests; wait as long as `Retry-After` says. Nothing was changed"),
        500 => (
            F::Bug,
            "a defect of this program stopped the request; the log has the reason under 5f0c2f7e-6d0b-4f0e-9f39-0d6a4c1b2e3d",
        ),
        503 => (F::Unavailable, "the database does not answer now; try again in a moment"),
        _ => return None,
    };
    serde_json::to_value(Problem::new(kind, words).with_status(status).document()).ok()
}

/// The same in the words of OpenAI's API.
fn fault(status: u16) -> Option<Value> {
    let (kind, code, words) = match status {
        400 => ("invalid_request_error", "invalid_request", "`messages` is missing"),
        401 => (
            "authentication_error",
            "invalid_api_key",
            "this address needs a token: send `Authorization: Bearer …`",
        ),
        402 => (
            "insufficient_quota",
            "budget_exceeded",
            "the day's budget is spent; raise `budget.day_usd`, or wait until tomorrow",
        ),
        403 => (
            "permission_error",
            "insufficient_permissions",
            "the token does not have the scope `gateway`, which this address needs",
        ),
        404 => (
            "invalid_request_error",
            "model_not_found",
            "there is no model of this name; GET /v1/models lists them",
        ),
        408 => ("invalid_request_error", "invalid_request", "the request did not come within 30 s"),
        413 => (
            "invalid_request_error",
            "invalid_request",
            "the request is larger than 8 MiB; send less, or raise `gateway.body_mib` where the gateway runs",
        ),
        415 => (
            "invalid_request_error",
            "invalid_request",
            "the request's body is encoded (`Content-Encoding: gzip`), and only plain JSON is read here",
        ),
        429 => (
            "rate_limit_error",
            "rate_limit_exceeded",
            "too many requests; wait as long as `Retry-After` says",
        ),
        500 => (
            "server_error",
            "bug",
            "a defect of this program stopped the call; the log has the reason under 5f0c2f7e-6d0b-4f0e-9f39-0d6a4c1b2e3d",
        ),
        501 => ("server_error", "unsupported", "acme offers no images; choose another model"),
        502 => ("server_error", "bad_answer", "acme gave an answer that is not valid"),
        503 => ("server_error", "unavailable", "acme does not answer now; try again in a moment"),
        504 => ("server_error", "timeout", "acme did not answer within 120 s"),
        _ => return None,
    };
    serde_json::to_value(OpenAiError::new(kind, code, words)).ok()
}
