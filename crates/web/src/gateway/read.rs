//! A request's body, within its limits.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use cofounder_metering::Document;
use http_body_util::BodyExt;

use super::error::GatewayError;
use crate::GatewaySettings;

/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 256;

/// A question as it came in, with what the gateway must know of it.
pub(super) struct Asked {
    pub(super) document: Document,
    pub(super) model: String,
    pub(super) manner: Manner,
}

/// How the answer is wanted.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Piece by piece.
    pub(super) streamed: bool,
    /// The client wants to be told what a streamed answer took.
    pub(super) usage: bool,
}

/// Reads a question.
pub(super) async fn question(body: Body, settings: GatewaySettings) -> Result<Asked, GatewayError> {
    let body = tokio::time::timeout(settings.read, whole(body, settings.largest)).await;
    let body = body.map_err(|_| {
        GatewayError::invalid(408, format!("the request did not come within {} s", settings.read.as_secs()))
    })??;
    let document = Document::parse(&body)?;
    let model = document.read::<String>("model")?.unwrap_or_default();
    check_name(&model)?;
    let streamed = document.read::<bool>("stream")?.unwrap_or(false);
    let usage = match document.raw("stream_options") {
        Some(options) if streamed => {
            let options: Options = serde_json::from_str(options).map_err(|error| {
                GatewayError::invalid(400, format!("`stream_options` cannot be read: {error}"))
            })?;
            options.include_usage.unwrap_or(false)
        }
        _ => false,
    };
    Ok(Asked { document, model, manner: Manner { streamed, usage } })
}

#[derive(serde::Deserialize)]
struct Options {
    include_usage: Option<bool>,
}

/// A name travels in headers, logs and the ledger.
fn check_name(model: &str) -> Result<(), GatewayError> {
    let problem = match model {
        "" => {
            "`model` is missing: name a model as `provider/model`, or a role as `role:draft`; GET /v1/models lists them"
        }
        name if name.len() > LONGEST_NAME => "`model` is longer than 256 bytes, which no model's name is",
        name if name.chars().any(char::is_control) => {
            "`model` holds control characters, which no model's name does"
        }
        _ => return Ok(()),
    };
    Err(GatewayError::invalid(400, problem).about("model"))
}

async fn whole(body: Body, largest: usize) -> Result<Bytes, GatewayError> {
    let mut body = body;
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| GatewayError::invalid(400, format!("the request broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        let read = first.as_ref().map_or(0, Bytes::len) + more.len();
        if read + data.len() > largest {
            let words = format!(
                "the request is larger than {} MiB; send less, or raise `gateway.body_mib` where the gateway runs",
                largest >> 20
            );
            return Err(GatewayError::invalid(413, words));
        }
        match &first {
            None => first = Some(data),
            Some(begun) => {
                if more.is_empty() {
                    more.extend_from_slice(begun);
                    first = Some(Bytes::new());
                }
                more.extend_from_slice(&data);
            }
        }
    }
    Ok(if more.is_empty() { first.unwrap_or_default() } else { more.freeze() })
}
