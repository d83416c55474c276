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
    routing::{get, post},
};

use crate::Service;

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/v1/chat/completions", post(ask::chat))
        .route("/v1/embeddings", post(ask::embeddings))
        .route("/v1/images/generations", post(ask::images))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
}
