//! OpenAI's chat completions and embeddings.

use super::{Ended, Events, Said, Wire, halves};
use serde_json::{Value, json};

fn reason(ended: Ended) -> &'static str {
    match ended {
        Ended::Stop => "stop",
        Ended::Length => "length",
        Ended::Tools => "tool_calls",
    }
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    })
}

fn head(said: &Said, object: &str) -> Value {
    json!({"id": "chatcmpl-fake", "object": object, "created": 1_767_323_045, "model": said.model})
}

pub(super) fn whole(said: &Said) -> Value {
    let mut message = json!({"role": "assistant", "content": said.text()});
    if let Some((name, arguments)) = &said.call {
        let function = json!({"name": name, "arguments": arguments.to_string()});
        message["content"] = Value::Null;
        message["tool_calls"] = json!([{"id": "call_fake", "type": "function", "function": function}]);
    }
    let mut body = head(said, "chat.completion");
    body["choices"] = match said.empty {
        true => json!([]),
        false => json!([{"index": 0, "message": message, "finish_reason": reason(said.ended)}]),
    };
    if said.usage {
        body["usage"] = usage();
    }
    body
}

pub(super) fn events(said: &Said) -> Events {
    let chunk = |choices: Value, usage: Value| {
        let mut body = head(said, "chat.completion.chunk");
        body["choices"] = choices;
        body["usage"] = usage;
        Wire::Openai.event(&body.to_string())
    };
    let delta =
        |delta: Value| chunk(json!([{"index": 0, "delta": delta, "finish_reason": null}]), Value::Null);
    let done = b"data: [DONE]\n\n".to_vec();
    if said.empty {
        return Events {
            before: vec![chunk(json!([]), Value::Null)],
            content: Vec::new(),
            after: vec![done],
        };
    }
    let mut content: Vec<Vec<u8>> =
        said.pieces.iter().map(|piece| delta(json!({"content": piece}))).collect();
    if let Some((name, arguments)) = &said.call {
        let begun = json!({"index": 0, "id": "call_fake", "type": "function", "function": {"name": name, "arguments": ""}});
        content.push(delta(json!({"tool_calls": [begun]})));
        let more = halves(&arguments.to_string());
        content.extend(
            more.map(|more| delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": more}}]}))),
        );
    }
    let finish = json!([{"index": 0, "delta": {}, "finish_reason": reason(said.ended)}]);
    let mut after = vec![chunk(finish, Value::Null)];
    after.extend(said.usage.then(|| chunk(json!([]), usage())));
    after.push(done);
    Events { before: vec![delta(json!({"role": "assistant", "content": ""}))], content, after }
}

pub(super) fn vectors(body: &Value) -> Value {
    // A list of numbers is one text, in tokens.
    let texts = body.get("input").and_then(Value::as_array).filter(|list| !list.iter().all(Value::is_number));
    let count = texts.map_or(1, Vec::len);
    let base64 = body.get("encoding_format").is_some_and(|format| format == "base64");
    let entry = |index: usize| {
        let vector = Wire::vector(index);
        // The base64 of the fake's three floats, whose last two never change.
        let embedding = match (base64, index) {
            (true, 0) => json!("AACAPgAAgL8AAAA/"),
            (true, _) => json!("AAAAPwAAgL8AAAA/"),
            (false, _) => json!(vector),
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<Value> = (0..count).map(entry).collect();
    let usage = json!({"prompt_tokens": 10, "total_tokens": 10});
    json!({"object": "list", "data": data, "model": body.get("model"), "usage": usage})
}

pub(super) fn models(names: &[String]) -> Value {
    let list: Vec<Value> = names.iter().map(|id| json!({"id": id, "object": "model"})).collect();
    json!({"object": "list", "data": list})
}
