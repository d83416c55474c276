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

use axum::{
    Router,
    http::{Method, Uri},
    routing::{any, get, post},
};

use crate::{
    Problem, Service,
    access::{AskModels, Caller},
};
use error::GatewayError;

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/v1/chat/completions", post(ask::chat))
        .route("/v1/embeddings", post(ask::embeddings))
        .route("/v1/images/generations", post(ask::images))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .method_not_allowed_fallback(wrong_method)
        .route("/v1/{*rest}", any(nowhere))
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
