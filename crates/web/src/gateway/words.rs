//! What the API's description says of OpenAI's documents: the fields that the gateway itself looks at. All others go on
//! to the model as they are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A chat to be continued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"model": "role:draft", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 20}))]
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
#[schema(example = json!({"model": "role:embed", "input": ["One text.", "Another."]}))]
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
#[schema(example = json!({"model": "role:image", "prompt": "A lighthouse in fog."}))]
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
