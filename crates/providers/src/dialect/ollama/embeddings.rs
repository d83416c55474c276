//! Vectors by Ollama's `/api/embed`.

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
    let mut body = json!({"model": ask.target.model, "input": vectors::texts(ask.document)?});
    for key in ["dimensions", "keep_alive"] {
        if let Some(value) = ask.document.read::<Value>(key)? {
            body[key] = value;
        }
    }
    Ok(body)
}

pub(super) fn read(ask: &Ask<'_>, body: &[u8]) -> Result<Answer, ProviderError> {
    #[derive(Deserialize)]
    struct Response {
        embeddings: Option<Vec<Vec<f32>>>,
        prompt_eval_count: Option<Perhaps<Count>>,
        model: Option<String>,
        error: Option<Value>,
    }
    let response: Response = read_json(body)?;
    if let Some(error) = response.error.filter(|e| !e.is_null()) {
        return Err(hidden(&json!({"error": error})));
    }
    let vectors = response.embeddings.ok_or_else(|| ProviderError::malformed("it holds no `embeddings`"))?;
    let usage = response.prompt_eval_count.and_then(|count| count.0);
    let usage = usage.map(|Count(tokens)| Usage::of_question(tokens));
    vectors::answer(ask, vectors, usage, response.model)
}
