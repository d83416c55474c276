//! A provider that speaks the chat dialect of OpenAI and misbehaves on demand.

mod reply;

pub use reply::Reply;

use http_body_util::BodyExt;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use reply::{Body, perform};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    task::{JoinHandle, JoinSet},
};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `POST`.
    pub method: String,
    /// `/v1/chat/completions`.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Null if it was no JSON.
    pub body: Value,
}

type Script = Box<dyn FnMut(&Value) -> Reply + Send>;

struct State {
    queue: VecDeque<Reply>,
    script: Script,
    seen: Vec<Seen>,
    models: Vec<String>,
    open: usize,
}

/// A provider on 127.0.0.1 or on a Unix socket. It stops when it is dropped.
pub struct FakeProvider {
    state: Arc<Mutex<State>>,
    url: String,
    accepting: JoinHandle<()>,
}

impl fmt::Debug for FakeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProvider").field("url", &self.url).finish_non_exhaustive()
    }
}

impl FakeProvider {
    /// Listens on a free port. Until it is told otherwise it answers every chat with `ok`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start() -> io::Result<Self> {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
        let url = format!("http://{}/v1", listener.local_addr()?);
        Ok(Self::serve(url, move || {
            let listener = Arc::clone(&listener);
            async move { listener.accept().await.map(|(stream, _)| stream) }
        }))
    }

    /// Listens on a Unix socket.
    ///
    /// # Errors
    /// If the socket cannot be made there.
    pub fn start_unix(path: &Path) -> io::Result<Self> {
        let listener = Arc::new(UnixListener::bind(path)?);
        Ok(Self::serve("http://localhost/v1".to_owned(), move || {
            let listener = Arc::clone(&listener);
            async move { listener.accept().await.map(|(stream, _)| stream) }
        }))
    }

    fn serve<S, A, F>(url: String, accept: A) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Fn() -> F + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let script: Script = Box::new(|_| Reply::text("ok"));
        let models = vec!["fake-model".to_owned()];
        let state = State { queue: VecDeque::new(), script, seen: Vec::new(), models, open: 0 };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            // Connections end with this task, when the set is dropped.
            let mut connections = JoinSet::new();
            while let Ok(stream) = accept().await {
                connections.spawn(connection(stream, Arc::clone(&shared)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { state, url, accepting }
    }

    /// The base address, which ends in `/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next requests with these, in order, before anything else.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.state).queue.extend(replies);
    }

    /// Answers every request that finds no reply in the queue.
    pub fn script(&self, script: impl FnMut(&Value) -> Reply + Send + 'static) {
        lock(&self.state).script = Box::new(script);
    }

    /// What `/v1/models` lists.
    pub fn models(&self, names: &[&str]) {
        lock(&self.state).models = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// How many chats were asked for.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.state).seen.iter().filter(|seen| seen.path.ends_with("/chat/completions")).count()
    }

    /// How many requests are being answered now; one that the client gave up ends at once.
    #[must_use]
    pub fn open(&self) -> usize {
        lock(&self.state).open
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a request as open for as long as it lives.
struct Open(Arc<Mutex<State>>);

impl Open {
    fn new(state: &Arc<Mutex<State>>) -> Self {
        lock(state).open += 1;
        Self(Arc::clone(state))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).open -= 1;
    }
}

async fn connection<S>(stream: S, state: Arc<Mutex<State>>)
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

async fn answer(request: Request<Incoming>, state: &Arc<Mutex<State>>) -> Response<Body> {
    let _open = Open::new(state);
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = parts.headers.iter().map(header).collect();
    let reply = {
        let mut state = lock(state);
        state.seen.push(Seen {
            method: parts.method.to_string(),
            path: path.clone(),
            headers,
            body: body.clone(),
        });
        if path.ends_with("/models") {
            let list: Vec<Value> =
                state.models.iter().map(|id| json!({"id": id, "object": "model"})).collect();
            Reply::Json(json!({"object": "list", "data": list}))
        } else if path.ends_with("/chat/completions") {
            let queued = state.queue.pop_front();
            queued.unwrap_or_else(|| (state.script)(&body))
        } else {
            Reply::error(404, "no such address", None)
        }
    };
    perform(reply, &body).await
}
