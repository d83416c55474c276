//! Ollama's chat, embed, tags and pull.

use super::{Ended, Events, Said, Wire};
use serde_json::{Value, json};

const CREATED: &str = "2026-01-02T03:04:05.000000Z";

fn message(said: &Said, text: &str) -> Value {
    let mut message = json!({"role": "assistant", "content": text});
    if let Some((name, arguments)) = &said.call {
        message["tool_calls"] = json!([{"function": {"name": name, "arguments": arguments}}]);
    }
    message
}

fn end(said: &Said) -> Value {
    let reason = if said.ended == Ended::Length { "length" } else { "stop" };
    let mut end = json!({"model": said.model, "created_at": CREATED, "message": {"role": "assistant", "content": ""}, "done_reason": reason, "done": true});
    if said.usage {
        for (key, value) in [
            ("total_duration", 9_000),
            ("prompt_eval_count", 10),
            ("eval_count", 5),
            ("eval_duration", 4_000),
        ] {
            end[key] = json!(value);
        }
    }
    end
}

pub(super) fn whole(said: &Said) -> Value {
    let mut whole = end(said);
    whole["message"] = message(said, &said.text());
    whole
}

pub(super) fn events(said: &Said) -> Events {
    let line = |message: Value| {
        Wire::Ollama.event(
            &json!({"model": said.model, "created_at": CREATED, "message": message, "done": false})
                .to_string(),
        )
    };
    let mut content: Vec<Vec<u8>> =
        said.pieces.iter().map(|piece| line(json!({"role": "assistant", "content": piece}))).collect();
    content.extend(said.call.is_some().then(|| line(message(said, ""))));
    let mut end = end(said);
    if said.empty {
        // Ollama has no other way to say nothing than to end without saying that it is done.
        end = json!({"model": said.model, "created_at": CREATED, "done": false});
    }
    Events { before: Vec::new(), content, after: vec![Wire::Ollama.event(&end.to_string())] }
}

pub(super) fn pull(said: &Said) -> Events {
    let line = |value: Value| Wire::Ollama.event(&value.to_string());
    let part = |(index, status): (usize, &String)| {
        line(json!({"status": status, "digest": "sha256:fake", "total": 100, "completed": 10 * index}))
    };
    Events {
        before: vec![line(json!({"status": "pulling manifest"}))],
        content: said.pieces.iter().enumerate().map(part).collect(),
        after: vec![line(json!({"status": "success"}))],
    }
}

pub(super) fn vectors(body: &Value) -> Value {
    let count = body.get("input").and_then(Value::as_array).map_or(1, Vec::len);
    let embeddings: Vec<[f32; 3]> = (0..count).map(Wire::vector).collect();
    json!({"model": body.get("model"), "embeddings": embeddings, "total_duration": 9_000, "prompt_eval_count": 10})
}

pub(super) fn models(names: &[String]) -> Value {
    let details = json!({"format": "gguf", "family": "llama", "parameter_size": "3.2B"});
    let list: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "model": name, "modified_at": CREATED, "size": 2_019_393_189_u64, "digest": "fake", "details": details}))
        .collect();
    json!({"models": list})
}
