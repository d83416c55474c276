//! The HTTP server: health, readiness and metrics, the API under `/api/v1`, and the gateway that any OpenAI client can use.
//!
//! Every route is closed unless its handler asks for nobody: who may do what stands in a handler's signature. It turns
//! requests into calls of other crates and their answers into responses; it runs no step, chooses no model, counts no
//! money, and writes no statement of a database.

mod access;
mod api;
mod body;
mod connections;
mod content;
mod cookies;
pub mod documents;
mod gateway;
mod health;
mod listen;
mod metrics;
mod place;
mod problem;
mod shown;
mod signin;
mod state;

pub use api::openapi;
pub use health::{Component, ComponentState, Readiness};
pub use listen::{ListenSettings, Listening, listen};
pub use place::Place;
pub use problem::Problem;
pub use signin::link_path;
pub use state::{GatewaySettings, Rules, Service, ServiceParts, Sources};

use axum::Router;

/// Every route.
pub fn routes(service: Service) -> Router {
    api::routes()
        .merge(signin::routes())
        .method_not_allowed_fallback(access::wrong_method)
        .fallback(access::nowhere)
        .with_state(service)
}
