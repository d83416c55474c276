//! Vectors by Gemini's `batchEmbedContents`.

use super::model;
use crate::{
    Answer, ProviderError, Usage,
    dialect::{
        Ask,
        count::{Count, Perhaps},
        hidden, read_json, vectors,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn body(ask: &Ask<'_>) -> Result<Value, ProviderError> {
    let dimensions = ask.document.read::<u64>("dimensions")?;
    let request = |text: String| {
        let mut request = json!({"model": model(ask), "content": {"parts": [{"text": text}]}});
        if let Some(dimensions) = dimensions {
            request["outputDimensionality"] = json!(dimensions);
        }
        request
    };
    let requests: Vec<Value> = vectors::texts(ask.document)?.into_iter().map(request).collect();
    Ok(json!({"requests": requests}))
}

pub(super) fn read(ask: &Ask<'_>, body: &[u8]) -> Result<Answer, ProviderError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Response {
        embeddings: Option<Vec<Embedding>>,
        usage_metadata: Option<Perhaps<Counts>>,
        error: Option<Value>,
    }
    #[derive(Deserialize)]
    struct Embedding {
        values: Vec<f32>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counts {
        prompt_token_count: Option<Count>,
    }
    let response: Response = read_json(body)?;
    if let Some(error) = response.error.filter(|e| !e.is_null()) {
        return Err(hidden(&json!({"error": error})));
    }
    let missing = || ProviderError::malformed("it holds no `embeddings`");
    let vectors = response.embeddings.ok_or_else(missing)?.into_iter().map(|e| e.values).collect();
    // Most of its embedding models count nothing.
    let counted = response.usage_metadata.and_then(|counts| counts.0?.prompt_token_count);
    let usage = counted.map(|Count(tokens)| Usage::of_question(tokens));
    vectors::answer(ask, vectors, usage, None)
}
