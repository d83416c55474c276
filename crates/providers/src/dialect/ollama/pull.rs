//! What Ollama says while it fetches a model: a document a line.

use crate::{
    ProviderError,
    dialect::{hidden, read_json},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// One line.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PullLine {
    #[serde(default)]
    pub(crate) status: String,
    /// Bytes of the part that is being fetched.
    pub(crate) total: Option<u64>,
    /// Those of them that are there.
    pub(crate) completed: Option<u64>,
    error: Option<Value>,
}

impl PullLine {
    /// # Errors
    /// What the line says went wrong; [`ProviderError::NotThere`] if nobody has such a model.
    pub(crate) fn read(data: &[u8]) -> Result<Self, ProviderError> {
        let line: Self = read_json(data)?;
        let Some(error) = line.error.as_ref().filter(|e| !e.is_null()) else { return Ok(line) };
        let said = error.as_str().unwrap_or_default();
        let nobody = ["file does not exist", "not found", "invalid model name"];
        match nobody.iter().any(|sign| said.contains(sign)) {
            true => Err(ProviderError::NotThere { why: said.to_owned() }),
            false => Err(hidden(&json!({"error": error}))),
        }
    }

    /// The last line.
    pub(crate) fn is_last(&self) -> bool {
        self.status == "success"
    }
}
