//! Answers in OpenAI's words, written: what the dialects that are not OpenAI's translate into.

use super::{Ask, Brings, Heard, Spoken};
use crate::{Answer, Finish, ProviderError, Usage};
use bytes::Bytes;
use cofounder_domain::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// What one choice of a whole answer says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) calls: Vec<Called>,
    pub(super) finish: Finish,
}

/// A tool that the model calls.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON.
    pub(super) arguments: String,
    /// What Google's models want to see again with the call.
    pub(super) signature: Option<String>,
}

/// What every document of one answer begins with.
#[derive(Clone, Debug)]
pub(super) struct Head {
    id: String,
    model: String,
    created: i64,
}

impl Head {
    /// With the names that the provider gave to the answer and the model, or with made-up ones.
    pub(super) fn new(ask: &Ask<'_>, id: Option<String>, model: Option<String>) -> Self {
        Self {
            id: id.unwrap_or_else(|| made_up("chatcmpl", ask.now)),
            model: model.unwrap_or_else(|| ask.target.model.clone()),
            created: ask.now.timestamp(),
        }
    }

    fn document(&self, object: &str, choices: Vec<Value>) -> Value {
        json!({"id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices})
    }
}

/// A name that no other answer of this program has: protocols that have no ids must have them here.
pub(super) fn made_up(kind: &str, now: Timestamp) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{kind}_{:x}_{:x}", now.timestamp_micros(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A whole answer.
///
/// # Errors
/// [`ProviderError::Malformed`] if nobody says anything in it.
pub(super) fn answer(
    ask: &Ask<'_>,
    head: Head,
    said: Vec<Said>,
    usage: Option<Usage>,
) -> Result<Answer, ProviderError> {
    let first = said.first().ok_or_else(|| ProviderError::malformed("it holds no choice"))?;
    // Reasoning that used up all tokens, or an answer that was withheld, leaves no text at all.
    let silent = first.text.is_empty() && first.reasoning.is_empty() && first.calls.is_empty();
    if silent && !matches!(first.finish, Finish::Length | Finish::ContentFilter) {
        return Err(ProviderError::malformed("its message holds no text"));
    }
    let mut document = head.document("chat.completion", said.iter().enumerate().map(choice).collect());
    if let Some(usage) = usage.filter(Usage::is_counted) {
        document["usage"] = counted(&usage);
    }
    let estimate = || {
        let mut spoken = Spoken::default();
        said.iter().for_each(|said| said.spoken(&mut spoken));
        ask.estimate(spoken)
    };
    Ok(Answer {
        body: document.to_string().into(),
        text: first.text.clone(),
        finish: first.finish,
        usage: usage.unwrap_or_default().or(estimate),
        model: head.model,
    })
}

fn choice((index, said): (usize, &Said)) -> Value {
    let spoken = !said.text.is_empty() || said.calls.is_empty();
    let mut message = json!({"role": "assistant", "content": spoken.then_some(&said.text)});
    if !said.reasoning.is_empty() {
        message["reasoning_content"] = json!(said.reasoning);
    }
    if !said.calls.is_empty() {
        message["tool_calls"] = said.calls.iter().map(Called::whole).collect();
    }
    json!({"index": index, "message": message, "finish_reason": reason(said.finish), "logprobs": null})
}

impl Said {
    fn spoken(&self, spoken: &mut Spoken) {
        let calls = self.calls.iter().flat_map(|call| [&call.name, &call.arguments]);
        [&self.text, &self.reasoning].into_iter().chain(calls).for_each(|text| spoken.add(text));
    }
}

impl Called {
    fn whole(&self) -> Value {
        let function = json!({"name": self.name, "arguments": self.arguments});
        let mut call = json!({"id": self.id, "type": "function", "function": function});
        if let Some(signature) = &self.signature {
            // As Google's own translation of OpenAI's words has it.
            call["extra_content"] = json!({"google": {"thought_signature": signature}});
        }
        call
    }
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::Tools => "tool_calls",
        Finish::Other => "other",
    }
}

/// Usage in OpenAI's words.
pub(super) fn counted(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.tokens_in.likely(),
        "completion_tokens": usage.tokens_out.likely(),
        "total_tokens": usage.total(),
        "prompt_tokens_details": {"cached_tokens": usage.tokens_cached},
        "completion_tokens_details": {"reasoning_tokens": usage.tokens_reasoning},
    })
}

/// Writes the pieces of one answer.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) head: Head,
    /// The choices of which something was written.
    begun: Vec<usize>,
}

impl Pieces {
    pub(super) fn new(ask: &Ask<'_>) -> Self {
        Self { head: Head::new(ask, None, None), begun: Vec::new() }
    }

    /// The names that the provider gives to the answer and the model.
    pub(super) fn named(&mut self, id: Option<&str>, model: Option<&str>, heard: &mut Heard) {
        if let Some(id) = id.filter(|_| self.begun.is_empty()) {
            id.clone_into(&mut self.head.id);
        }
        if let Some(model) = model {
            heard.model.get_or_insert_with(|| model.to_owned());
            if self.begun.is_empty() {
                model.clone_into(&mut self.head.model);
            }
        }
    }

    pub(super) fn text(&mut self, choice: usize, text: &str, heard: &mut Heard) {
        if text.is_empty() {
            return;
        }
        match choice {
            0 => heard.say(text),
            _ => heard.spoken.add(text),
        }
        self.delta(choice, json!({"content": text}), Brings::Content, heard);
    }

    pub(super) fn reasoning(&mut self, choice: usize, text: &str, heard: &mut Heard) {
        if !text.is_empty() {
            heard.spoken.add(text);
            self.delta(choice, json!({"reasoning_content": text}), Brings::Content, heard);
        }
    }

    /// A call, or its beginning; more of its arguments may follow.
    pub(super) fn call(&mut self, choice: usize, index: usize, call: &Called, heard: &mut Heard) {
        heard.spoken.add(&call.name);
        heard.spoken.add(&call.arguments);
        let mut call = call.whole();
        call["index"] = json!(index);
        self.delta(choice, json!({"tool_calls": [call]}), Brings::Content, heard);
    }

    pub(super) fn arguments(&mut self, choice: usize, index: usize, more: &str, heard: &mut Heard) {
        if !more.is_empty() {
            heard.spoken.add(more);
            let call = json!({"index": index, "function": {"arguments": more}});
            self.delta(choice, json!({"tool_calls": [call]}), Brings::Content, heard);
        }
    }

    /// Why a choice ended.
    pub(super) fn end(&mut self, choice: usize, finish: Finish, heard: &mut Heard) {
        let delta = self.spoken(choice, json!({}));
        self.push(choice, delta, Some(reason(finish)), Brings::Frame, heard);
    }

    /// What the answer took.
    pub(super) fn usage(&self, usage: &Usage, heard: &mut Heard) {
        let mut document = self.head.document("chat.completion.chunk", Vec::new());
        document["usage"] = counted(usage);
        heard.push(document.to_string(), Brings::Usage);
    }

    fn delta(&mut self, choice: usize, delta: Value, brings: Brings, heard: &mut Heard) {
        let delta = self.spoken(choice, delta);
        self.push(choice, delta, None, brings, heard);
    }

    /// The first piece of a choice says who speaks.
    fn spoken(&mut self, choice: usize, delta: Value) -> Value {
        if self.begun.contains(&choice) {
            return delta;
        }
        self.begun.push(choice);
        let mut first = Map::new();
        first.insert("role".to_owned(), json!("assistant"));
        if let Value::Object(delta) = delta {
            first.extend(delta);
        }
        Value::Object(first)
    }

    fn push(&self, choice: usize, delta: Value, finish: Option<&str>, brings: Brings, heard: &mut Heard) {
        let choice = json!({"index": choice, "delta": delta, "finish_reason": finish, "logprobs": null});
        let document = self.head.document("chat.completion.chunk", vec![choice]);
        heard.push(Bytes::from(document.to_string()), brings);
    }
}

#[cfg(test)]
mod tests {
    use super::made_up;
    use cofounder_domain::Timestamp;

    #[test]
    fn no_two_made_up_names_are_alike() {
        assert_ne!(made_up("call", Timestamp::default()), made_up("call", Timestamp::default()));
    }
}
