//! Spans for a collector of OpenTelemetry, by OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! What is sent are the program's own spans with their ids and times: no line of the log, and nothing of other libraries.

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use std::{
    sync::{Mutex, Once, PoisonError},
    time::Duration,
};
use tokio::runtime::Handle;
use tracing::{
    Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan, reload};
use url::Url;

use super::lines::OURS;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
static TLS: Once = Once::new();

/// The layer, which sends nothing until it is begun.
pub(super) type Exported<S> = reload::Layer<Option<Spans<S>>, S>;

/// Begins and ends it.
pub(super) struct Export<S> {
    layer: reload::Handle<Option<Spans<S>>, S>,
    provider: Mutex<Option<SdkTracerProvider>>,
}

/// The program's own spans, and no events.
pub(super) struct Spans<S>(OpenTelemetryLayer<S, SdkTracer>);

pub(super) fn layer<S>() -> (Exported<S>, Export<S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (exported, layer) = reload::Layer::new(None);
    (exported, Export { layer, provider: Mutex::new(None) })
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Export<S> {
    /// Sends spans there from now on. Once for a process: another address needs a restart.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn begin(&self, collector: &Url) -> Result<(), String> {
        let mut held = self.provider.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(());
        }
        let sender = Sender::new().map_err(|error| error.to_string())?;
        let address = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_http_client(sender).with_endpoint(address);
        let exporter = exporter.with_timeout(PATIENCE).build().map_err(|error| error.to_string())?;
        let resource = Resource::builder().with_service_name("cofounder").build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("cofounder"));
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        self.layer.reload(Some(Spans(layer))).map_err(|error| error.to_string())?;
        *held = Some(provider);
        Ok(())
    }

    /// Sends what was not sent yet.
    pub(super) async fn end(&self) {
        let provider = self.provider.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(provider) = provider {
            let sent = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(PATIENCE)).await;
            if let Ok(Err(error)) = sent {
                tracing::warn!(%error, "the last spans could not be sent");
            }
        }
    }
}

/// Sends with the client that the program has, on its runtime: the exporter has a thread of its own and no runtime.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

impl Sender {
    fn new() -> Result<Self, reqwest::Error> {
        TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { client, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let asked =
            self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let answered = self.runtime.spawn(async move {
            let answer = asked.send().await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        });
        let (status, bytes) = answered.await?.map_err(reqwest::Error::without_url)?;
        Ok(Response::builder().status(status).body(bytes)?)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Spans<S> {
    fn is_ours(context: &Context<'_, S>, id: &Id) -> bool {
        context.metadata(id).is_some_and(|metadata| metadata.target().starts_with(OURS))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans<S> {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target().starts_with(OURS) {
            self.0.on_new_span(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if Self::is_ours(&context, id) {
            self.0.on_record(id, values, context);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if Self::is_ours(&context, id) {
            self.0.on_enter(id, context);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if Self::is_ours(&context, id) {
            self.0.on_exit(id, context);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if Self::is_ours(&context, &id) {
            self.0.on_close(id, context);
        }
    }
}
