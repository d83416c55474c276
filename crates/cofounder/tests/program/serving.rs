//! A server of the real binary, and clients of it.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};

use crate::workbench::{Done, Workbench, ended, finish, signal};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running `cofounder serve`.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    /// What it has said on standard error, line by line.
    said: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Without a worker.
    pub(crate) async fn start(bench: &Workbench) -> Self {
        Self::start_with(bench, &["--no-worker"]).await
    }

    pub(crate) async fn start_with(bench: &Workbench, args: &[&str]) -> Self {
        Self::start_in(bench, args, &[]).await
    }

    /// On a free port, which it says when it listens; with these variables.
    pub(crate) async fn start_in(bench: &Workbench, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut all = vec!["serve", "--bind", "127.0.0.1:0"];
        all.extend(args);
        let mut command = bench.command(&all);
        command.envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(Vec::new()));
        let url = tokio::time::timeout(PATIENCE, async {
            loop {
                let Some(line) = lines.next_line().await.unwrap() else { panic!("it ended: {said:#?}") };
                let address = line
                    .split_once("listening on ")
                    .map(|(_, rest)| rest.split(';').next().unwrap().to_owned());
                said.lock().unwrap().push(line);
                if let Some(address) = address {
                    return address;
                }
            }
        });
        let url = url.await.expect("it does not listen");
        let heard = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("server: {line}");
                heard.lock().unwrap().push(line);
            }
        });
        // An error means that another test of this process was first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { child, url, client, said }
    }

    /// What it has said on standard error so far, line by line.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Response {
        self.request(Method::GET, path, token).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: impl Into<reqwest::Body>) -> Response {
        self.request(Method::POST, path, token).body(body).send().await.unwrap()
    }

    /// A chat; the whole answer with its status.
    pub(crate) async fn chat(&self, token: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.post("/v1/chat/completions", token, body.to_string()).await;
        (answer.status(), answer.json().await.unwrap())
    }

    /// A streamed chat, to its end or as far as it comes: the data of its events.
    pub(crate) async fn stream(&self, token: &str, body: &Value) -> Vec<String> {
        let answer = self.post("/v1/chat/completions", token, body.to_string()).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        events(&answer.text().await.unwrap())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(self) -> Done {
        signal(&self.child, Signal::TERM);
        ended(self.child).await
    }
}

/// The data of every event.
pub(crate) fn events(text: &str) -> Vec<String> {
    text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).map(str::to_owned).collect()
}

/// What a streamed answer said, up to `[DONE]`, which must be its last event.
pub(crate) fn said(events: &[String]) -> String {
    let (last, pieces) = events.split_last().unwrap();
    assert_eq!(last, "[DONE]", "{events:?}");
    text(pieces)
}

/// What these pieces say.
pub(crate) fn text(pieces: &[String]) -> String {
    let piece = |data: &String| {
        let piece: Value = serde_json::from_str(data).unwrap();
        piece["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    };
    pieces.iter().map(piece).collect()
}

/// Makes a token with these options and returns its text.
pub(crate) async fn token(bench: &Workbench, options: &[&str]) -> String {
    let mut args = vec!["token", "create", "test"];
    args.extend(options);
    let done = finish(bench.command(&args)).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    done.stdout.lines().last().unwrap().to_owned()
}

/// A question to this model.
pub(crate) fn hello(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100})
}

pub(crate) fn streamed(model: &str) -> Value {
    let mut body = hello(model);
    body["stream"] = json!(true);
    body
}

/// Waits until this holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let waited = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("it never came to be: {what}"));
}
