//! Anthropic's messages.

use super::{Ended, Events, Said, halves, parameter};
use serde_json::{Value, json};

fn reason(ended: Ended) -> &'static str {
    match ended {
        Ended::Stop => "end_turn",
        Ended::Length => "max_tokens",
        Ended::Tools => "tool_use",
    }
}

/// 10 tokens in: 3 fresh, 4 from the cache, 3 written to it.
fn usage(out: u64) -> Value {
    let details = json!({"thinking_tokens": out.saturating_sub(3)});
    json!({"input_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3, "output_tokens": out, "output_tokens_details": details, "service_tier": "standard"})
}

pub(super) fn whole(said: &Said) -> Value {
    let mut content = Vec::new();
    if !said.pieces.is_empty() {
        content.push(json!({"type": "text", "text": said.text()}));
    }
    if let Some((name, arguments)) = &said.call {
        content.push(json!({"type": "tool_use", "id": "toolu_fake", "name": name, "input": arguments}));
    }
    let mut body = json!({
        "id": "msg_fake", "type": "message", "role": "assistant", "model": said.model, "content": content,
        "stop_reason": reason(said.ended), "stop_sequence": null,
    });
    if said.usage {
        body["usage"] = usage(5);
    }
    body
}

fn event(data: &Value) -> Vec<u8> {
    let kind = data["type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {data}\n\n").into_bytes()
}

pub(super) fn events(said: &Said) -> Events {
    let mut message = json!({"id": "msg_fake", "type": "message", "role": "assistant", "model": said.model, "content": [], "stop_reason": null, "stop_sequence": null});
    if said.usage {
        message["usage"] = usage(1);
    }
    let block = match &said.call {
        Some((name, _)) => json!({"type": "tool_use", "id": "toolu_fake", "name": name, "input": {}}),
        None => json!({"type": "text", "text": ""}),
    };
    let before = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
    ];
    let deltas: Vec<Value> = match &said.call {
        Some((_, arguments)) => {
            let more = halves(&arguments.to_string()).into_iter();
            more.map(|more| json!({"type": "input_json_delta", "partial_json": more})).collect()
        }
        None => said.pieces.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect(),
    };
    let content =
        deltas.iter().map(|delta| event(&json!({"type": "content_block_delta", "index": 0, "delta": delta})));
    let mut end =
        json!({"type": "message_delta", "delta": {"stop_reason": reason(said.ended), "stop_sequence": null}});
    if said.usage {
        end["usage"] = usage(5);
    }
    let after = [json!({"type": "content_block_stop", "index": 0}), end, json!({"type": "message_stop"})];
    // An answer in which nobody says anything ends without a reason.
    let after = if said.empty { &after[2..] } else { &after[..] };
    let before = if said.empty { &before[..1] } else { &before[..] };
    Events {
        before: before.iter().map(event).collect(),
        content: content.collect(),
        after: after.iter().map(event).collect(),
    }
}

pub(super) fn models(names: &[String], page: usize, query: &str) -> Value {
    let after = parameter(query, "after_id");
    let from = after.and_then(|id| names.iter().position(|name| name == id)).map_or(0, |at| at + 1);
    let shown: Vec<&String> = names[from..].iter().take(page).collect();
    let more = from + shown.len() < names.len();
    let data: Vec<Value> = shown
        .iter()
        .map(
            |id| json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-01-02T03:04:05Z"}),
        )
        .collect();
    json!({"data": data, "has_more": more, "first_id": shown.first(), "last_id": shown.last()})
}
