//! How a step asks a model: through the meter, with the step's place in the journal.

use cofounder_executor::{StepContext, StepError};
use cofounder_metering::{Call, CallError, ChatRequest, JsonSchema, Message, Meter, Metered, Role};
use serde::de::DeserializeOwned;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::prompts;

/// Asks on behalf of one step. Each question gets the next ordinal, so that a resumed step, which asks the
/// same questions in the same order, is answered from the journal.
pub(crate) struct Pen<'a> {
    meter: Arc<Meter>,
    step: StepContext,
    pin: Option<&'a str>,
    asked: AtomicU32,
}

/// How a question is put.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) role: Role,
    pub(crate) max_tokens: u32,
    pub(crate) temperature: f32,
    pub(crate) seed: u64,
    pub(crate) schema: Option<JsonSchema>,
    pub(crate) repeat_penalty: Option<f32>,
}

impl Manner {
    pub(crate) fn new(role: Role, max_tokens: u32) -> Self {
        Self { role, max_tokens, temperature: 0.4, seed: 1, schema: None, repeat_penalty: Some(1.1) }
    }

    pub(crate) fn json(role: Role, max_tokens: u32, name: &str, schema: serde_json::Value) -> Self {
        let schema = Some(JsonSchema { name: name.to_owned(), schema });
        Self { schema, temperature: 0.2, repeat_penalty: None, ..Self::new(role, max_tokens) }
    }
}

impl<'a> Pen<'a> {
    pub(crate) fn new(meter: Arc<Meter>, step: StepContext, pin: Option<&'a str>) -> Self {
        Self { meter, step, pin, asked: AtomicU32::new(0) }
    }

    /// Asks with messages as they are.
    pub(crate) async fn ask(&self, messages: Vec<Message>, manner: &Manner) -> Result<Metered, StepError> {
        let request = ChatRequest {
            messages,
            max_tokens: Some(manner.max_tokens),
            temperature: Some(manner.temperature),
            seed: Some(manner.seed),
            response_format: manner.schema.clone(),
            repeat_penalty: manner.repeat_penalty,
            ..ChatRequest::default()
        };
        let call = Call {
            run: Some(self.step.claimed()),
            step: self.step.path(),
            ordinal: self.asked.fetch_add(1, Ordering::Relaxed),
            role: manner.role,
            pin: self.pin,
            request,
            cancel: self.step.cancel().clone(),
            deadline: Some(self.step.deadline().into_std()),
        };
        self.meter.chat(call).await.map_err(told)
    }

    /// Asks with a prompt of `prompts/` behind the common system text.
    pub(crate) async fn prompt(&self, prompt: String, manner: &Manner) -> Result<Metered, StepError> {
        self.ask(vec![Message::system(prompts::SYSTEM.trim()), Message::user(prompt)], manner).await
    }

    /// Asks for JSON and reads it. `Err` inside says in what way the answer was unusable: the caller goes on
    /// without it.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        prompt: String,
        manner: &Manner,
    ) -> Result<Result<T, String>, StepError> {
        let answer = self.prompt(prompt, manner).await?;
        let text = unfence(&answer.text);
        Ok(serde_json::from_str(text).map_err(|error| {
            if answer.cut_off() {
                "it was cut off".to_owned()
            } else {
                format!("it is not the JSON that was asked for ({error})")
            }
        }))
    }
}

/// The JSON inside a Markdown fence or between stray words, which models without a grammar add.
fn unfence(text: &str) -> &str {
    // What a model thinks aloud is no answer.
    let text = text.rfind("</think>").map_or(text, |at| &text[at + "</think>".len()..]);
    match (text.find('{'), text.rfind('}')) {
        (Some(start), Some(end)) if start < end => &text[start..=end],
        _ => text.trim(),
    }
}

/// The database's own troubles are the executor's to judge.
fn told(error: CallError) -> StepError {
    match error {
        CallError::Storage(error) => StepError::storage(error),
        error => StepError::from_fault(error.kind(), error.retry_after(), error),
    }
}

#[cfg(test)]
mod tests {
    use super::unfence;

    #[test]
    fn json_is_found_inside_fences_and_chatter() {
        assert_eq!(unfence("```json\n{\"a\": 1}\n```"), "{\"a\": 1}");
        assert_eq!(unfence("Sure! {\"a\": {}} Hope it helps."), "{\"a\": {}}");
        assert_eq!(unfence("<think>maybe {\"b\": 2}</think>{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(unfence("} {"), "} {");
        assert_eq!(unfence(" none "), "none");
    }
}
