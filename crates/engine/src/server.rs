//! HTTP on a Unix socket.

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::net::UnixListener;

use crate::{
    EngineError,
    generate::Generator,
    protocol::{ChatRequest, Delivery, Prompt},
    reply::{Events, Heading, problem},
    stream::Stream,
    worker::Worker,
};

/// The largest request, in bytes.
const MAX_REQUEST: usize = 4 << 20;
/// How long a request's bytes may take to come.
const READ: Duration = Duration::from_secs(10);
/// How long one answer may keep the model waiting for its reader, all in all. The model computes for one at a time, so
/// everybody else waits as well; the connection takes some hundred pieces before the first wait.
const READER_PATIENCE: Duration = Duration::from_secs(10);
/// How much of a connection is kept in memory, in bytes: the rest of a stream waits where it is made.
const BUFFER: usize = 64 << 10;

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    model: PathBuf,
    socket: PathBuf,
    /// What the model is called in answers; the file's name without its ending, if none is named.
    pub name: Option<String>,
    /// Tokens that prompt and answer may have together; 4,096 or what the model was trained for, if none is named.
    pub context: Option<usize>,
    /// Whether the process ends when its standard input does.
    pub end_with_stdin: bool,
    /// How long one answer may keep the model waiting because it is not read; then it is given up.
    pub reader_patience: Duration,
}

impl ServeOptions {
    /// A GGUF file and the socket's path.
    #[must_use]
    pub fn new(model: PathBuf, socket: PathBuf) -> Self {
        Self {
            model,
            socket,
            name: None,
            context: None,
            end_with_stdin: true,
            reader_patience: READER_PATIENCE,
        }
    }
}

struct Shared {
    worker: Worker,
    name: String,
    count: AtomicU64,
}

/// Loads the model, then serves it until standard input ends, which ends the process. The socket appears when the
/// model is loaded, and only its owner may use it.
///
/// # Errors
/// [`EngineError`] if the model cannot be loaded or the socket cannot be served.
pub fn serve_blocking(options: &ServeOptions) -> Result<(), EngineError> {
    let told = |error: std::io::Error| EngineError::Socket {
        path: options.socket.clone(),
        reason: error.to_string(),
    };
    if options.end_with_stdin {
        end_with_stdin().map_err(told)?;
    }
    let generator = Generator::load(&options.model, options.context)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(told)?;
    let worker = Worker::start(generator, runtime.handle().clone(), options.reader_patience).map_err(told)?;
    let file = || options.model.file_stem().map(|name| name.to_string_lossy().into_owned());
    let name = options.name.clone().or_else(file).unwrap_or_else(|| "local".to_owned());
    let shared = Arc::new(Shared { worker, name, count: AtomicU64::new(0) });
    runtime.block_on(serve(&options.socket, shared)).map_err(told)
}

/// The pipe on standard input is the parent's: when it ends, so does this process, whatever it is doing.
fn end_with_stdin() -> std::io::Result<()> {
    let wait = || {
        let mut buffer = [0_u8; 256];
        while std::io::stdin().read(&mut buffer).is_ok_and(|count| count > 0) {}
        std::process::exit(0);
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(wait).map(drop)
}

async fn serve(socket: &Path, shared: Arc<Shared>) -> std::io::Result<()> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Some(folder) = socket.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    loop {
        let (stream, _) = listener.accept().await?;
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(route(&shared, request).await) }
            });
            // A connection that breaks ends its request: the service's future, or the body of its reply, is dropped.
            let ended = http1::Builder::new()
                .max_buf_size(BUFFER)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
}

type Reply = Response<Either<Full<Bytes>, Stream>>;

async fn route(shared: &Shared, request: Request<Incoming>) -> Reply {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => reply(200, &json!({"status": "ok"})),
        (&Method::GET, "/v1/models") => {
            reply(200, &json!({"object": "list", "data": [{"id": shared.name, "object": "model"}]}))
        }
        (&Method::POST, "/v1/chat/completions") => chat(shared, request).await.unwrap_or_else(|error| {
            let (status, body) = problem(&error);
            reply(status, &body)
        }),
        _ => reply(
            404,
            &json!({"error": {"message": "there is no such address here", "type": "invalid_request_error"}}),
        ),
    }
}

async fn chat(shared: &Shared, request: Request<Incoming>) -> Result<Reply, EngineError> {
    let body = Limited::new(request.into_body(), MAX_REQUEST).collect();
    let body = tokio::time::timeout(READ, body)
        .await
        .map_err(|_| EngineError::Invalid("the request did not come".to_owned()))?;
    let body = body.map_err(|error| EngineError::Invalid(error.to_string()))?.to_bytes();
    let request: ChatRequest =
        serde_json::from_slice(&body).map_err(|e| EngineError::Invalid(e.to_string()))?;
    let prompt = Prompt::try_from(request)?;
    let delivery = prompt.delivery;
    let coming = shared.worker.ask(prompt)?;
    let id = shared.count.fetch_add(1, Ordering::Relaxed);
    let heading = Heading { id, model: shared.name.clone() };
    match delivery {
        Delivery::Whole => {
            let (text, ended) = coming.whole().await?;
            Ok(reply(200, &heading.whole(&text, &ended)))
        }
        Delivery::Streamed { usage } => Ok(events(Stream::begin(Events { heading, usage }, coming).await?)),
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body.to_string()))));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn events(stream: Stream) -> Reply {
    let mut response = Response::new(Either::Right(stream));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
