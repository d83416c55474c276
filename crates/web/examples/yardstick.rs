//! What `bench/gateway` measures the gateway with: a provider that answers at once, the least that a pass-through can
//! do, and a load that comes when it is due and not when the last answer is there.
//!
//!     yardstick upstream ADDRESS
//!     yardstick bare ADDRESS UPSTREAM
//!     yardstick load URL --rate N --seconds N [--connections N] [--token T] [--streamed]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement that goes wrong ends the program, and its result is what it prints"
)]

use axum::{body::Body, extract::State, routing::post};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{Request, Response, body::Frame, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    env,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let word = |at: usize| args.get(at).map(String::as_str).unwrap_or_default();
    match word(0) {
        "upstream" => runtime().block_on(upstream(word(1))),
        "bare" => runtime().block_on(bare(word(1), word(2))),
        "load" => load(&Load::read(&args)),
        _ => panic!("yardstick upstream|bare|load …"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A provider's answer as it is: 600 bytes with its usage.
const ANSWER: &str = r#"{"id":"chatcmpl-9f1c2d7e8a6b4c3d","object":"chat.completion","created":1767323045,"model":"acme-large","choices":[{"index":0,"message":{"role":"assistant","content":"SQLite keeps a whole database in one file, needs no server, and is tested more thoroughly than most. For a program on one machine it is a good default.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":42,"completion_tokens":33,"total_tokens":75,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_5d1a","service_tier":"default"}"#;
/// Pieces of a streamed answer, and the time between them.
const PIECES: usize = 30;
const BETWEEN: Duration = Duration::from_millis(1);

async fn upstream(address: &str) {
    let listener = TcpListener::bind(address).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let serving = hyper::server::conn::http1::Builder::new();
        tokio::spawn(serving.serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let question = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let streamed = question.windows(13).any(|part| part == b"\"stream\":true");
    let (kind, body) = match streamed {
        false => ("application/json", Full::new(Bytes::from_static(ANSWER.as_bytes())).boxed_unsync()),
        true => ("text/event-stream", StreamBody::new(pieces()).boxed_unsync()),
    };
    Ok(Response::builder().header("content-type", kind).body(body).unwrap())
}

fn pieces() -> impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send {
    let chunk = |choices: &str, usage: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-9f1c\",\"object\":\"chat.completion.chunk\",\"created\":1767323045,\"model\":\"acme-large\",\"choices\":{choices}{usage}}}\n\n"
        )
    };
    let delta =
        |delta: &str| chunk(&format!("[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]"), "");
    let role = delta("{\"role\":\"assistant\",\"content\":\"\"}");
    let mut events: Vec<String> =
        (0..PIECES).map(|at| delta(&format!("{{\"content\":\"word{at} \"}}"))).collect();
    events[0] = format!("{role}{}", events[0]);
    let end = chunk("[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]", "");
    let usage = ",\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":30,\"total_tokens\":72}";
    events.push(format!("{end}{}data: [DONE]\n\n", chunk("[]", usage)));
    futures_util::stream::iter(events.into_iter().enumerate()).then(|(at, event)| async move {
        if at > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        Ok(Frame::data(Bytes::from(event)))
    })
}

#[derive(Clone)]
struct Bare {
    client: reqwest::Client,
    upstream: Arc<str>,
}

/// Takes a request, makes it of the upstream, and passes the answer on as it comes. No token is read, nothing counted.
async fn bare(address: &str, upstream: &str) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let bare = Bare { client, upstream: upstream.into() };
    let routes = axum::Router::new().route("/v1/chat/completions", post(pass)).with_state(bare);
    let listener = TcpListener::bind(address).await.unwrap();
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| stream.set_nodelay(true).unwrap()),
        routes,
    )
    .await
    .unwrap();
}

async fn pass(State(bare): State<Bare>, body: Bytes) -> Response<Body> {
    let request = bare.client.post(&*bare.upstream).header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for name in ["content-type", "content-length"] {
        if let Some(value) = answer.headers().get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    *response.body_mut() = Body::from_stream(answer.bytes_stream());
    response
}

struct Load {
    address: String,
    request: Vec<u8>,
    rate: f64,
    seconds: f64,
    connections: usize,
    streamed: bool,
}

impl Load {
    fn read(args: &[String]) -> Self {
        let value = |name: &str| {
            args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).map(String::as_str)
        };
        let number = |name: &str, default: f64| value(name).map_or(default, |n| n.parse().unwrap());
        let streamed = args.iter().any(|arg| arg == "--streamed");
        let (address, path) = args[1].strip_prefix("http://").unwrap().split_once('/').unwrap();
        let body = format!(
            r#"{{"model":"acme/acme-large","messages":[{{"role":"system","content":"You are brief."}},{{"role":"user","content":"Why is SQLite a good default database? Answer in two sentences."}}],"max_tokens":200,"stream":{streamed}}}"#
        );
        let request = format!(
            "POST /{path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
            value("--token").unwrap_or("none"),
            body.len()
        );
        Self {
            address: address.to_owned(),
            request: request.into_bytes(),
            rate: number("--rate", 100.0),
            seconds: number("--seconds", 5.0),
            connections: number("--connections", 64.0) as usize,
            streamed,
        }
    }
}

/// What one request took from when it was due: until its first token, and in all. None if it did not go well.
type Took = Option<(Duration, Duration)>;

/// The beginning that is not counted: connections are opened in it.
const WARM: f64 = 1.0;

/// Requests at a steady rate. Each takes from when it was due, also if no connection was free then: a server that is
/// slow for a moment is not spared the requests of that moment.
fn load(load: &Load) {
    let count = (load.rate * (WARM + load.seconds)) as u64;
    let warm = (load.rate * WARM) as u64;
    let (next, took) = (AtomicU64::new(0), Mutex::new(Vec::<Took>::new()));
    let start = Instant::now() + Duration::from_millis(200);
    thread::scope(|scope| {
        for _ in 0..load.connections {
            scope.spawn(|| {
                let (mut own, mut line) = (Vec::new(), Line::open(&load.address));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break took.lock().unwrap().append(&mut own);
                    }
                    let due = start + Duration::from_secs_f64(number as f64 / load.rate);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let first = line.exchange(&load.request, load.streamed);
                    if first.is_none() {
                        line = Line::open(&load.address);
                    }
                    if number >= warm {
                        own.push(first.map(|first| (first - due, due.elapsed())));
                    }
                }
            });
        }
    });
    report(took.into_inner().unwrap(), start.elapsed() - Duration::from_secs_f64(WARM));
}

fn report(took: Vec<Took>, span: Duration) {
    let part = |mut times: Vec<Duration>, share: f64| {
        times.sort_unstable();
        let at = (times.len() as f64 * share) as usize;
        times.get(at.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let good: Vec<(Duration, Duration)> = took.iter().copied().flatten().collect();
    let firsts: Vec<Duration> = good.iter().map(|(first, _)| *first).collect();
    let totals: Vec<Duration> = good.iter().map(|(_, total)| *total).collect();
    println!(
        r#"{{"requests":{},"failed":{},"rate":{:.1},"p50":{:.4},"p99":{:.4},"first_p50":{:.4},"first_p99":{:.4}}}"#,
        took.len(),
        took.len() - good.len(),
        good.len() as f64 / span.as_secs_f64(),
        part(totals.clone(), 0.5),
        part(totals, 0.99),
        part(firsts.clone(), 0.5),
        part(firsts, 0.99),
    );
}

/// One connection, and what came on it.
struct Line {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Line {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream, heard: Vec::new() }
    }

    /// Asks, reads to the end, and tells when the first token was there.
    fn exchange(&mut self, request: &[u8], streamed: bool) -> Option<Instant> {
        self.stream.write_all(request).ok()?;
        self.heard.clear();
        let (mut piece, mut first) = ([0; 16384], None);
        loop {
            let read = self.stream.read(&mut piece).ok().filter(|read| *read > 0)?;
            self.heard.extend_from_slice(&piece[..read]);
            if first.is_none() && self.has(b"\"content\":\"") && (!streamed || self.has(b"word0")) {
                first = Some(Instant::now());
            }
            if self.complete() {
                return first.filter(|_| self.heard.starts_with(b"HTTP/1.1 200"));
            }
        }
    }

    fn has(&self, part: &[u8]) -> bool {
        self.heard.windows(part.len()).any(|window| window == part)
    }

    /// Whether the whole answer is there: of its length, or with the last of its chunks.
    fn complete(&self) -> bool {
        let Some(end) = self.heard.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
        let head = String::from_utf8_lossy(&self.heard[..end]).to_ascii_lowercase();
        match head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()) {
            Some(length) => self.heard.len() >= end + 4 + length.parse::<usize>().unwrap(),
            None => self.heard.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}
