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
mod docs;
pub mod documents;
mod gateway;
mod hardening;
mod health;
#[cfg(test)]
mod hostile;
mod listen;
mod metrics;
mod place;
mod problem;
mod rates;
mod requests;
mod shown;
mod signin;
mod state;
mod traffic;
#[cfg(test)]
mod walk;

pub use api::openapi;
pub use health::{Component, ComponentState, Readiness};
pub use listen::{ListenSettings, Listening, listen};
pub use metrics::Scrape;
pub use place::Place;
pub use problem::Problem;
pub use rates::{RateSettings, Rates};
pub use signin::link_path;
pub use state::{GatewaySettings, Rules, Service, ServiceParts, Sources};
pub use traffic::Traffic;

use axum::{Router, extract::FromRef, middleware::from_fn_with_state};

/// Every route: the walk through them, a test, goes through these.
fn every() -> Router<Service> {
    api::routes().merge(docs::routes()).merge(signin::routes())
}

/// Every route, and what answers where there is none.
pub fn routes(service: Service) -> Router {
    let layered = every()
        .method_not_allowed_fallback(access::wrong_method)
        .fallback(access::nowhere)
        .layer(from_fn_with_state(service.clone(), rates::counted));
    hardening::hardened(layered, &Place::from_ref(&service))
        .layer(from_fn_with_state(service.clone(), requests::observed))
        .with_state(service)
}
