//! Questions in the OpenAI chat protocol, as far as a local model can answer them
//! (<https://platform.openai.com/docs/api-reference/chat>). A field that would change what the answer means is refused
//! by its name; other unknown fields are ignored.

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
    stream_options: Option<StreamOptions>,
    n: Option<u32>,
    tools: Option<Value>,
    tool_choice: Option<Value>,
    functions: Option<Value>,
    function_call: Option<Value>,
    logprobs: Option<Value>,
    top_logprobs: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct IncomingMessage {
    role: String,
    content: Option<Content>,
    tool_calls: Option<Value>,
    function_call: Option<Value>,
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
    pub(crate) delivery: Delivery,
}

/// How an answer is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// Piece by piece; with what it used at the end, if that is asked for.
    Streamed {
        usage: bool,
    },
}

/// How an answer ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// Whether it ended because it had as many tokens as it may.
    pub(crate) cut_off: bool,
    pub(crate) prompt_tokens: usize,
    pub(crate) cached_tokens: usize,
    pub(crate) answer_tokens: usize,
}

impl ChatRequest {
    /// Refuses what would be answered in another sense than it was asked.
    fn check(&self) -> Result<(), EngineError> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(EngineError::Invalid("`n` is not supported: this model answers once".to_owned()));
        }
        refuse("this model calls no tools", "tools", self.tools.as_ref())?;
        refuse("this model calls no tools", "tool_choice", self.tool_choice.as_ref())?;
        refuse("this model calls no tools", "functions", self.functions.as_ref())?;
        refuse("this model calls no tools", "function_call", self.function_call.as_ref())?;
        refuse("this model tells no likelihoods", "logprobs", self.logprobs.as_ref())?;
        refuse("this model tells no likelihoods", "top_logprobs", self.top_logprobs.as_ref())
    }
}

/// Refuses a field, unless its value asks for nothing.
fn refuse(why: &str, field: &str, value: Option<&Value>) -> Result<(), EngineError> {
    let nothing = match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::String(word)) => word == "none" || word == "auto",
        Some(Value::Number(number)) => number.as_u64() == Some(0),
        Some(Value::Bool(true) | Value::Object(_)) => false,
    };
    if nothing { Ok(()) } else { Err(EngineError::Invalid(format!("`{field}` is not supported: {why}"))) }
}

impl TryFrom<ChatRequest> for Prompt {
    type Error = EngineError;

    fn try_from(request: ChatRequest) -> Result<Self, EngineError> {
        request.check()?;
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
        let usage = request.stream_options.and_then(|options| options.include_usage).unwrap_or(false);
        let streamed = request.stream.unwrap_or(false);
        Ok(Self {
            delivery: if streamed { Delivery::Streamed { usage } } else { Delivery::Whole },
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
    refuse("this model knows of no tools", "tool_calls", incoming.tool_calls.as_ref())?;
    refuse("this model knows of no tools", "function_call", incoming.function_call.as_ref())?;
    let content = match incoming.content {
        None => return Err(EngineError::Invalid("a message has no `content`".to_owned())),
        Some(Content::Text(text)) => text,
        Some(Content::Parts(parts)) => {
            if let Some(part) = parts.iter().find(|p| p.kind != "text") {
                let kind = &part.kind;
                return Err(EngineError::Invalid(format!("this model reads text only, not `{kind}`")));
            }
            parts.into_iter().filter_map(|p| p.text).collect::<Vec<_>>().join("\n")
        }
    };
    Ok(Message { role: incoming.role, content })
}
