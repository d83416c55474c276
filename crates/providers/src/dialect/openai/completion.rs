//! An answer in OpenAI's words, or a piece of one: as much of it as this program must know.

use super::usage::WireUsage;
use crate::{
    Finish,
    dialect::{Spoken, count::Perhaps},
};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::Value;
use std::fmt;

/// The rest is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Completion {
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<Perhaps<WireUsage>>,
    pub(super) model: Option<String>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) index: u64,
    pub(super) message: Option<Said>,
    pub(super) delta: Option<Said>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) content: Option<Content>,
    pub(super) refusal: Option<String>,
    /// Reasoning that is shown, as vLLM, DeepSeek and OpenRouter name it.
    pub(super) reasoning_content: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) tool_calls: Option<Vec<Value>>,
    pub(super) function_call: Option<Value>,
    pub(super) audio: Option<Value>,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Value>),
}

/// By hand: the derived one would keep a copy of each text while it looks for its shape.
impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element()? {
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }
}

impl Said {
    pub(super) fn text(&self) -> Option<String> {
        match self.content.as_ref()? {
            Content::Text(text) => Some(text.clone()),
            Content::Parts(parts) => Some(parts.iter().filter_map(|p| p.get("text")?.as_str()).collect()),
        }
    }

    /// Whether there is something beside text.
    pub(super) fn more(&self) -> bool {
        self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
            || self.function_call.is_some()
            || self.audio.is_some()
            || [&self.refusal, &self.reasoning_content, &self.reasoning]
                .into_iter()
                .flatten()
                .any(|t| !t.is_empty())
    }

    /// Adds what the model produced beside its text.
    pub(super) fn spoken(&self, spoken: &mut Spoken) {
        let texts = [&self.refusal, &self.reasoning_content, &self.reasoning];
        texts.into_iter().flatten().for_each(|text| spoken.add(text));
        let calls = self.tool_calls.iter().flatten().chain(&self.function_call);
        calls.for_each(|call| spoken.add(&call.to_string()));
    }
}

pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "content_filter" => Finish::ContentFilter,
        "tool_calls" | "function_call" => Finish::Tools,
        _ => Finish::Other,
    }
}
