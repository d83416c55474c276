//! An answer piece by piece, as server-sent events.
//!
//! A complete answer ends with `data: [DONE]`. One that breaks off ends with an event that holds an error, which OpenAI's
//! own libraries raise, and without `[DONE]`: it cannot be taken for a complete one.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::{BufMut, Bytes, BytesMut};
use cofounder_metering::{Brings, ClientStream};
use futures_util::stream;
use std::{convert::Infallible, time::Duration};
use tokio::time::sleep;

use super::{error::GatewayError, headers};

/// How long the line is silent before a comment shows that it is alive.
const SILENCE: Duration = Duration::from_secs(15);

/// The response to a client. If the client goes away, the stream is dropped with it.
pub(super) fn response(stream: ClientStream, usage: bool) -> Response {
    let routed = stream.routed.clone();
    let events = stream::unfold(Some(stream), move |stream| async move {
        let (event, rest) = next(stream?, usage).await;
        Some((Ok::<_, Infallible>(event), rest))
    });
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers::routed(headers, &routed);
    response
}

/// The next event, and the stream if more may follow.
async fn next(mut stream: ClientStream, usage: bool) -> (Bytes, Option<ClientStream>) {
    loop {
        let piece = tokio::select! {
            piece = stream.next() => piece,
            () = sleep(SILENCE) => return (Bytes::from_static(b": still there\n\n"), Some(stream)),
        };
        match piece {
            Ok(Some(chunk)) if chunk.brings == Brings::Usage && !usage => {}
            Ok(Some(chunk)) => return (event(&chunk.data), Some(stream)),
            Ok(None) => return (Bytes::from_static(b"data: [DONE]\n\n"), None),
            Err(error) => {
                let document = GatewayError::from(error).document().to_string();
                return (event(document.as_bytes()), None);
            }
        }
    }
}

/// A document is one line: JSON has its line breaks escaped, and those between its parts mean nothing.
fn event(document: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(document.len() + 8);
    event.put_slice(b"data: ");
    event.extend(document.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    event.put_slice(b"\n\n");
    event.freeze()
}
