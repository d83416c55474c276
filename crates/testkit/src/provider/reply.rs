//! What the fake provider can answer.

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{Response, body::Frame};
use serde_json::{Value, json};
use std::{io, time::Duration};

/// One scripted answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// This text, with usage: 10 tokens in, 4 of them cached, 5 out.
    Text(String),
    /// This document, with status 200.
    Json(Value),
    /// A status, headers, a body.
    Status(u16, Vec<(String, String)>, String),
    /// HTTP 429, with `Retry-After` if it is given: seconds, or a date.
    RateLimited {
        /// The header's value.
        retry_after: Option<String>,
    },
    /// Never answers.
    Hang,
    /// Answers with this text after so many milliseconds.
    Late(u64, String),
    /// Promises a body and breaks it off.
    CutBody,
    /// Begins a body and never goes on.
    StallBody,
    /// Status 200 and no JSON.
    Garbage,
    /// An answer without a choice.
    EmptyChoices,
    /// A text without usage.
    NoUsage(String),
    /// A text that was cut at the longest answer.
    Length(String),
    /// A body of so many bytes.
    Huge(usize),
}

impl Reply {
    /// An answer with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A status with an error document as OpenAI writes it.
    pub fn error(status: u16, message: &str, code: Option<&str>) -> Self {
        let body = json!({"error": {"message": message, "type": "error", "code": code}});
        Self::Status(status, Vec::new(), body.to_string())
    }
}

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Turns a reply into a response, or into the lack of one.
pub(super) async fn perform(reply: Reply, request: &Value) -> Response<Body> {
    match reply {
        Reply::Text(text) => document(&completion(request, &text, "stop", true)),
        Reply::Length(text) => document(&completion(request, &text, "length", true)),
        Reply::NoUsage(text) => document(&completion(request, &text, "stop", false)),
        Reply::Json(json) => document(&json),
        Reply::EmptyChoices => document(&json!({"object": "chat.completion", "choices": []})),
        Reply::Garbage => response(200, &[], "<html>not what you wanted"),
        Reply::Huge(size) => response(200, &[], "x".repeat(size)),
        Reply::Status(status, headers, body) => response(status, &headers, body),
        Reply::RateLimited { retry_after } => {
            let headers: Vec<_> = retry_after.map(|v| ("retry-after".to_owned(), v)).into_iter().collect();
            response(429, &headers, json!({"error": {"message": "slow down"}}).to_string())
        }
        Reply::Hang => std::future::pending().await,
        Reply::Late(ms, text) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            document(&completion(request, &text, "stop", true))
        }
        Reply::CutBody => Response::new(StreamBody::new(begun_body(true)).boxed_unsync()),
        Reply::StallBody => Response::new(StreamBody::new(begun_body(false)).boxed_unsync()),
    }
}

/// A first part, and then a broken connection or nothing.
fn begun_body(cut: bool) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
    stream::unfold(0, move |part| async move {
        // The first part is to be on its way before the connection breaks.
        tokio::time::sleep(Duration::from_millis(20)).await;
        match part {
            0 => Some((Ok(Frame::data(Bytes::from_static(b"{\"choices\": ["))), 1)),
            _ if cut => Some((Err(io::Error::other("cut")), 2)),
            _ => std::future::pending().await,
        }
    })
}

fn completion(request: &Value, text: &str, finish: &str, usage: bool) -> Value {
    let message = json!({"role": "assistant", "content": text});
    let mut body = json!({
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_767_323_045,
        "model": request.get("model").cloned().unwrap_or_default(),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    });
    if usage {
        let cached = json!({"cached_tokens": 4});
        body["usage"] = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": cached});
    }
    body
}

fn document(body: &Value) -> Response<Body> {
    response(200, &[("content-type".to_owned(), "application/json".to_owned())], body.to_string())
}

fn response(status: u16, headers: &[(String, String)], body: impl Into<Bytes>) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let full = || Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let unfit = |_| {
        Response::new(
            Full::new(Bytes::from_static(b"unfit script")).map_err(|never| match never {}).boxed_unsync(),
        )
    };
    builder.body(full()).unwrap_or_else(unfit)
}
