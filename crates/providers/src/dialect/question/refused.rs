//! Fields that change the meaning of the answer and that other protocols have no words for.

use super::wrong;
use crate::{Document, ProviderError};
use serde_json::Value;

/// # Errors
/// [`ProviderError::WrongQuestion`] names the first such field. `several`: whether the protocol gives several answers
/// to one question.
/// Whether a field asks for something.
type Asks = fn(&Value) -> bool;

pub(super) fn check(document: &Document, maker: &str, several: bool) -> Result<(), ProviderError> {
    let is = |field: &str, wanted: Asks| document.read::<Value>(field).map(|v| v.is_some_and(|v| wanted(&v)));
    let something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let beside_text = |value: &Value| value.as_array().is_some_and(|m| m.iter().any(|m| m != "text"));
    let more_than_one = |value: &Value| value.as_u64().is_some_and(|n| n > 1);
    let refused: [(&str, Asks); 9] = [
        ("logprobs", something),
        ("top_logprobs", |value| value.as_u64().is_some_and(|n| n > 0)),
        ("logit_bias", something),
        ("audio", something),
        ("modalities", beside_text),
        ("web_search_options", |value| !value.is_null()),
        ("functions", something),
        ("function_call", something),
        ("n", if several { |_| false } else { more_than_one }),
    ];
    for (field, wanted) in refused {
        if is(field, wanted)? {
            let why = format!(
                "cannot be expressed in {maker}'s protocol: leave it out, or name another provider's model"
            );
            return Err(wrong(field, &why));
        }
    }
    Ok(())
}
