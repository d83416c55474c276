//! A step's question in OpenAI's words.

use crate::{ChatRequest, Document, Target};
use serde_json::{Value, json};
use url::Url;

/// OpenAI's own newer models refuse `max_tokens`, and most other servers do not know its successor.
pub(crate) fn limit_key(base: &Url) -> &'static str {
    if base.host_str() == Some("api.openai.com") { "max_completion_tokens" } else { "max_tokens" }
}

/// A step's question in OpenAI's words, as far as the target understands them.
pub(crate) fn chat_document(
    request: &ChatRequest,
    target: &Target,
    embedded: bool,
    limit_key: &str,
) -> Document {
    let mut document = Document::default();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            document.set(key, &value);
        }
    };
    set("model", Some(json!(target.model)));
    set("messages", Some(json!(request.messages)));
    set(limit_key, request.max_tokens.map(|n| json!(n)));
    set("temperature", request.temperature.map(exact));
    set("top_p", request.top_p.map(exact));
    set("seed", request.seed.map(|n| json!(n)));
    set("stop", (!request.stop.is_empty()).then(|| json!(request.stop)));
    let schema = request.response_format.as_ref().filter(|_| target.json).map(|format| {
        let schema = json!({"name": format.name, "schema": format.schema, "strict": true});
        json!({"type": "json_schema", "json_schema": schema})
    });
    set("response_format", schema);
    if embedded {
        set("repeat_penalty", request.repeat_penalty.map(exact));
        set("grammar", request.grammar.as_ref().map(|g| json!(g)));
        set("continue_final_message", request.continues().then_some(json!(true)));
    }
    document
}

/// 0.4, not 0.4000000059604645.
fn exact(number: f32) -> Value {
    json!(number.to_string().parse::<f64>().unwrap_or(f64::from(number)))
}
