//! A whole answer of Gemini's, and the shape that pieces of one share with it.

use crate::{
    Amount, Answer, Finish, ProviderError, Usage,
    dialect::{
        Ask,
        count::{Count, Perhaps},
        hidden, read_json,
        told::{self, Called, Head, Said, made_up},
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    pub(super) candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    pub(super) usage_metadata: Option<Perhaps<Counts>>,
    pub(super) model_version: Option<String>,
    pub(super) response_id: Option<String>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(default)]
    pub(super) index: usize,
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) thought: bool,
    pub(super) function_call: Option<Function>,
    pub(super) thought_signature: Option<String>,
    pub(super) inline_data: Option<Inline>,
}

#[derive(Deserialize)]
pub(super) struct Function {
    id: Option<String>,
    name: String,
    #[serde(default)]
    args: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct Inline {
    pub(super) data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    prompt_token_count: Option<Count>,
    tool_use_prompt_token_count: Option<Count>,
    cached_content_token_count: Option<Count>,
    candidates_token_count: Option<Count>,
    thoughts_token_count: Option<Count>,
}

impl Counts {
    /// Thoughts are charged as output, and are not among the candidates' tokens.
    /// What came out is counted if this is the `last` word on it.
    pub(super) fn usage(self, last: bool) -> Usage {
        let number = |count: Option<Count>| count.unwrap_or_default().0;
        let thoughts = number(self.thoughts_token_count);
        let tools = number(self.tool_use_prompt_token_count);
        let asked = self.prompt_token_count.map(|asked| asked.0.saturating_add(tools));
        let said = self.candidates_token_count;
        let answered = (said.is_some() || thoughts > 0).then(|| number(said).saturating_add(thoughts));
        Usage {
            tokens_in: Amount::said(asked, true),
            tokens_cached: number(self.cached_content_token_count),
            // Thoughts alone are not the whole.
            tokens_out: Amount::said(answered, last && said.is_some()),
            tokens_reasoning: thoughts,
            ..Usage::default()
        }
    }
}

impl Response {
    /// The document, unless it says that there is no answer.
    pub(super) fn read(body: &[u8]) -> Result<Self, ProviderError> {
        let response: Self = read_json(body)?;
        if let Some(error) = response.error.as_ref().filter(|e| !e.is_null()) {
            return Err(hidden(&json!({"error": error})));
        }
        let silent = response.candidates.as_ref().is_none_or(Vec::is_empty);
        match response.prompt_feedback.as_ref().and_then(|f| f.block_reason.as_ref()).filter(|_| silent) {
            Some(reason) => Err(ProviderError::Refused { why: format!("the prompt is blocked ({reason})") }),
            None => Ok(response),
        }
    }
}

impl Candidate {
    pub(super) fn parts(&mut self) -> Vec<Part> {
        self.content.take().map(|content| content.parts).unwrap_or_default()
    }

    /// Why it ended, if it did.
    pub(super) fn finish(&self, calls: bool) -> Result<Option<Finish>, ProviderError> {
        let Some(reason) = self.finish_reason.as_deref() else { return Ok(None) };
        Ok(Some(match reason {
            "FINISH_REASON_UNSPECIFIED" => return Ok(None),
            "STOP" if calls => Finish::Tools,
            "STOP" => Finish::Stop,
            "MAX_TOKENS" => Finish::Length,
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => Finish::ContentFilter,
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MALFORMED_RESPONSE" => {
                return Err(ProviderError::malformed(format!("the model failed to call a tool ({reason})")));
            }
            _ => Finish::Other,
        }))
    }
}

impl Function {
    pub(super) fn called(self, signature: Option<String>, ask_now: cofounder_domain::Timestamp) -> Called {
        let id = self.id.filter(|id| !id.is_empty()).unwrap_or_else(|| made_up("call", ask_now));
        Called { id, name: self.name, arguments: Value::Object(self.args).to_string(), signature }
    }
}

pub(super) fn read(ask: &Ask<'_>, body: &[u8]) -> Result<Answer, ProviderError> {
    let response = Response::read(body)?;
    let candidates = response.candidates.unwrap_or_default();
    let said = candidates.into_iter().map(|candidate| said(ask, candidate)).collect::<Result<_, _>>()?;
    let usage = response.usage_metadata.and_then(|counts| Some(counts.0?.usage(true)));
    told::answer(ask, Head::new(ask, response.response_id, response.model_version), said, usage)
}

fn said(ask: &Ask<'_>, mut candidate: Candidate) -> Result<Said, ProviderError> {
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for part in candidate.parts() {
        match (part.text, part.function_call) {
            (_, Some(function)) => calls.push(function.called(part.thought_signature, ask.now)),
            (Some(said), None) if part.thought => reasoning.push_str(&said),
            (Some(said), None) => text.push_str(&said),
            (None, None) => {}
        }
    }
    let unsaid = || ProviderError::malformed("it does not say why it ended");
    let finish = candidate.finish(!calls.is_empty())?.ok_or_else(unsaid)?;
    Ok(Said { text, reasoning, calls, finish })
}
