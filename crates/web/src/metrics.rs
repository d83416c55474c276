//! `/metrics`: what is counted, as Prometheus reads it.

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use cofounder_domain::FaultKind;
use prometheus_client::{encoding::text::encode, metrics::counter::Counter, registry::Registry};

use crate::{
    Problem,
    access::{Caller, ReadMetrics},
    state::Service,
};

const FORM: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Read what is counted
///
/// In the form of OpenMetrics 1.0, as Prometheus reads it.
#[utoipa::path(
    get, path = "/metrics", tag = "program", security(("token" = ["viewer"])),
    responses((status = 200, description = "The counters", body = String, content_type = "application/openmetrics-text", example = shown))
)]
pub(crate) async fn show(_caller: Caller<ReadMetrics>, State(service): State<Service>) -> Response {
    let mut text = String::new();
    match encode(&mut text, service.registry()) {
        Ok(()) => ([(CONTENT_TYPE, FORM)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a defect of this program");
            Problem::new(FaultKind::Bug, "the counters could not be written").into_response()
        }
    }
}

/// A counter as the example shows it.
fn shown() -> String {
    let (mut registry, calls) = (Registry::with_prefix("cofounder"), Counter::<u64>::default());
    registry.register("example", "How often the example was counted", calls.clone());
    calls.inc();
    let mut text = String::new();
    encode(&mut text, &registry).map(|()| text).unwrap_or_default()
}
