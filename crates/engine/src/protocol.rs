//! The OpenAI chat protocol, as far as a local model can answer it
//! (<https://platform.openai.com/docs/api-reference/chat>). Unknown fields are ignored.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::EngineError;

/// The longest answer if nobody asks for less, in tokens.
const MAX_TOKENS: usize = 1024;
/// Who can speak.
const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];

#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
    pub(crate) messages: Vec<IncomingMessage>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    pub(crate) temperature: Option<f32>,
    pub(crate) top_p: Option<f32>,
    pub(crate) seed: Option<u64>,
    stop: Option<Stop>,
    response_format: Option<ResponseFormat>,
    /// Ours: above 1, tokens of the answer become less likely each time.
    pub(crate) repeat_penalty: Option<f32>,
    /// Ours: a grammar in Lark syntax that the answer must follow.
    grammar: Option<String>,
    stream: Option<bool>,
    n: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct IncomingMessage {
    role: String,
    content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { json_schema: NamedSchema },
}

#[derive(Debug, Deserialize)]
struct NamedSchema {
    schema: Value,
}

/// A message as templates see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    pub(crate) role: String,
    pub(crate) content: String,
}

/// What an answer is held to.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Json(Value),
    Grammar(String),
}

/// A request that can be answered.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) messages: Vec<Message>,
    pub(crate) max_tokens: usize,
    pub(crate) stop: Vec<String>,
    pub(crate) shape: Option<Shape>,
    pub(crate) temperature: Option<f32>,
    pub(crate) top_p: Option<f32>,
    pub(crate) seed: Option<u64>,
    pub(crate) repeat_penalty: Option<f32>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    /// Whether it ended because it had as many tokens as it may.
    pub(crate) cut_off: bool,
    pub(crate) prompt_tokens: usize,
    pub(crate) cached_tokens: usize,
    pub(crate) answer_tokens: usize,
}

impl TryFrom<ChatRequest> for Prompt {
    type Error = EngineError;

    fn try_from(request: ChatRequest) -> Result<Self, EngineError> {
        if request.stream == Some(true) || request.n.is_some_and(|n| n != 1) {
            return Err(EngineError::Invalid(
                "this model answers once and whole: `stream` and `n` are not supported".to_owned(),
            ));
        }
        if request.messages.is_empty() {
            return Err(EngineError::Invalid("`messages` is empty".to_owned()));
        }
        let shape = match (request.response_format, request.grammar) {
            (Some(ResponseFormat::JsonSchema { json_schema }), _) => Some(Shape::Json(json_schema.schema)),
            (Some(ResponseFormat::JsonObject), _) => Some(Shape::Json(json!({"type": "object"}))),
            (_, Some(grammar)) => Some(Shape::Grammar(grammar)),
            (Some(ResponseFormat::Text) | None, None) => None,
        };
        let stop = match request.stop {
            None => Vec::new(),
            Some(Stop::One(one)) => vec![one],
            Some(Stop::Many(many)) => many,
        };
        Ok(Self {
            messages: request.messages.into_iter().map(message).collect::<Result<_, _>>()?,
            max_tokens: request.max_completion_tokens.or(request.max_tokens).unwrap_or(MAX_TOKENS).max(1),
            stop: stop.into_iter().filter(|s| !s.is_empty()).collect(),
            shape,
            temperature: request.temperature,
            top_p: request.top_p,
            seed: request.seed,
            repeat_penalty: request.repeat_penalty,
        })
    }
}

fn message(incoming: IncomingMessage) -> Result<Message, EngineError> {
    // Templates write the role between their own marks.
    if !ROLES.contains(&incoming.role.as_str()) {
        return Err(EngineError::Invalid(format!("a message's role is one of {}", ROLES.join(", "))));
    }
    let content = match incoming.content {
        Content::Text(text) => text,
        Content::Parts(parts) => {
            if let Some(part) = parts.iter().find(|p| p.kind != "text") {
                return Err(EngineError::Invalid(format!("this model reads text only, not `{}`", part.kind)));
            }
            parts.into_iter().filter_map(|p| p.text).collect::<Vec<_>>().join("\n")
        }
    };
    Ok(Message { role: incoming.role, content })
}

/// The answer on the wire.
pub(crate) fn response(model: &str, id: u64, answer: &Answer) -> Value {
    json!({
        "id": format!("chatcmpl-{id}"),
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": answer.text},
            "finish_reason": if answer.cut_off { "length" } else { "stop" },
        }],
        "usage": {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.answer_tokens,
            "total_tokens": answer.prompt_tokens + answer.answer_tokens,
            "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
        },
    })
}

/// An error on the wire, with its HTTP status.
pub(crate) fn problem(error: &EngineError) -> (u16, Value) {
    let (status, kind, code) = match error {
        EngineError::Invalid(_) => (400, "invalid_request_error", None),
        EngineError::TooLong { .. } => (400, "invalid_request_error", Some("context_length_exceeded")),
        EngineError::Busy => (429, "rate_limit_error", None),
        EngineError::Cancelled => (499, "cancelled", None),
        EngineError::Model { .. } | EngineError::Socket { .. } | EngineError::Compute(_) => {
            (500, "server_error", None)
        }
    };
    (status, json!({"error": {"message": error.to_string(), "type": kind, "code": code}}))
}
