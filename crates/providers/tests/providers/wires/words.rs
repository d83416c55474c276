//! One conversation with everything in it, as each dialect says it.

use super::{Bench, hello};
use cofounder_testkit::provider::{FakeProvider, Wire};
use serde_json::{Value, json};

fn everything() -> Value {
    let call = |id: &str, city: &str| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": json!({"city": city}).to_string()}});
    json!({
        "model": "any",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
            {"role": "assistant", "content": "I ask.", "tool_calls": [call("call_1", "Bern"), call("call_2", "Rome")]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
            {"role": "tool", "tool_call_id": "call_2", "content": "{\"sky\":\"blue\"}"},
            {"role": "user", "content": "And?"},
        ],
        "tools": [{"type": "function", "function": {"name": "weather", "description": "Looks.", "parameters": {"type": "object"}, "strict": true}}],
        "tool_choice": "auto", "parallel_tool_calls": false,
        "max_completion_tokens": 50, "temperature": 1.5, "seed": 7, "stop": "END", "user": "u1", "metadata": {"a": "b"}, "store": false,
    })
}

async fn sent(wire: Wire, model: &str, document: &Value) -> Value {
    let bench = Bench::of(FakeProvider::start_as(wire).await.unwrap(), "", model, "");
    bench.ask(document).await.unwrap();
    bench.fake.seen().remove(0).body
}

#[tokio::test]
async fn anthropic_hears_it_so() {
    assert_eq!(
        sent(Wire::Anthropic, "", &everything()).await,
        json!({
            "model": "m", "max_tokens": 50, "system": "Be brief.\n\nBe kind.",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "I ask."},
                    {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Bern"}},
                    {"type": "tool_use", "id": "call_2", "name": "weather", "input": {"city": "Rome"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "Rain."},
                    {"type": "tool_result", "tool_use_id": "call_2", "content": "{\"sky\":\"blue\"}"},
                    {"type": "text", "text": "And?"},
                ]},
            ],
            "stop_sequences": ["END"],
            "tools": [{"name": "weather", "description": "Looks.", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
            "temperature": 1.0, "metadata": {"user_id": "u1"},
        })
    );
}

#[tokio::test]
async fn gemini_hears_it_so() {
    assert_eq!(
        sent(Wire::Gemini, "", &everything()).await,
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Look: "}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
                {"role": "model", "parts": [
                    {"text": "I ask."},
                    {"functionCall": {"name": "weather", "args": {"city": "Bern"}}},
                    {"functionCall": {"name": "weather", "args": {"city": "Rome"}}},
                ]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "weather", "response": {"result": "Rain."}}},
                    {"functionResponse": {"name": "weather", "response": {"sky": "blue"}}},
                    {"text": "And?"},
                ]},
            ],
            "generationConfig": {"maxOutputTokens": 50, "temperature": 1.5, "stopSequences": ["END"], "seed": 7},
            "tools": [{"functionDeclarations": [{"name": "weather", "description": "Looks.", "parametersJsonSchema": {"type": "object"}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        })
    );
}

#[tokio::test]
async fn ollama_hears_it_so() {
    assert_eq!(
        sent(Wire::Ollama, "context = 9000", &everything()).await,
        json!({
            "model": "m", "stream": false,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Look: ", "images": ["aGk="]},
                {"role": "assistant", "content": "I ask.", "tool_calls": [
                    {"function": {"name": "weather", "arguments": {"city": "Bern"}}},
                    {"function": {"name": "weather", "arguments": {"city": "Rome"}}},
                ]},
                {"role": "tool", "tool_name": "weather", "content": "Rain."},
                {"role": "tool", "tool_name": "weather", "content": "{\"sky\":\"blue\"}"},
                {"role": "user", "content": "And?"},
            ],
            "tools": [{"type": "function", "function": {"name": "weather", "description": "Looks.", "parameters": {"type": "object"}}}],
            "options": {"num_predict": 50, "temperature": 1.5, "stop": ["END"], "num_ctx": 9000, "seed": 7},
        })
    );
}

#[tokio::test]
async fn anthropic_wants_a_longest_answer() {
    let longest = |document: Value, model: &'static str| async move {
        sent(Wire::Anthropic, model, &document).await["max_tokens"].clone()
    };
    let with = |key: &str, most: u64| {
        let mut document = hello();
        document[key] = json!(most);
        document
    };
    assert_eq!(longest(hello(), "").await, 4096);
    assert_eq!(longest(hello(), "max_output = 900").await, 900);
    assert_eq!(longest(with("max_tokens", 20), "max_output = 900").await, 20);
    assert_eq!(longest(with("max_completion_tokens", 2000), "max_output = 900").await, 900);
}

#[tokio::test]
async fn anthropic_continues_what_the_assistant_began() {
    let document = json!({"messages": [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "Once upon "}]});
    let body = sent(Wire::Anthropic, "", &document).await;
    assert_eq!(
        body["messages"][1],
        json!({"role": "assistant", "content": [{"type": "text", "text": "Once upon"}]})
    );
}

#[tokio::test]
async fn google_is_asked_for_two() {
    let mut two = hello();
    two["n"] = json!(2);
    assert_eq!(sent(Wire::Gemini, "", &two).await["generationConfig"]["candidateCount"], 2);
}
