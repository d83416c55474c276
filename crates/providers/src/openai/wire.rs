//! The dialect's documents: a request to JSON, an answer from JSON, an error to one of ours.
//!
//! After the chat completions reference at <https://platform.openai.com/docs/api-reference/chat>. Nothing here
//! does any input or output.

use crate::{ChatAnswer, ChatRequest, Finish, ProviderError, Usage};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What of the request depends on who answers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<'a> {
    pub(crate) model: &'a str,
    /// Our own engine, which takes a grammar, a penalty, and a text to continue.
    pub(crate) embedded: bool,
    /// The model keeps to a JSON schema.
    pub(crate) json: bool,
    /// The longest answer that it gives.
    pub(crate) max_output: Option<u32>,
    /// OpenAI's own newer models refuse `max_tokens`, and most other servers do not know its successor.
    pub(crate) limit_key: &'a str,
}

/// The request's body.
pub(crate) fn body(request: &ChatRequest, shape: Shape<'_>) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(shape.model));
    body.insert("messages".into(), json!(request.messages));
    let max = [request.max_tokens, shape.max_output].into_iter().flatten().min();
    set(&mut body, shape.limit_key, request.max_tokens.and(max));
    set(&mut body, "temperature", request.temperature.map(exact));
    set(&mut body, "top_p", request.top_p.map(exact));
    set(&mut body, "seed", request.seed);
    set(&mut body, "stop", (!request.stop.is_empty()).then_some(&request.stop));
    let schema = request.response_format.as_ref().filter(|_| shape.json).map(|format| {
        let schema = json!({"name": format.name, "schema": format.schema, "strict": true});
        json!({"type": "json_schema", "json_schema": schema})
    });
    set(&mut body, "response_format", schema);
    if shape.embedded {
        set(&mut body, "repeat_penalty", request.repeat_penalty.map(exact));
        set(&mut body, "grammar", request.grammar.as_ref());
        set(&mut body, "continue_final_message", request.continues().then_some(true));
    }
    Value::Object(body)
}

fn set(body: &mut Map<String, Value>, key: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), json!(value));
    }
}

/// 0.4, not 0.4000000059604645.
fn exact(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

/// The answer in a body that came with a status of success.
pub(crate) fn answer(body: &[u8], request: &ChatRequest, asked: &str) -> Result<ChatAnswer, ProviderError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| ProviderError::malformed("it is not JSON"))?;
    let choice = body.pointer("/choices/0");
    if let (None, Some(error)) = (choice, body.get("error").filter(|e| !e.is_null())) {
        let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        return Err(refusal(status.unwrap_or(502), &message_of(&body), None));
    }
    let choice = choice.ok_or_else(|| ProviderError::malformed("it holds no choice"))?;
    let finish = match choice.get("finish_reason").and_then(Value::as_str) {
        Some("stop") => Finish::Stop,
        Some("length") => Finish::Length,
        Some("content_filter") => Finish::ContentFilter,
        _ => Finish::Other,
    };
    let text = text(choice.pointer("/message/content").unwrap_or(&Value::Null), finish)?;
    let usage = usage(&body).unwrap_or_else(|| estimate(request, &text));
    let model = body.get("model").and_then(Value::as_str).unwrap_or(asked).to_owned();
    Ok(ChatAnswer { text, finish, usage, model })
}

/// The text of a message: a string, or parts of which some are text.
fn text(content: &Value, finish: Finish) -> Result<String, ProviderError> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => Ok(parts.iter().filter_map(|p| p.get("text")?.as_str()).collect()),
        // Reasoning that used up all tokens, or an answer that was withheld, leaves no text at all.
        Value::Null if matches!(finish, Finish::Length | Finish::ContentFilter) => Ok(String::new()),
        _ => Err(ProviderError::malformed("its message holds no text")),
    }
}

fn usage(body: &Value) -> Option<Usage> {
    let count = |path: &str| body.pointer(path).and_then(Value::as_u64);
    Some(Usage {
        tokens_in: count("/usage/prompt_tokens")?,
        tokens_cached: count("/usage/prompt_tokens_details/cached_tokens").unwrap_or(0),
        tokens_out: count("/usage/completion_tokens")?,
        measured: true,
    })
}

/// About four characters make a token.
fn estimate(request: &ChatRequest, text: &str) -> Usage {
    let tokens = |chars: usize| (chars as u64).div_ceil(4);
    let asked = request.messages.iter().map(|m| m.content.chars().count()).sum();
    Usage {
        tokens_in: tokens(asked),
        tokens_cached: 0,
        tokens_out: tokens(text.chars().count()),
        measured: false,
    }
}

/// What an error document says, in one line: `{"error": {"message": …}}` or `{"error": "…"}`, else the body itself.
pub(crate) fn message_of_bytes(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => message_of(&json),
        Err(_) => one_line(&String::from_utf8_lossy(body)),
    }
}

fn message_of(body: &Value) -> String {
    let places = ["/error/message", "/error", "/message", "/detail", "/0/error/message"];
    let message = places.iter().find_map(|place| body.pointer(place)?.as_str()).unwrap_or_default();
    match body.pointer("/error/code").and_then(Value::as_str) {
        Some(code) => one_line(&format!("{message} ({code})")),
        None => one_line(message),
    }
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The error behind a status that is not success.
pub(crate) fn refusal(status: u16, message: &str, retry_after: Option<Duration>) -> ProviderError {
    let why = if message.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {message}") };
    match status {
        401..=403 => ProviderError::Unauthorised { why },
        429 => ProviderError::Limited { retry_after, why },
        300..=399 => ProviderError::NotThere { why: format!("{why}, a redirect, which is not followed") },
        404 | 405 | 410 => ProviderError::NotThere { why },
        408 | 409 | 425 | 500.. => ProviderError::Unavailable { why },
        413 => ProviderError::ContextTooLong { why },
        _ if too_long(message) => ProviderError::ContextTooLong { why },
        _ => ProviderError::InvalidRequest { why },
    }
}

fn too_long(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["context_length_exceeded", "context length", "context window", "context size", "too many tokens"]
        .iter()
        .any(|sign| message.contains(sign))
}
