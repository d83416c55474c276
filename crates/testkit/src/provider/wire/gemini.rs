//! Google's generateContent and batchEmbedContents.

use super::{Ended, Events, Said, Wire, parameter};
use serde_json::{Value, json};

fn reason(ended: Ended) -> &'static str {
    match ended {
        Ended::Stop | Ended::Tools => "STOP",
        Ended::Length => "MAX_TOKENS",
    }
}

fn usage(answered: u64, thoughts: u64) -> Value {
    json!({
        "promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": answered, "thoughtsTokenCount": thoughts,
        "totalTokenCount": 10 + answered + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
    })
}

fn page(said: &Said, parts: &[Value], finish: Option<&str>, usage: Value) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    let mut page = json!({"candidates": [candidate], "modelVersion": said.model, "responseId": "fake"});
    if said.usage {
        page["usageMetadata"] = usage;
    }
    page
}

fn call(said: &Said) -> Option<Value> {
    let (name, arguments) = said.call.as_ref()?;
    Some(json!({"functionCall": {"name": name, "args": arguments}, "thoughtSignature": "c2lnbmVk"}))
}

pub(super) fn whole(said: &Said) -> Value {
    if said.empty {
        return json!({"candidates": [], "usageMetadata": usage(0, 0), "modelVersion": said.model});
    }
    let parts = call(said).unwrap_or_else(|| json!({"text": said.text()}));
    page(said, &[parts], Some(reason(said.ended)), usage(3, 2))
}

pub(super) fn events(said: &Said) -> Events {
    let event = |page: Value| Wire::Gemini.event(&page.to_string());
    let texts = said.pieces.iter().map(|piece| json!({"text": piece}));
    let content = texts.chain(call(said)).map(|part| event(page(said, &[part], None, usage(1, 0)))).collect();
    let after = match said.empty {
        true => vec![event(json!({"usageMetadata": usage(0, 0), "modelVersion": said.model}))],
        false => vec![event(page(said, &[json!({"text": ""})], Some(reason(said.ended)), usage(3, 2)))],
    };
    Events { before: Vec::new(), content, after }
}

pub(super) fn vectors(body: &Value) -> Value {
    let count = body.get("requests").and_then(Value::as_array).map_or(0, Vec::len);
    let embeddings: Vec<Value> = (0..count).map(|index| json!({"values": Wire::vector(index)})).collect();
    json!({"embeddings": embeddings})
}

pub(super) fn picture(base64: &str) -> Value {
    let parts = json!([{"text": "Here it is."}, {"inlineData": {"mimeType": "image/png", "data": base64}}]);
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}], "usageMetadata": usage(3, 2)})
}

pub(super) fn models(names: &[String], page: usize, query: &str) -> Value {
    let from = parameter(query, "pageToken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let shown = names.iter().skip(from).take(page);
    let list: Vec<Value> = shown
        .map(|name| json!({"name": format!("models/{name}"), "displayName": name, "inputTokenLimit": 1_048_576, "supportedGenerationMethods": ["generateContent"]}))
        .collect();
    let mut body = json!({"models": list});
    if from + list.len() < names.len() {
        body["nextPageToken"] = json!((from + list.len()).to_string());
    }
    body
}
