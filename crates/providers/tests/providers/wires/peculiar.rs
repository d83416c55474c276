//! What is peculiar to the answers of one protocol.

use super::{Bench, hello};
use cofounder_providers::{Finish, ProviderError};
use cofounder_testkit::provider::{Reply, Wire};
use serde_json::{Value, json};

#[tokio::test]
async fn every_reason_of_anthropics_has_its_meaning() {
    let bench = Bench::new(Wire::Anthropic).await;
    let answer = |reason: &str, content: Value| {
        Reply::Json(
            json!({"content": content, "stop_reason": reason, "usage": {"input_tokens": 1, "output_tokens": 1}}),
        )
    };
    let text =
        json!([{"type": "thinking", "thinking": "Hm.", "signature": "x"}, {"type": "text", "text": "Well."}]);
    for (reason, finish) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Stop),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("refusal", Finish::ContentFilter),
        ("pause_turn", Finish::Other),
    ] {
        bench.fake.reply([answer(reason, text.clone())]);
        let answer = bench.ask(&hello()).await.unwrap();
        assert_eq!((answer.finish, answer.text.as_str()), (finish, "Well."), "{reason}");
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(document["choices"][0]["message"]["reasoning_content"], "Hm.");
    }
    bench.fake.reply([answer("refusal", json!([]))]);
    assert_eq!(bench.ask(&hello()).await.unwrap().finish, Finish::ContentFilter);
    bench.fake.reply([answer("tool_use", json!([{"type": "tool_use", "id": "a", "name": "f"}]))]);
    assert!(matches!(bench.ask(&hello()).await, Err(ProviderError::Malformed { .. })));
}

/// Tried by leaving out the check of the arguments: half a call passed as complete.
#[tokio::test]
async fn half_a_call_of_anthropics_is_no_call() {
    let bench = Bench::new(Wire::Anthropic).await;
    let whole = Wire::Anthropic.streamed_bytes(&Reply::tool("f", json!({"city": "Bern"}))).unwrap();
    let text = String::from_utf8(whole).unwrap();
    let events: Vec<&str> = text.split_inclusive("\n\n").collect();
    let half = events
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != 4)
        .map(|(_, event)| event.as_bytes().to_vec())
        .collect();
    bench.fake.reply([Reply::Bytes { parts: half, cut: false }]);
    let heard = bench.hear(&hello()).await;
    assert!(matches!(heard.error, Some(ProviderError::Malformed { .. })), "{heard:?}");
    assert!(!heard.complete && heard.calls.len() == 1);
}

/// Tried by believing `message_stop` alone, and by not asking for `done`: both passed as complete.
#[tokio::test]
async fn an_answer_that_does_not_say_why_it_ended_is_none() {
    let whole = [
        (Wire::Anthropic, json!({"content": [{"type": "text", "text": "x"}], "stop_reason": null})),
        (Wire::Gemini, json!({"candidates": [{"content": {"parts": [{"text": "x"}]}}]})),
        (Wire::Ollama, json!({"message": {"content": "x"}, "done": false})),
    ];
    for (wire, document) in whole {
        let bench = Bench::new(wire).await;
        bench.fake.reply([Reply::Json(document)]);
        let error = bench.ask(&hello()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Malformed { .. }), "{wire:?}: {error}");
    }
    let bench = Bench::new(Wire::Anthropic).await;
    let events = String::from_utf8(Wire::Anthropic.streamed_bytes(&Reply::text("x")).unwrap()).unwrap();
    let events = events.split_inclusive("\n\n").filter(|event| !event.contains("message_delta"));
    bench
        .fake
        .reply([Reply::Bytes { parts: events.map(|event| event.as_bytes().to_vec()).collect(), cut: false }]);
    let heard = bench.hear(&hello()).await;
    assert!(matches!(heard.error, Some(ProviderError::Malformed { .. })) && !heard.complete, "{heard:?}");
}

#[tokio::test]
async fn thoughts_of_anthropic_and_ollama_and_google_are_reasoning() {
    let event = |value: Value| format!("data: {value}\n\n").into_bytes();
    let delta = |delta: Value| event(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    let anthropic = vec![
        event(
            json!({"type": "message_start", "message": {"usage": {"input_tokens": 1, "output_tokens": 1}}}),
        ),
        delta(json!({"type": "thinking_delta", "thinking": "Hm."})),
        delta(json!({"type": "signature_delta", "signature": "x"})),
        delta(json!({"type": "text_delta", "text": "Well."})),
        event(json!({"type": "something_new"})),
        event(
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}),
        ),
        event(json!({"type": "message_stop"})),
    ];
    let page = |parts: Value, finish: Value| {
        event(json!({"candidates": [{"content": {"parts": parts}, "finishReason": finish}]}))
    };
    let google = vec![
        page(json!([{"text": "Hm.", "thought": true}]), Value::Null),
        page(json!([{"text": "Well."}]), json!("STOP")),
    ];
    let line =
        |message: Value, done: bool| format!("{}\n", json!({"message": message, "done": done})).into_bytes();
    let ollama = vec![line(json!({"thinking": "Hm."}), false), line(json!({"content": "Well."}), true)];
    for (wire, parts) in [(Wire::Anthropic, anthropic), (Wire::Gemini, google), (Wire::Ollama, ollama)] {
        let bench = Bench::new(wire).await;
        bench.fake.reply([Reply::Bytes { parts, cut: false }]);
        let heard = bench.hear(&hello()).await;
        assert_eq!(
            (heard.reasoning.as_str(), heard.text.as_str(), heard.complete),
            ("Hm.", "Well.", true),
            "{wire:?}: {heard:?}"
        );
    }
}

#[tokio::test]
async fn every_reason_of_googles_has_its_meaning() {
    let bench = Bench::new(Wire::Gemini).await;
    let answer = |reason: &str| {
        Reply::Json(json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": reason}]}))
    };
    for (reason, finish) in [
        ("STOP", Finish::Stop),
        ("MAX_TOKENS", Finish::Length),
        ("SAFETY", Finish::ContentFilter),
        ("RECITATION", Finish::ContentFilter),
        ("PROHIBITED_CONTENT", Finish::ContentFilter),
        ("LANGUAGE", Finish::Other),
    ] {
        bench.fake.reply([answer(reason)]);
        assert_eq!(bench.ask(&hello()).await.unwrap().finish, finish, "{reason}");
    }
    bench.fake.reply([answer("MALFORMED_FUNCTION_CALL")]);
    assert!(matches!(bench.ask(&hello()).await, Err(ProviderError::Malformed { .. })));
    bench.fake.reply([Reply::Json(
        json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}),
    )]);
    let blocked = bench.ask(&hello()).await.unwrap_err();
    assert!(matches!(&blocked, ProviderError::Refused { why } if why.contains("SAFETY")), "{blocked}");
}

/// Tried by taking the first one's end for the answer's: the second one was lost.
#[tokio::test]
async fn an_answer_of_two_is_complete_when_both_are() {
    let google = |index: u32| json!({"candidates": [{"index": index, "content": {"parts": [{"text": "one"}]}, "finishReason": "STOP"}]});
    let openai = |index: u32| json!({"object": "chat.completion.chunk", "choices": [{"index": index, "delta": {"content": "one"}, "finish_reason": "stop"}]});
    let pages: [(Wire, &dyn Fn(u32) -> Value); 2] = [(Wire::Gemini, &google), (Wire::Openai, &openai)];
    for (wire, page) in pages {
        let bench = Bench::new(wire).await;
        let event = |index| format!("data: {}\n\n", page(index)).into_bytes();
        let mut two = hello();
        two["n"] = json!(2);
        bench.fake.reply([Reply::Bytes { parts: vec![event(0)], cut: false }]);
        assert_eq!(bench.hear(&two).await.error, Some(ProviderError::Truncated), "{wire:?}");
        bench.rest();
        bench.fake.reply([Reply::Bytes { parts: vec![event(0), event(1)], cut: false }]);
        let heard = bench.hear(&two).await;
        assert_eq!((heard.complete, heard.finish), (true, Some(Finish::Stop)), "{wire:?}");
    }
}

#[tokio::test]
async fn google_sees_its_signature_again() {
    let bench = Bench::new(Wire::Gemini).await;
    bench.fake.reply([Reply::tool("look", json!({}))]);
    let answer = bench.ask(&hello()).await.unwrap();
    let document: Value = serde_json::from_slice(&answer.body).unwrap();
    let message = document["choices"][0]["message"].clone();
    let id = message["tool_calls"][0]["id"].clone();
    bench
        .ask(&json!({"messages": [message, {"role": "tool", "tool_call_id": id, "content": "seen"}]}))
        .await
        .unwrap();
    assert_eq!(bench.fake.seen()[1].body["contents"][0]["parts"][0]["thoughtSignature"], "c2lnbmVk");
}

/// Tried by naming them by the tool: the two had one name.
#[tokio::test]
async fn every_call_of_ollamas_gets_a_name_of_its_own() {
    let bench = Bench::new(Wire::Ollama).await;
    let call = json!({"function": {"name": "look", "arguments": {}}});
    bench.fake.reply([Reply::Json(
        json!({"message": {"content": "", "tool_calls": [call, call]}, "done": true, "done_reason": "stop"}),
    )]);
    let answer = bench.ask(&hello()).await.unwrap();
    let document: Value = serde_json::from_slice(&answer.body).unwrap();
    let calls = &document["choices"][0]["message"]["tool_calls"];
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert_eq!((answer.finish, &calls[0]["function"]["arguments"]), (Finish::Tools, &json!("{}")));
}

#[tokio::test]
async fn a_stream_for_a_whole_question_is_malformed() {
    let bench = Bench::new(Wire::Anthropic).await;
    let bytes = Wire::Anthropic.streamed_bytes(&Reply::text("x")).unwrap();
    bench.fake.reply([Reply::Bytes { parts: vec![bytes], cut: false }]);
    assert!(matches!(bench.ask(&hello()).await, Err(ProviderError::Malformed { .. })));
}
