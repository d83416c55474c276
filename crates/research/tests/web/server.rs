//! A web server on 127.0.0.1 that answers as a test says, to the byte, and counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What is done for a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, then a byte at each interval, for ever.
    Drip(Vec<u8>, Duration),
    /// These bytes, then nothing, for ever.
    Stall(Vec<u8>),
    /// These bytes, then this block again and again.
    Endless(Vec<u8>, Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers each path (with its query) with its list in turn; the last one stays.
    pub(crate) async fn start(routes: Vec<(&str, Vec<Answer>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let routes: HashMap<String, Vec<Answer>> =
            routes.into_iter().map(|(p, a)| (p.to_owned(), a)).collect();
        let routes = Arc::new(Mutex::new(routes));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, routes.clone(), log.clone()));
            }
        });
        Self { base, seen, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The heads of all requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    routes: Arc<Mutex<HashMap<String, Vec<Answer>>>>,
    log: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await {
            // A greeting of TLS, which is not spoken here.
            Ok(read) if read > 0 && buffer[0] == 0x16 => return,
            Ok(read) if read > 0 => head.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push(head);
    let answer = next(&routes, &path);
    let _ = match answer {
        Answer::Bytes(bytes) => stream.write_all(&bytes).await,
        Answer::Drip(bytes, interval) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(interval).await;
            }
            Ok(())
        }
        Answer::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut [0; 1]).await;
            Ok(())
        }
        Answer::Endless(bytes, block) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(&block).await.is_ok() {}
            Ok(())
        }
    };
    let _ = stream.shutdown().await;
}

fn next(routes: &Mutex<HashMap<String, Vec<Answer>>>, path: &str) -> Answer {
    let mut routes = routes.lock().unwrap();
    let found = routes.iter_mut().find(|(known, _)| {
        path == *known || (known.ends_with('*') && path.starts_with(known.trim_end_matches('*')))
    });
    match found {
        Some((_, answers)) if answers.len() > 1 => answers.remove(0),
        Some((_, answers)) => answers[0].clone(),
        None => status(404, ""),
    }
}

/// A whole answer.
pub(crate) fn ok(content_type: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    bytes.extend_from_slice(body);
    Answer::Bytes(bytes)
}

/// An answer with a status, more header lines (each with its line break), and no body.
pub(crate) fn status(status: u16, headers: &str) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: 0\r\n\r\n").into_bytes())
}

/// The head of an answer without a length.
pub(crate) fn head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nSome text. ".to_vec()
}
