//! The gateway: OpenAI's API over every model that is configured, with this program's routing, budgets and ledger.
//!
//! After <https://platform.openai.com/docs/api-reference>. What a client sends goes on to the byte where the model speaks
//! the same words; errors have the shape that its own libraries read.

mod ask;
mod error;
mod headers;
mod models;
mod pieces;
mod read;
pub(crate) mod words;

use axum::{
    Router,
    http::{Method, Uri},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{AskModels, Caller},
};
use error::GatewayError;

pub(crate) fn described() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(ask::chat))
        .routes(routes!(ask::embeddings))
        .routes(routes!(ask::images))
        .routes(routes!(models::list))
        .routes(routes!(models::one))
}

/// The described routes, and what answers where there is none, in the words that a client of OpenAI's reads.
pub(crate) fn routes(described: Router<Service>) -> Router<Service> {
    described
        // A name with slashes in it.
        .route("/v1/models/{provider}/{*model}", get(models::slashed))
        .method_not_allowed_fallback(wrong_method)
        .route("/v1/{*rest}", any(nowhere))
}

/// A refusal before anything was asked, in the same words.
pub(crate) fn refused(problem: Problem) -> Response {
    GatewayError::from(problem).into_response()
}

type Asked = Result<Caller<AskModels>, Problem>;

async fn wrong_method(caller: Asked, method: Method, uri: Uri) -> Result<(), GatewayError> {
    caller?;
    Err(GatewayError::invalid(405, format!("{} does not take {method}", uri.path())))
}

async fn nowhere(caller: Asked, uri: Uri) -> Result<(), GatewayError> {
    caller?;
    let offered = "POST /v1/chat/completions, /v1/embeddings and /v1/images/generations; GET /v1/models";
    Err(GatewayError::invalid(404, format!("there is nothing at {}; offered are {offered}", uri.path())))
}
