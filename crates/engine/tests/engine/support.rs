//! A running engine with a tiny model, and a plain HTTP client.

use cofounder_engine::{EngineError, ServeOptions, serve_blocking};
use cofounder_testkit::gguf::TinyModel;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::mpsc,
    time::Duration,
};
use tempfile::TempDir;

/// An engine in a thread of this process. It ends with the process.
pub(crate) struct Engine {
    pub(crate) socket: PathBuf,
    _folder: TempDir,
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Engine {
    pub(crate) fn start(tiny: &TinyModel) -> Self {
        Self::start_with(tiny, |_| {})
    }

    pub(crate) fn start_with(tiny: &TinyModel, change: impl FnOnce(&mut ServeOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, socket) = (folder.path().join("tiny.gguf"), folder.path().join("run/engine.sock"));
        tiny.write(&path).unwrap();
        let mut options = ServeOptions::new(path, socket.clone());
        options.end_with_stdin = false;
        change(&mut options);
        let (send, ended) = mpsc::channel::<Result<(), EngineError>>();
        std::thread::spawn(move || send.send(serve_blocking(&options)));
        while UnixStream::connect(&socket).is_err() {
            if let Ok(result) = ended.recv_timeout(Duration::from_millis(20)) {
                panic!("the engine ended: {result:?}");
            }
        }
        Self { socket, _folder: folder }
    }

    /// Sends a request without waiting for its answer.
    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> UnixStream {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        stream
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut answer = String::new();
        self.send(method, path, body).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, body: serde_json::from_str(body).unwrap() }
    }

    pub(crate) fn ask(&self, request: &Value) -> Reply {
        self.call("POST", "/v1/chat/completions", &request.to_string())
    }

    /// As [`Self::ask`], for what must be answered.
    pub(crate) fn answer(&self, request: &Value) -> Reply {
        let reply = self.ask(request);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        self.body["choices"][0]["message"]["content"].as_str().unwrap()
    }

    pub(crate) fn finish(&self) -> &str {
        self.body["choices"][0]["finish_reason"].as_str().unwrap()
    }

    pub(crate) fn prompt_tokens(&self) -> u64 {
        self.body["usage"]["prompt_tokens"].as_u64().unwrap()
    }

    pub(crate) fn cached_tokens(&self) -> u64 {
        self.body["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap()
    }

    pub(crate) fn error(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap()
    }
}

/// A request with one message and these fields besides.
pub(crate) fn request(content: &str, fields: Value) -> Value {
    let mut request = json!({"messages": [{"role": "user", "content": content}]});
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}
