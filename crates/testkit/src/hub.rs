//! A model hub on 127.0.0.1 that stumbles on demand.
//!
//! `/{repository}/resolve/main/{file}` redirects to `/cdn/…` and says in `X-Linked-Etag` and `X-Linked-Size` what
//! lies there, as Hugging Face's does; the CDN path serves the bytes and understands `Range: bytes=N-`.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Empty, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

const CHUNK: usize = 1024;

/// What is wrong with the hub. None of it by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// It knows no file.
    pub missing: bool,
    /// This many requests are answered with 500, from the first.
    pub errors: usize,
    /// This many bodies break off, from the first, each after this many bytes.
    pub cuts: (usize, usize),
    /// One byte of the body is another.
    pub wrong_bytes: bool,
    /// The checksum that it declares.
    pub declared: Option<String>,
    /// It declares no checksum.
    pub undeclared: bool,
    /// It knows no ranges and sends all of the file.
    pub no_ranges: bool,
    /// A pause after every 1,024 bytes.
    pub pause: Option<Duration>,
}

/// What the hub saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Questions for what there is.
    pub heads: usize,
    /// Requests for bytes, redirects not counted.
    pub reads: usize,
    /// Where these asked to begin, if they asked for a range.
    pub ranges: Vec<Option<u64>>,
    /// Bytes of bodies that were sent.
    pub bytes_sent: usize,
}

/// A hub that serves one file and ends when it is dropped.
#[derive(Debug)]
pub struct FakeHub {
    address: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    path: String,
    file: Bytes,
    faults: Mutex<Faults>,
    seen: Mutex<Seen>,
}

impl FakeHub {
    /// A hub without faults.
    ///
    /// # Errors
    /// What the system said.
    pub async fn start(repository: &str, file: &str, bytes: Vec<u8>) -> io::Result<Self> {
        Self::with(repository, file, bytes, Faults::default()).await
    }

    /// A hub with faults.
    ///
    /// # Errors
    /// What the system said.
    pub async fn with(repository: &str, file: &str, bytes: Vec<u8>, faults: Faults) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let path = format!("/{repository}/resolve/main/{file}");
        let (faults, seen) = (Mutex::new(faults), Mutex::default());
        let state = Arc::new(State { path, file: bytes.into(), faults, seen });
        let task = tokio::spawn(serve(listener, state.clone()));
        Ok(Self { address, state, task })
    }

    /// Its address, e.g. `http://127.0.0.1:4321`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it saw so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        locked(&self.state.seen).clone()
    }

    /// Gives it other faults, and forgets what it saw.
    pub fn set(&self, faults: Faults) {
        *locked(&self.state.faults) = faults;
        *locked(&self.state.seen) = Seen::default();
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| {
            let answer = state.answer(&request);
            async { Ok::<_, Infallible>(answer) }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

impl State {
    fn answer(self: &Arc<Self>, request: &Request<Incoming>) -> Response<Body> {
        let mut faults = locked(&self.faults);
        if faults.errors > 0 {
            faults.errors -= 1;
            return short(StatusCode::INTERNAL_SERVER_ERROR);
        }
        match request.uri().path() {
            _ if faults.missing => short(StatusCode::NOT_FOUND),
            path if path == self.path => self.redirect(request.method(), &faults),
            "/cdn/file" if request.method() == Method::GET => self.bytes(request, &mut faults),
            "/cdn/file" => short(StatusCode::OK),
            _ => short(StatusCode::NOT_FOUND),
        }
    }

    fn redirect(&self, method: &Method, faults: &Faults) -> Response<Body> {
        if method == Method::HEAD {
            locked(&self.seen).heads += 1;
        }
        let declared = faults.declared.clone().unwrap_or_else(|| hex::encode(Sha256::digest(&self.file)));
        let mut answer = Response::builder().status(StatusCode::FOUND).header(header::LOCATION, "/cdn/file");
        if !faults.undeclared {
            answer = answer.header("X-Linked-Etag", format!("\"{declared}\""));
        }
        answer = answer.header("X-Linked-Size", self.file.len()).header(header::ETAG, "\"of-the-redirect\"");
        answer.body(empty()).unwrap_or_else(|_| short(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn bytes(self: &Arc<Self>, request: &Request<Incoming>, faults: &mut Faults) -> Response<Body> {
        let size = self.file.len();
        let range = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
        let range =
            range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<u64>().ok());
        {
            let mut seen = locked(&self.seen);
            seen.reads += 1;
            seen.ranges.push(range);
        }
        let start = range.filter(|_| !faults.no_ranges).map(|start| start as usize);
        if start.is_some_and(|start| start >= size) {
            return short(StatusCode::RANGE_NOT_SATISFIABLE);
        }
        let answer = match start {
            Some(start) => Response::builder()
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, format!("bytes {start}-{}/{size}", size - 1)),
            None => Response::builder(),
        };
        let start = start.unwrap_or_default();
        let answer = answer.header(header::CONTENT_LENGTH, size - start);
        answer.body(self.body(start, faults)).unwrap_or_else(|_| short(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn body(self: &Arc<Self>, start: usize, faults: &mut Faults) -> Body {
        let mut file = self.file.to_vec();
        if faults.wrong_bytes
            && let Some(last) = file.last_mut()
        {
            *last ^= 1;
        }
        let cut = (faults.cuts.0 > 0).then(|| {
            faults.cuts.0 -= 1;
            start + faults.cuts.1
        });
        let sending = Sending { file: file.into(), at: start, cut, pause: faults.pause, state: self.clone() };
        StreamBody::new(stream::unfold(Some(sending), next)).boxed_unsync()
    }
}

/// A body on its way.
struct Sending {
    file: Bytes,
    at: usize,
    cut: Option<usize>,
    pause: Option<Duration>,
    state: Arc<State>,
}

/// The next piece of a body; a cut ends the connection.
async fn next(sending: Option<Sending>) -> Option<(io::Result<Frame<Bytes>>, Option<Sending>)> {
    let mut sending = sending?;
    let end = sending.cut.unwrap_or(usize::MAX).min(sending.file.len());
    if sending.at >= end {
        sending.cut?;
        // What was handed over must be on its way before the connection ends.
        tokio::time::sleep(Duration::from_millis(50)).await;
        return Some((Err(io::ErrorKind::ConnectionReset.into()), None));
    }
    if let Some(pause) = sending.pause {
        tokio::time::sleep(pause).await;
    }
    let to = (sending.at + CHUNK).min(end);
    let piece = sending.file.slice(sending.at..to);
    sending.at = to;
    locked(&sending.state.seen).bytes_sent += piece.len();
    Some((Ok(Frame::data(piece)), Some(sending)))
}

fn short(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(empty());
    *answer.status_mut() = status;
    answer
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
