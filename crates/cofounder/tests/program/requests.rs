//! Requests that the gateway refuses by what their heads or their manner say, before anybody is asked.

use cofounder_testkit::provider::Reply;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    serving::{Server, hello, token},
    workbench::Workbench,
};

/// How the bytes that `gzip` makes begin.
const PACKED: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

fn message(told: &Value) -> &str {
    assert_eq!(told["error"]["type"], "invalid_request_error", "{told}");
    told["error"]["message"].as_str().unwrap()
}

/// Tried without looking at the header, by which it was told as bad JSON, and by looking before it was known who asks: the
/// test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_body_is_told_from_bad_json() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    for (path, encoding) in [
        ("/v1/chat/completions", "gzip"),
        ("/v1/embeddings", "br"),
        ("/v1/images/generations", "identity, zstd"),
    ] {
        let asked = |key: &str| {
            server.request(Method::POST, path, key).header("content-encoding", encoding).body(PACKED).send()
        };
        let answer = asked(&key).await.unwrap();
        assert_eq!(answer.status(), 415, "{path} {encoding}");
        let told: Value = answer.json().await.unwrap();
        assert!(message(&told).contains(&format!("`Content-Encoding: {encoding}`")), "{told}");
        assert!(message(&told).contains("without that header"), "{told}");
        assert_eq!(asked("").await.unwrap().status(), 401, "who has no token is told nothing else");
    }
    assert_eq!(bench.provider.calls(), 0);
    let plain = server.request(Method::POST, "/v1/chat/completions", &key);
    let plain = plain.header("content-encoding", "identity").body(hello("acme/large").to_string());
    assert_eq!(plain.send().await.unwrap().status(), 200);
}

/// Sends the head of a request that says it has so many bytes, and none of them; what comes back within a minute.
async fn announce(server: &Server, key: &str, length: u64, more: &str) -> String {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = String::new();
    let read = async {
        let mut bytes = [0; 4_096];
        while !told.contains("\"error\"") {
            let count = stream.read(&mut bytes).await.unwrap();
            assert!(count > 0, "it hung up: {told}");
            told += &String::from_utf8_lossy(&bytes[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap();
    told
}

/// Tried by looking at the size of what has come alone: it was told only that nothing came. Tried by leaving unread what is
/// still being sent: the answer was lost with the connection. The test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_comes() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    for more in ["", "expect: 100-continue\r\n"] {
        let told = announce(&server, &key, 10_000_000_000, more).await;
        assert!(told.starts_with("HTTP/1.1 413 ") && told.contains("larger than 8 MiB"), "{more}: {told}");
    }
    let told = announce(&server, "nobody", 10_000_000_000, "").await;
    assert!(told.starts_with("HTTP/1.1 401 "), "{told}");
    // One who has sent all of it all the same is not cut off before it can read why.
    for _ in 0..20 {
        let answer = server.post("/v1/chat/completions", &key, "x".repeat(20 << 20)).await;
        assert_eq!(answer.status(), 413);
        assert!(message(&answer.json().await.unwrap()).contains("larger than 8 MiB"));
    }
}

/// Tried by passing it on, as it was: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn only_chats_are_streamed() {
    let bench = Workbench::new().await;
    bench.configure(
        "[provider.acme.model.vectors]\nabilities = [\"embeddings\"]\n[provider.acme.model.paints]\nabilities = [\"images\"]\n",
    );
    bench.provider.script(|_| Reply::Vectors);
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    for (path, body) in [
        ("/v1/embeddings", json!({"model": "acme/vectors", "input": "a", "stream": true})),
        ("/v1/images/generations", json!({"model": "acme/paints", "prompt": "a", "stream": true})),
    ] {
        let answer = server.post(path, &key, body.to_string()).await;
        assert_eq!(answer.status(), 400, "{path}");
        let told: Value = answer.json().await.unwrap();
        assert!(message(&told).contains("`stream`"), "{told}");
        assert_eq!(told["error"]["param"], "stream");
    }
    assert_eq!(bench.provider.seen().len(), 0, "nobody was asked");
    let whole = json!({"model": "acme/vectors", "input": "a", "stream": false}).to_string();
    assert_eq!(server.post("/v1/embeddings", &key, whole).await.status(), 200);
}
