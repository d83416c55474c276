//! A whole answer of Anthropic's.

use crate::{
    Amount, Answer, Finish, ProviderError, Usage,
    dialect::{
        Ask,
        count::{Count, Perhaps},
        hidden, read_json,
        told::{self, Called, Head, Said},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    content: Option<Vec<Value>>,
    stop_reason: Option<String>,
    usage: Option<Perhaps<Counts>>,
    error: Option<Value>,
}

/// Usage; in a stream each count replaces the one before it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counts {
    input_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    pub(super) output_tokens: Option<Count>,
    output_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Details {
    thinking_tokens: Option<Count>,
}

impl Counts {
    /// These, and what they leave out from before.
    pub(super) fn or(self, before: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.or(before.input_tokens),
            cache_read_input_tokens: self.cache_read_input_tokens.or(before.cache_read_input_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .or(before.cache_creation_input_tokens),
            output_tokens: self.output_tokens.or(before.output_tokens),
            output_tokens_details: self.output_tokens_details.or(before.output_tokens_details),
        }
    }

    /// Its tokens of the prompt are those that were neither read from the cache nor written to it.
    /// What came out is counted if this is the `last` word on it.
    pub(super) fn usage(self, last: bool) -> Usage {
        let cached = self.cache_read_input_tokens.unwrap_or_default().0;
        let written = self.cache_creation_input_tokens.unwrap_or_default().0;
        let thought = self.output_tokens_details.and_then(|details| details.thinking_tokens);
        let asked = self.input_tokens.map(|input| input.0.saturating_add(cached).saturating_add(written));
        Usage {
            tokens_in: Amount::said(asked, true),
            tokens_cached: cached,
            tokens_cache_write: written,
            tokens_out: Amount::said(self.output_tokens.map(|output| output.0), last),
            tokens_reasoning: thought.unwrap_or_default().0,
        }
    }
}

pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::Tools,
        "refusal" => Finish::ContentFilter,
        _ => Finish::Other,
    }
}

pub(super) fn read(ask: &Ask<'_>, body: &[u8]) -> Result<Answer, ProviderError> {
    let message: Message = read_json(body)?;
    if let Some(error) = message.error.filter(|e| !e.is_null()) {
        return Err(hidden(&json!({"error": error})));
    }
    let content = message.content.ok_or_else(|| ProviderError::malformed("it holds no `content`"))?;
    let reason =
        message.stop_reason.ok_or_else(|| ProviderError::malformed("it does not say why it ended"))?;
    let mut said =
        Said { text: String::new(), reasoning: String::new(), calls: Vec::new(), finish: finish(&reason) };
    for block in &content {
        let text = |key: &str| {
            let missing = || ProviderError::malformed(format!("a block of its content holds no `{key}`"));
            block.get(key).and_then(Value::as_str).ok_or_else(missing)
        };
        match block.get("type").and_then(Value::as_str) {
            Some("text") => said.text.push_str(text("text")?),
            Some("thinking") => said.reasoning.push_str(text("thinking")?),
            Some("tool_use") => {
                let input = block.get("input").filter(|input| input.is_object());
                let input =
                    input.ok_or_else(|| ProviderError::malformed("it calls a tool without `input`"))?;
                let (id, name) = (text("id")?.to_owned(), text("name")?.to_owned());
                said.calls.push(Called { id, name, arguments: input.to_string(), signature: None });
            }
            // What the provider's own tools did is its own business.
            _ => {}
        }
    }
    let usage = message.usage.and_then(|counts| Some(counts.0?.usage(true)));
    told::answer(ask, Head::new(ask, message.id, message.model), vec![said], usage)
}
