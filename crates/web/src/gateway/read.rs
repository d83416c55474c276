//! A question, read from a request's body.

use cofounder_metering::{Document, Verb};

use super::error::GatewayError;
use crate::{
    GatewaySettings,
    body::{Unread, Unreadable},
};

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
pub(super) async fn question(
    body: Unread,
    verb: Verb,
    settings: GatewaySettings,
) -> Result<Asked, GatewayError> {
    let body = body.read(settings.largest, settings.read).await.map_err(unread)?;
    let document = Document::parse(&body)?;
    let model = document.read::<String>("model")?.unwrap_or_default();
    check_name(&model)?;
    let streamed = document.read::<bool>("stream")?.unwrap_or(false);
    check_stream(streamed, verb)?;
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
#[serde(expecting = "an object")]
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

/// Only a chat is answered piece by piece.
fn check_stream(streamed: bool, verb: Verb) -> Result<(), GatewayError> {
    let problem = match verb {
        Verb::Embeddings if streamed => {
            "`stream` is not known to embeddings, which come all at once; leave it out"
        }
        Verb::Images if streamed => {
            "`stream` is not supported for images here, which come all at once; leave it out"
        }
        _ => return Ok(()),
    };
    Err(GatewayError::invalid(400, problem).about("stream"))
}

fn unread(error: Unreadable) -> GatewayError {
    let hint = match error {
        Unreadable::TooLarge(_) => ", or raise `gateway.body_mib` where the gateway runs",
        _ => "",
    };
    GatewayError::invalid(error.status(), format!("{error}{hint}"))
}
