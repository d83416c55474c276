//! Hugging Face's feature extraction; its chats are OpenAI's.

use super::Wire;
use serde_json::{Value, json};

pub(super) fn vectors(body: &Value) -> Value {
    let count = body.get("inputs").and_then(Value::as_array).map_or(1, Vec::len);
    json!((0..count).map(Wire::vector).collect::<Vec<_>>())
}
