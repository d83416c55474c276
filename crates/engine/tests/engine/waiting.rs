//! Requests that wait.

use cofounder_testkit::gguf::TinyModel;
use serde_json::{Value, json};
use std::{
    io::{ErrorKind, Read},
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    time::Duration,
};

use crate::support::{Engine, request};

/// An engine whose answers can be long.
fn engine() -> Engine {
    Engine::start(&TinyModel { context: 4096, blocks: 8, ..TinyModel::default() })
}

/// Starts an answer that takes long.
fn occupy(engine: &Engine) -> UnixStream {
    let letters = json!({"grammar": "start: /[A-Z]{5000}/", "max_tokens": 4000, "temperature": 0, "repeat_penalty": 1.0});
    let mut stream = engine.send("POST", "/v1/chat/completions", &request("Go on", letters).to_string());
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let waiting = stream.read(&mut [0; 1]).unwrap_err().kind();
    assert!(matches!(waiting, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    stream
}

fn short() -> Value {
    request("Hi", json!({"max_tokens": 1}))
}

#[test]
fn requests_wait_for_each_other_and_too_many_are_refused() {
    let engine = Arc::new(engine());
    let long = occupy(&engine);
    let (send, replies) = mpsc::channel();
    for _ in 0..40 {
        let (engine, send) = (engine.clone(), send.clone());
        std::thread::spawn(move || send.send(engine.ask(&short())));
    }
    let next = || replies.recv_timeout(Duration::from_secs(60)).unwrap();
    for _ in 0..8 {
        let reply = next();
        assert_eq!(reply.status, 429, "{}", reply.body);
        assert!(reply.error().contains("too many"));
    }
    drop(long);
    let texts: Vec<String> = (0..32).map(|_| next()).map(|reply| reply.text().to_owned()).collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}
