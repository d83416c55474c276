//! The embedded engine over its Unix socket, and an Ollama that is found.

use crate::{
    stand::{Ready, ask, ask_with, free, ids, pinned, router, with_embedded},
    wires::{Heard, Nobody},
};
use cofounder_providers::{
    Call, ChatRequest, Finish, Message, ProviderError, Question, Router, discover_ollama,
};
use cofounder_testkit::{
    clock::ManualClock,
    provider::{End, FakeProvider, Reply, Wire},
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

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
async fn the_engine_streams_over_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let fake = FakeProvider::start_unix(&socket).unwrap();
    fake.reply([Reply::stream(&["One ", "two"], End::Done)]);
    let (router, cancel) = (engine(socket), CancellationToken::new());
    let request = ChatRequest { messages: vec![Message::user("Count.")], ..ChatRequest::default() };
    let call = Call {
        route: &free(&router),
        question: Question::Chat(&request),
        key: "",
        caller: "".into(),
        bound: None,
        deadline: None,
        patience: Duration::ZERO,
        waits_it_out: true,
        cancel: &cancel,
    };
    let opened = router.open(&call, &mut Nobody).await.unwrap();
    assert_eq!(opened.target.id(), "embedded/smollm2-135m");
    let Heard { text, complete, finish, usage, error, .. } = Heard::of(opened.stream).await;
    assert_eq!((text.as_str(), complete, finish, error), ("One two", true, Some(Finish::Stop), None));
    assert!(usage.is_counted() && usage.tokens_out.likely() > 0, "{usage:?}");
    let body = fake.seen().remove(0).body;
    assert_eq!((&body["stream"], &body["stream_options"]["include_usage"]), (&true.into(), &true.into()));
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
    let fake = FakeProvider::start_as(Wire::Ollama).await.unwrap();
    fake.models(&["llama3.2:3b", "nomic-embed-text"]);
    let wait = Duration::from_secs(10);
    for base in [fake.url().to_owned(), format!("{}/v1", fake.url())] {
        let found = discover_ollama(&base.parse().unwrap(), wait).await;
        assert_eq!(found.unwrap(), ["llama3.2:3b", "nomic-embed-text"], "{base}");
    }
    assert_eq!(discover_ollama(&"http://127.0.0.1:1/v1".parse().unwrap(), wait).await, None);
}
