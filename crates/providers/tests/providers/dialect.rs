//! What goes over the wire, and what each kind of answer becomes.

use crate::stand::{ask, ask_with, config, hello, observed, router, section};
use cofounder_domain::FaultKind;
use cofounder_providers::{Amount, ChatRequest, Finish, JsonSchema, Message, Outcome, ProviderError};
use cofounder_testkit::provider::{FakeProvider, Reply};
use serde_json::json;
use std::time::Duration;

/// The error that is left when every request is answered so.
async fn error_of(reply: Reply) -> ProviderError {
    let fake = FakeProvider::start().await.unwrap();
    fake.script(move |_| reply.clone());
    ask(&router(config(&section("acme", &fake, "")))).await.unwrap_err()
}

async fn answer_of(reply: Reply) -> cofounder_providers::ChatAnswer {
    let fake = FakeProvider::start().await.unwrap();
    fake.reply([reply]);
    ask(&router(config(&section("acme", &fake, "")))).await.unwrap().answer
}

#[tokio::test]
async fn a_request_is_what_the_dialect_says() {
    let fake = FakeProvider::start().await.unwrap();
    let router = router(config(&section("acme", &fake, "")));
    let request = ChatRequest {
        messages: vec![Message::user("Go on."), Message::assistant("Once")],
        max_tokens: Some(20),
        temperature: Some(0.4),
        top_p: Some(0.9),
        seed: Some(7),
        stop: vec!["\n".into()],
        response_format: Some(JsonSchema { name: "plan".into(), schema: json!({"type": "object"}) }),
        repeat_penalty: Some(1.1),
        grammar: Some("start: \"a\"".into()),
    };
    ask_with(&router, &request).await.unwrap();
    let seen = fake.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(seen.headers["idempotency-key"], "key-1");
    assert!(!seen.headers.contains_key("authorization"));
    assert_eq!(
        seen.body,
        json!({
            "model": "m",
            "messages": [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "Once"}],
            "max_tokens": 20, "temperature": 0.4, "top_p": 0.9, "seed": 7, "stop": ["\n"],
            "response_format": {"type": "json_schema", "json_schema": {"name": "plan", "schema": {"type": "object"}, "strict": true}},
        })
    );
}

#[tokio::test]
async fn what_a_model_does_not_declare_is_not_asked_of_it() {
    let fake = FakeProvider::start().await.unwrap();
    let text = section("acme", &fake, "") + "max_output = 5\nabilities = [\"chat\"]\n";
    let router = router(config(&text));
    let format = Some(JsonSchema { name: "plan".into(), schema: json!({}) });
    ask_with(&router, &ChatRequest { max_tokens: Some(20), response_format: format, ..hello() })
        .await
        .unwrap();
    let body = fake.seen().remove(0).body;
    assert_eq!(body["max_tokens"], 5);
    assert!(body.get("response_format").is_none());
}

#[tokio::test]
async fn an_answer_carries_its_text_its_end_and_its_usage() {
    let answer = answer_of(Reply::text("Good day.")).await;
    assert_eq!(
        (answer.text.as_str(), answer.finish, answer.model.as_str()),
        ("Good day.", Finish::Stop, "m")
    );
    let usage = answer.usage;
    assert_eq!(
        (usage.tokens_in, usage.tokens_cached, usage.tokens_out),
        (Amount::Counted(10), 4, Amount::Counted(5))
    );
    assert_eq!(answer_of(Reply::Length("Good".into())).await.finish, Finish::Length);
}

#[tokio::test]
async fn usage_that_is_not_said_is_estimated_and_marked() {
    let usage = answer_of(Reply::NoUsage("twelve chars".into())).await.usage;
    // "Be brief." and "Hello?" are 15 characters.
    assert_eq!((usage.tokens_in.likely(), usage.tokens_out.likely(), usage.is_counted()), (4, 3, false));
}

#[tokio::test]
async fn odd_but_valid_answers_are_read() {
    let message = |content, finish| {
        Reply::Json(json!({"choices": [{"message": {"content": content}, "finish_reason": finish}]}))
    };
    let parts = json!([{"type": "text", "text": "a"}, {"type": "thinking"}, {"type": "text", "text": "b"}]);
    assert_eq!(answer_of(message(parts, "stop")).await.text, "ab");
    let withheld = answer_of(message(json!(null), "content_filter")).await;
    assert_eq!((withheld.text.as_str(), withheld.finish), ("", Finish::ContentFilter));
    assert_eq!(answer_of(message(json!("x"), "eos")).await.finish, Finish::Other);
    assert!(matches!(error_of(message(json!(null), "tool_calls")).await, ProviderError::Malformed { .. }));
}

#[tokio::test]
async fn each_refusal_becomes_its_own_error() {
    let error = |status| error_of(Reply::error(status, "because", None));
    for status in [401, 402, 403] {
        assert!(matches!(error(status).await, ProviderError::Unauthorised { .. }), "{status}");
    }
    for status in [400, 422] {
        assert!(matches!(error(status).await, ProviderError::InvalidRequest { .. }), "{status}");
    }
    for status in [302, 404] {
        assert!(matches!(error(status).await, ProviderError::NotThere { .. }), "{status}");
    }
    for status in [408, 500, 502, 503, 529] {
        let error = error(status).await;
        assert!(matches!(error, ProviderError::Unavailable { .. }), "{status}");
        assert!(error.to_string().contains("because"), "{error}");
    }
    let long =
        Reply::error(400, "This model's maximum context length is 8 tokens", Some("context_length_exceeded"));
    assert!(matches!(error_of(long).await, ProviderError::ContextTooLong { .. }));
    let hidden = Reply::Json(json!({"error": {"message": "busy", "code": 503}}));
    assert!(matches!(error_of(hidden).await, ProviderError::Unavailable { .. }));
}

#[tokio::test]
async fn a_limit_says_until_when() {
    let error = error_of(Reply::RateLimited { retry_after: Some("60".into()) }).await;
    assert_eq!(error.kind(), FaultKind::Limited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    // The clock shows 2026-01-02T03:04:05Z.
    let error =
        error_of(Reply::RateLimited { retry_after: Some("Fri, 02 Jan 2026 03:05:05 GMT".into()) }).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
}

#[tokio::test]
async fn answers_that_are_none_are_malformed_or_truncated() {
    for reply in [Reply::Garbage, Reply::EmptyChoices, Reply::Huge(9 << 20)] {
        let error = error_of(reply.clone()).await;
        assert!(matches!(error, ProviderError::Malformed { .. }), "{reply:?}: {error}");
    }
    assert_eq!(error_of(Reply::CutBody).await, ProviderError::Truncated);
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let text = {
        let fake = FakeProvider::start().await.unwrap();
        section("acme", &fake, "")
    };
    tokio::task::yield_now().await;
    let error = ask(&router(config(&text))).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }), "{error}");
    assert!(!error.may_have_cost());
}

#[tokio::test]
async fn the_observer_is_told_of_each_attempt_and_what_it_may_have_cost() {
    let fake = FakeProvider::start().await.unwrap();
    fake.reply([Reply::CutBody, Reply::text("there")]);
    let text =
        section("acme", &fake, "") + "price = { input = 1.0, output = 1.0 }\n[router]\nallow_paid = true\n";
    let (answered, seen) = observed(&router(config(&text)), &hello()).await;
    assert_eq!(answered.unwrap().attempts, seen);
    assert_eq!(seen.len(), 2);
    assert!(matches!(
        &seen[0].outcome,
        Outcome::Failed { fault: FaultKind::Unavailable, may_have_cost: true, .. }
    ));
    assert_eq!((seen[1].target.as_str(), &seen[1].outcome), ("acme/m", &Outcome::Answered));
}
