//! Turns a reply into a response, or into the lack of one.

use super::{
    End, Reply, Wire,
    wire::{Asked, Ended, Events, Said},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{Response, body::Frame};
use serde_json::{Value, json};
use std::{io, time::Duration};

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// One request that is to be answered.
pub(super) struct Request<'a> {
    pub(super) wire: Wire,
    pub(super) asked: Asked,
    pub(super) path: &'a str,
    pub(super) body: &'a Value,
}

impl Request<'_> {
    pub(super) async fn perform(&self, reply: Reply) -> Response<Body> {
        let said = |text: String| self.said(vec![text]);
        match reply {
            Reply::Json(json) => document(&json),
            Reply::Garbage => response(200, &[], "<html>not what you wanted"),
            Reply::WrongShape => document(&json!({"wrong": [1, 2, 3]})),
            Reply::Huge(size) => response(200, &[], "x".repeat(size)),
            Reply::Status(status, headers, body) => response(status, &headers, body),
            Reply::Hang => std::future::pending().await,
            Reply::CutBody => flow(self.wire, begun_body(true)),
            Reply::StallBody => flow(self.wire, begun_body(false)),
            Reply::Late(ms, text) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                self.answer(&said(text), End::Done)
            }
            Reply::Text(text) if self.streamed() => self.answer(&self.said(words(&text)), End::Done),
            Reply::Text(text) => self.answer(&said(text), End::Done),
            Reply::Length(text) => self.answer(&Said { ended: Ended::Length, ..said(text) }, End::Done),
            Reply::NoUsage(text) => self.answer(&Said { usage: false, ..said(text) }, End::Done),
            Reply::Vectors => self.answer(&said("ok".to_owned()), End::Done),
            Reply::ToolCall { name, arguments } => {
                let call = Some((name, arguments));
                self.answer(&Said { call, ended: Ended::Tools, ..self.said(Vec::new()) }, End::Done)
            }
            Reply::EmptyChoices => self.answer(&Said { empty: true, ..self.said(Vec::new()) }, End::Done),
            Reply::Stream { pieces, end } => self.answer(&self.said(pieces), end),
            Reply::Bytes { parts, cut } => flow(self.wire, in_parts(parts, cut)),
            fault => match self.wire.fault(&fault) {
                Some((status, headers, body)) => response(status, &headers, body.to_string()),
                None => response(500, &[], "unfit script"),
            },
        }
    }

    fn said(&self, pieces: Vec<String>) -> Said {
        let ended = Ended::Stop;
        Said {
            model: self.wire.model(self.path, self.body),
            pieces,
            call: None,
            ended,
            usage: true,
            empty: false,
        }
    }

    fn streamed(&self) -> bool {
        matches!(self.asked, Asked::Chat | Asked::Pull) && self.wire.streamed(self.path, self.body)
    }

    fn answer(&self, said: &Said, end: End) -> Response<Body> {
        match self.asked {
            Asked::Vectors => document(&self.wire.vectors(self.body)),
            Asked::Picture => match self.wire.picture() {
                Ok(json) => document(&json),
                Err(bytes) => response(200, &[("content-type".to_owned(), "image/png".to_owned())], bytes),
            },
            Asked::Pull => self.stream(self.wire.pull(said), end),
            _ if self.streamed() => self.stream(self.wire.events(said), end),
            _ => match end {
                End::Done => document(&self.wire.whole(said)),
                End::Drip(ms) => flow(self.wire, drip(self.wire.whole(said).to_string().into_bytes(), ms)),
                End::StallAfter(_) => flow(self.wire, begun_body(false)),
                End::ErrorEvent => document(&self.wire.error_document()),
                _ => flow(self.wire, begun_body(true)),
            },
        }
    }

    fn stream(&self, events: Events, end: End) -> Response<Body> {
        let Events { before, content, after } = events;
        let until = |n: usize| [before.clone(), content[..n.min(content.len())].to_vec()].concat();
        let all = until(content.len());
        match end {
            End::Done => flow(self.wire, in_parts([all, after].concat(), false)),
            End::CutAfter(n) => flow(self.wire, in_parts(until(n), true)),
            End::StallAfter(n) => {
                let stall = stream::once(std::future::pending());
                flow(self.wire, in_parts(until(n), false).chain(stall))
            }
            End::Drip(ms) => flow(self.wire, drip([all, after].concat().concat(), ms)),
            End::HalfEvent => {
                let last = content.last().or(after.first()).cloned().unwrap_or_default();
                let half = last[..last.len() / 2].to_vec();
                flow(
                    self.wire,
                    in_parts([until(content.len().saturating_sub(1)), vec![half]].concat(), false),
                )
            }
            End::NoEnd => flow(self.wire, in_parts(all, false)),
            End::ErrorEvent => {
                flow(self.wire, in_parts([all, vec![self.wire.error_event()]].concat(), false))
            }
            End::JunkEvent => {
                flow(self.wire, in_parts([all, vec![self.wire.event("{\"half\": ")]].concat(), false))
            }
        }
    }
}

/// Words with the space behind them.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

/// Parts on their own; then the end, or a broken connection.
fn in_parts(parts: Vec<Vec<u8>>, cut: bool) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
    let parts = stream::iter(parts).map(|part| Ok(Frame::data(Bytes::from(part))));
    let broken = stream::once(async {
        // The parts are to be on their way before the connection breaks.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::other("cut"))
    });
    parts.chain(broken.take(usize::from(cut)))
}

/// Byte by byte, with so many milliseconds before each.
fn drip(bytes: Vec<u8>, ms: u64) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
    stream::iter(bytes).then(move |byte| async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(Frame::data(Bytes::from(vec![byte])))
    })
}

/// A first part, and then a broken connection or nothing.
fn begun_body(cut: bool) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
    let stall = stream::once(std::future::pending()).take(usize::from(!cut));
    in_parts(vec![b"{\"choices\": [".to_vec()], cut).chain(stall)
}

fn flow(wire: Wire, frames: impl Stream<Item = io::Result<Frame<Bytes>>> + Send + 'static) -> Response<Body> {
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static(wire.stream_type()));
    response
}

pub(super) fn document(body: &Value) -> Response<Body> {
    response(200, &[("content-type".to_owned(), "application/json".to_owned())], body.to_string())
}

pub(super) fn response(status: u16, headers: &[(String, String)], body: impl Into<Bytes>) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let full = |body: Bytes| Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let unfit = |_| Response::new(full(Bytes::from_static(b"unfit script")));
    builder.body(full(body.into())).unwrap_or_else(unfit)
}
