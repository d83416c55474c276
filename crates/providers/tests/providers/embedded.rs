//! The embedded engine over its Unix socket, and an Ollama that is found.

use crate::stand::{Ready, ask, ask_with, ids, pinned, router, with_embedded};
use cofounder_providers::{ChatRequest, Message, ProviderError, Router, discover_ollama};
use cofounder_testkit::{clock::ManualClock, provider::FakeProvider};
use std::{path::PathBuf, sync::Arc, time::Duration};

fn engine(socket: PathBuf) -> Router {
    Router::new(with_embedded(""), Arc::new(Ready(socket)), Arc::new(ManualClock::default())).unwrap()
}

#[tokio::test]
async fn the_engine_is_asked_over_its_socket_with_its_extensions() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let fake = FakeProvider::start_unix(&socket).unwrap();
    let request = ChatRequest {
        messages: vec![Message::user("Go on."), Message::assistant("Once")],
        repeat_penalty: Some(1.1),
        grammar: Some("start: \"a\"".into()),
        ..ChatRequest::default()
    };
    let answered = ask_with(&engine(socket), &request).await.unwrap();
    assert_eq!((answered.target.id().as_str(), answered.target.free), ("embedded/smollm2-135m", true));
    let body = fake.seen().remove(0).body;
    assert_eq!(body["model"], "smollm2-135m");
    assert_eq!(body["repeat_penalty"], 1.1);
    assert_eq!(body["grammar"], "start: \"a\"");
    assert_eq!(body["continue_final_message"], true);
}

#[tokio::test]
async fn without_a_text_to_continue_nothing_is_said_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let fake = FakeProvider::start_unix(&socket).unwrap();
    ask(&engine(socket)).await.unwrap();
    assert!(fake.seen()[0].body.get("continue_final_message").is_none());
}

#[tokio::test]
async fn an_engine_that_came_back_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let router = engine(socket.clone());
    let error = ask(&router).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }), "{error}");
    let _fake = FakeProvider::start_unix(&socket).unwrap();
    ask(&router).await.unwrap();
}

#[tokio::test]
async fn an_engine_that_cannot_start_is_told_as_such() {
    let error = ask(&router(with_embedded(""))).await.unwrap_err();
    assert!(matches!(&error, ProviderError::Launch { why } if why.contains("smollm2-135m")), "{error}");
}

#[tokio::test]
async fn other_local_models_can_be_pinned() {
    assert_eq!(ids(&pinned(&router(with_embedded("")), "embedded/other").unwrap()), ["embedded/other"]);
}

#[tokio::test]
async fn an_ollama_is_found_by_its_list_and_in_time() {
    let fake = FakeProvider::start().await.unwrap();
    fake.models(&["llama3.2:3b", "nomic-embed-text"]);
    let wait = Duration::from_secs(10);
    let found = discover_ollama(&fake.url().parse().unwrap(), wait).await;
    assert_eq!(found.unwrap(), ["llama3.2:3b", "nomic-embed-text"]);
    assert_eq!(discover_ollama(&"http://127.0.0.1:1/v1".parse().unwrap(), wait).await, None);
}
