//! `/metrics`: what is counted, as Prometheus reads it.

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use cofounder_domain::FaultKind;
use futures_util::future::BoxFuture;
use prometheus_client::{encoding::text::encode, metrics::counter::Counter, registry::Registry};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

use crate::{
    Problem,
    access::{Caller, ReadMetrics},
    state::Service,
};

const FORM: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long what had to be looked up is good for.
const FRESH: Duration = Duration::from_secs(10);

type Look = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// What is read: counters that are always up to date, and what must be looked up before.
pub struct Scrape {
    registry: Registry,
    look: Look,
    looked: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Scrape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrape")
    }
}

impl Scrape {
    /// `look` looks up what collectors of the registry show; not more often than every 10 s, and once for all who ask.
    pub fn new(
        registry: Registry,
        look: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { registry, look: Box::new(look), looked: Mutex::new(None) }
    }

    async fn refresh(&self) {
        let mut looked = self.looked.lock().await;
        if looked.is_none_or(|at| at.elapsed() >= FRESH) {
            (self.look)().await;
            *looked = Some(Instant::now());
        }
    }
}

/// Read what is counted
///
/// In the form of OpenMetrics 1.0, as Prometheus reads it. What must be looked up in the database is up to 10 s old, and left
/// out while the database is away.
#[utoipa::path(
    get, path = "/metrics", tag = "program", security(("token" = ["viewer"])),
    responses((status = 200, description = "The counters", body = String, content_type = "application/openmetrics-text", example = shown))
)]
pub(crate) async fn show(_caller: Caller<ReadMetrics>, State(service): State<Service>) -> Response {
    let scrape = service.scrape();
    scrape.refresh().await;
    let mut text = String::new();
    match encode(&mut text, &scrape.registry) {
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
