//! A receiver of webhooks that misbehaves on demand, with or without a memory for keys.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

/// What the receiver does once it has read a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status, headers, a body. It takes what it answers with 200 to 299, and nothing else.
    Status(u16, Vec<(String, String)>, Bytes),
    /// Takes it, and answers 204 after this time.
    Late(Duration),
    /// Takes it, and never answers.
    Hang,
    /// Takes it, and closes the connection without an answer.
    Close,
    /// Takes it, and answers 200 with a body that never ends.
    Endless,
    /// Takes it, and answers 200 with the beginning of a body that never goes on.
    Stall,
}

impl Answer {
    /// A status and nothing else.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), Bytes::new())
    }

    /// A status and a body.
    pub fn body(status: u16, body: impl Into<Bytes>) -> Self {
        Self::Status(status, Vec::new(), body.into())
    }

    /// A status with `Retry-After`: seconds, or a date.
    #[must_use]
    pub fn pause(status: u16, retry_after: &str) -> Self {
        Self::Status(status, vec![("retry-after".to_owned(), retry_after.to_owned())], Bytes::new())
    }

    fn takes_it(&self) -> bool {
        !matches!(self, Self::Status(status, ..) if !(200..300).contains(status))
    }
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `POST`.
    pub method: String,
    /// `/hook`.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Byte by byte, since a signature is of bytes.
    pub body: Bytes,
}

#[derive(Debug, Default)]
struct State {
    honours_keys: bool,
    answers: VecDeque<Answer>,
    seen: Vec<Received>,
    keys: BTreeSet<String>,
    accepted: usize,
}

/// A receiver on 127.0.0.1. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeReceiver {
    state: Arc<Mutex<State>>,
    url: String,
    accepting: JoinHandle<()>,
}

impl FakeReceiver {
    /// One that takes everything that it is sent, and answers 204 until it is told otherwise.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start() -> io::Result<Self> {
        Self::with(State::default()).await
    }

    /// The same, but a second delivery with the same `Idempotency-Key` is the first one to it.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn honouring_keys() -> io::Result<Self> {
        Self::with(State { honours_keys: true, ..State::default() }).await
    }

    async fn with(state: State) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let state = Arc::new(Mutex::new(state));
        let accepting = tokio::spawn(serve(listener, state.clone()));
        Ok(Self { state, url, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next requests with these, in order.
    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.state).answers.extend(answers);
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Received> {
        lock(&self.state).seen.clone()
    }

    /// How many deliveries it has taken; one that it knew again by its key counts once.
    #[must_use]
    pub fn accepted(&self) -> usize {
        lock(&self.state).accepted
    }

    /// Waits until it has read so many requests.
    pub async fn until_seen(&self, count: usize) {
        while lock(&self.state).seen.len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for FakeReceiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    // Connections end with this task, when the set is dropped.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| {
            let state = state.clone();
            async move { perform(receive(request, &state).await?).await }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

/// Reads a request to its end, writes it down, and tells what to do.
async fn receive(request: Request<Incoming>, state: &Mutex<State>) -> io::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: BTreeMap<_, _> = parts.headers.iter().map(|(n, v)| (n.to_string(), text(v))).collect();
    let key = headers.get("idempotency-key").cloned().unwrap_or_default();
    let mut state = lock(state);
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    state.seen.push(Received { method, path, headers, body });
    let answer = state.answers.pop_front().unwrap_or_else(|| Answer::status(204));
    if answer.takes_it() {
        let is_new = state.keys.insert(key);
        state.accepted += usize::from(is_new || !state.honours_keys);
    }
    Ok(answer)
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn perform(answer: Answer) -> io::Result<Response<Body>> {
    match answer {
        Answer::Status(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(whole(body)).map_err(io::Error::other)
        }
        Answer::Late(time) => {
            tokio::time::sleep(time).await;
            Response::builder().status(204).body(whole(Bytes::new())).map_err(io::Error::other)
        }
        Answer::Hang => std::future::pending().await,
        Answer::Close => Err(io::ErrorKind::ConnectionReset.into()),
        Answer::Endless => Ok(Response::new(begun(true))),
        Answer::Stall => Ok(Response::new(begun(false))),
    }
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// A body whose first part comes, and then nothing, or the same again and again.
fn begun(endless: bool) -> Body {
    let parts = stream::unfold(true, move |first| async move {
        if !first && !endless {
            return std::future::pending().await;
        }
        Some((Ok(Frame::data(Bytes::from_static(&[b'x'; 4096]))), false))
    });
    StreamBody::new(parts).boxed_unsync()
}
