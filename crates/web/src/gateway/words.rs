//! What the API's description says of OpenAI's documents: the fields that the gateway itself looks at. All others go on
//! to the model as they are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::documents::Sample;

/// A chat to be continued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct ChatQuestion {
    /// A model as `provider/model`, an alias, or a role as `role:draft`.
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    /// What was said so far.
    messages: Vec<Map<String, Value>>,
    /// Whether the answer comes piece by piece, as server-sent events.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    /// The longest answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    max_tokens: Option<u32>,
    /// Whatever else the model understands.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// Texts to be made vectors of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct EmbeddingsQuestion {
    /// A model as `provider/model`, an alias, or `role:embed`.
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    /// One text, or several.
    #[schema(value_type = Value)]
    input: Value,
    /// Whatever else the model understands.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// A picture to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct ImagesQuestion {
    /// A model as `provider/model`, an alias, or `role:image`.
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    /// What it shows.
    prompt: String,
    /// Whatever else the model understands.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// An answer in the words of OpenAI's API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OpenAiAnswer {
    /// What the model's provider answered.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// An error as OpenAI's own libraries read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OpenAiError {
    /// The error.
    error: OpenAiFault,
}

/// What happened, what was kept, and what to do next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OpenAiFault {
    /// In words.
    message: String,
    /// Its kind.
    #[serde(rename = "type")]
    kind: String,
    /// The field that is wrong, if one is.
    param: Option<String>,
    /// Its name.
    code: String,
}

/// An object's fields.
fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Sample for ChatQuestion {
    fn sample() -> Self {
        let messages = vec![fields(json!({"role": "user", "content": "Say hello."}))];
        Self {
            model: "role:draft".to_owned(),
            messages,
            stream: None,
            max_tokens: Some(20),
            more: Map::new(),
        }
    }
}

impl Sample for EmbeddingsQuestion {
    fn sample() -> Self {
        Self { model: "role:embed".to_owned(), input: json!(["One text.", "Another."]), more: Map::new() }
    }
}

impl Sample for ImagesQuestion {
    fn sample() -> Self {
        let (model, prompt) = ("role:image".to_owned(), "A lighthouse in fog.".to_owned());
        Self { model, prompt, more: Map::new() }
    }
}

impl OpenAiError {
    pub(crate) fn new(kind: &str, code: &str, message: &str) -> Self {
        let (kind, code, message) = (kind.to_owned(), code.to_owned(), message.to_owned());
        Self { error: OpenAiFault { message, kind, param: None, code } }
    }
}

/// A chat's answer, as providers give it.
pub(super) fn chat_answer() -> OpenAiAnswer {
    let choice =
        json!({"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14});
    OpenAiAnswer {
        fields: fields(json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_795_858_200, "model": "acme-large",
            "choices": [choice], "usage": usage
        })),
    }
}

/// The vectors of two texts.
pub(super) fn embeddings_answer() -> OpenAiAnswer {
    let vector =
        |index: u8, numbers: [f32; 3]| json!({"object": "embedding", "index": index, "embedding": numbers});
    OpenAiAnswer {
        fields: fields(json!({
            "object": "list", "model": "acme-embed", "data": [vector(0, [0.5, -0.25, 0.125]), vector(1, [0.25, 0.5, -0.5])],
            "usage": {"prompt_tokens": 5, "total_tokens": 5}
        })),
    }
}

/// A picture's answer.
pub(super) fn images_answer() -> OpenAiAnswer {
    let fields =
        fields(json!({"created": 1_795_858_200, "data": [{"url": "https://images.example/lighthouse.png"}]}));
    OpenAiAnswer { fields }
}
