//! The fake's connections, and what it remembers of them.

use super::{
    Reply, Seen, Wire,
    perform::{Body, Request, document},
    wire::Asked,
};
use http_body_util::BodyExt;
use hyper::{
    Response,
    body::{Body as _, Incoming},
    header::{HeaderName, HeaderValue},
    http::request::Parts,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::{JoinHandle, JoinSet},
};

type Script = Box<dyn FnMut(&Value) -> Reply + Send>;

pub(super) struct State {
    pub(super) wire: Wire,
    pub(super) queue: VecDeque<Reply>,
    pub(super) script: Script,
    pub(super) seen: Vec<Seen>,
    pub(super) chats: usize,
    pub(super) models: Vec<String>,
    pub(super) page: usize,
    pub(super) open: usize,
    pub(super) connections: usize,
    pub(super) accepted: usize,
}

impl State {
    pub(super) fn shared(wire: Wire) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            wire,
            queue: VecDeque::new(),
            script: Box::new(|_| Reply::text("ok")),
            seen: Vec::new(),
            chats: 0,
            models: vec!["fake-model".to_owned()],
            page: 1_000,
            open: 0,
            connections: 0,
            accepted: 0,
        }))
    }
}

pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves every connection until the task is aborted.
pub(super) fn accept<S, A, F>(state: Arc<Mutex<State>>, accept: A) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn() -> F + Send + 'static,
    F: Future<Output = io::Result<S>> + Send + 'static,
{
    tokio::spawn(async move {
        // Connections end with this task, when the set is dropped.
        let mut connections = JoinSet::new();
        while let Ok(stream) = accept().await {
            let counted = Counted::new(&state, |state| &mut state.connections);
            lock(&state).accepted += 1;
            connections.spawn(connection(stream, Arc::clone(&state), counted));
            while connections.try_join_next().is_some() {}
        }
    })
}

/// Counts something for as long as it lives.
struct Counted {
    state: Arc<Mutex<State>>,
    number: fn(&mut State) -> &mut usize,
}

impl Counted {
    fn new(state: &Arc<Mutex<State>>, number: fn(&mut State) -> &mut usize) -> Self {
        *number(&mut lock(state)) += 1;
        Self { state: Arc::clone(state), number }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *(self.number)(&mut lock(&self.state)) -= 1;
    }
}

async fn connection<S>(stream: S, state: Arc<Mutex<State>>, _counted: Counted)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(answer(request, &state).await) }
    });
    // The client going away is no concern of the fake.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(request: hyper::Request<Incoming>, state: &Arc<Mutex<State>>) -> Response<Body> {
    let open = Counted::new(state, |state| &mut state.open);
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default().to_vec();
    let seen = seen(&parts, bytes);
    let (path, query, body) = (seen.path.clone(), seen.query.clone(), seen.body.clone());
    let (reply, wire, asked) = {
        let mut state = lock(state);
        state.seen.push(seen);
        let (wire, asked) = (state.wire, state.wire.asked(&path, &body));
        state.chats += usize::from(asked == Asked::Chat);
        let reply = match asked {
            Asked::Models => return document(&wire.models(&state.models, state.page, &query)),
            Asked::Nothing => Reply::error(404, "no such address", None),
            _ => state.queue.pop_front().unwrap_or_else(|| (state.script)(&body)),
        };
        (reply, wire, asked)
    };
    let response = Request { wire, asked, path: &path, body: &body }.perform(reply).await;
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    // A stream is being answered until its last piece.
    response.map(|body| {
        let kept = body.map_frame(move |frame| {
            let _ = &open;
            frame
        });
        kept.boxed_unsync()
    })
}

fn seen(parts: &Parts, bytes: Vec<u8>) -> Seen {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(header).collect(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
        bytes,
    }
}
