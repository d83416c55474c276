//! A request's body, within its limits.

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, Request},
    http::{HeaderMap, header::CONTENT_ENCODING},
};
use bytes::{Bytes, BytesMut};
use cofounder_metering::{Document, Verb};
use http_body_util::BodyExt;
use std::{convert::Infallible, time::Duration};
use tokio::sync::Semaphore;

use super::error::GatewayError;
use crate::{GatewaySettings, Service};

/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 256;
/// How long the rest of a refused request is read, and after what time that begins.
const LINGER: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(50);
/// Refused requests of which the rest is read at the same time.
const MOST: usize = 256;
static LINGERING: Semaphore = Semaphore::const_new(MOST);

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

/// A body that was not read yet, and how it is encoded, if it is.
pub(super) struct Unread {
    body: Body,
    encoding: Option<String>,
}

impl FromRequest<Service> for Unread {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &Service) -> Result<Self, Infallible> {
        Ok(Self { encoding: encoding(request.headers()), body: request.into_body() })
    }
}

impl Unread {
    /// The body, unless it is compressed or otherwise encoded.
    fn plain(self) -> Result<Body, GatewayError> {
        let Some(encoding) = self.encoding else { return Ok(self.body) };
        linger(self.body);
        let words = format!(
            "the request's body is encoded (`Content-Encoding: {encoding}`), and only plain JSON is read here; send it \
             as it is, without that header"
        );
        Err(GatewayError::invalid(415, words))
    }
}

/// How a body is encoded, if it is.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.as_bytes().trim_ascii());
    let encoding = encodings.find(|value| !value.is_empty() && !value.eq_ignore_ascii_case(b"identity"))?;
    Some(String::from_utf8_lossy(encoding).chars().take(40).collect())
}

/// Reads a question.
pub(super) async fn question(
    body: Unread,
    verb: Verb,
    settings: GatewaySettings,
) -> Result<Asked, GatewayError> {
    let body = tokio::time::timeout(settings.read, whole(body.plain()?, settings.largest)).await;
    let body = body.map_err(|_| {
        GatewayError::invalid(408, format!("the request did not come within {} s", settings.read.as_secs()))
    })??;
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

/// The whole body, if it is not too large; one that says that it is, is not read.
async fn whole(mut body: Body, largest: usize) -> Result<Bytes, GatewayError> {
    if body.size_hint().lower() > largest as u64 {
        return Err(too_large(body, largest));
    }
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| GatewayError::invalid(400, format!("the request broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        let read = first.as_ref().map_or(0, Bytes::len) + more.len();
        if read + data.len() > largest {
            return Err(too_large(body, largest));
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

fn too_large(rest: Body, largest: usize) -> GatewayError {
    linger(rest);
    let words = format!(
        "the request is larger than {} MiB; send less, or raise `gateway.body_mib` where the gateway runs",
        largest >> 20
    );
    GatewayError::invalid(413, words)
}

/// Who is refused before all was read may be sending still, and would lose the answer with the connection. So the rest is
/// read and thrown away for a while; a moment later, because reading tells one who asks before sending to send. Of so many
/// at a time and no more, because it is a courtesy that anybody can make the gateway work for; beyond that the connection
/// is dropped.
fn linger(mut rest: Body) {
    let Ok(place) = LINGERING.try_acquire() else { return };
    tokio::spawn(async move {
        tokio::time::sleep(MOMENT).await;
        let read = async { while let Some(Ok(_)) = rest.frame().await {} };
        // What comes later is cut off.
        drop(tokio::time::timeout(LINGER, read).await);
        drop(place);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio_util::sync::CancellationToken;

    /// Tried without a bound, and with places that are not given back: the test failed each time.
    #[tokio::test]
    async fn the_rest_of_so_many_refused_requests_is_read_and_no_more() {
        let held = Arc::new(());
        for _ in 0..3 {
            let end = CancellationToken::new();
            let body = || {
                let (end, held) = (end.clone().cancelled_owned(), Arc::clone(&held));
                Body::from_stream(futures_util::stream::once(async move {
                    end.await;
                    drop(held);
                    Ok::<_, Infallible>(Bytes::from_static(b"the rest"))
                }))
            };
            (0..MOST + 10).for_each(|_| linger(body()));
            assert_eq!(Arc::strong_count(&held), 1 + MOST);
            end.cancel();
            let read = async {
                while Arc::strong_count(&held) > 1 || LINGERING.available_permits() < MOST {
                    tokio::time::sleep(MOMENT).await;
                }
            };
            tokio::time::timeout(LINGER, read).await.expect("they have ended");
        }
    }
}
