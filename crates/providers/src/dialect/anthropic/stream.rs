//! An answer of Anthropic's that comes in events.

use super::answer::{Counts, finish};
use crate::{
    Finish, ProviderError, Usage,
    dialect::{
        Ask, Heard, Reader,
        count::Perhaps,
        hidden, read_json,
        told::{Called, Pieces},
    },
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) struct Events {
    pieces: Pieces,
    counts: Counts,
    /// Tools that are called, by their block's number.
    calls: BTreeMap<u64, Calling>,
}

struct Calling {
    index: usize,
    /// Their arguments, as far as they came.
    arguments: String,
}

impl Events {
    pub(super) fn new(ask: &Ask<'_>) -> Self {
        Self { pieces: Pieces::new(ask), counts: Counts::default(), calls: BTreeMap::new() }
    }
}

/// Any event; each kind has some of the fields.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    message: Option<Begun>,
    index: Option<u64>,
    content_block: Option<Block>,
    delta: Option<Delta>,
    usage: Option<Perhaps<Counts>>,
}

#[derive(Deserialize)]
struct Begun {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Perhaps<Counts>>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    name: Option<String>,
    text: Option<String>,
    thinking: Option<String>,
    input: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
}

impl Reader for Events {
    fn event(&mut self, data: &[u8], heard: &mut Heard) -> Result<(), ProviderError> {
        let event: Event = read_json(data)?;
        let number = event.index.unwrap_or(0);
        match event.kind.as_str() {
            "message_start" => self.begin(event.message, heard),
            "content_block_start" => self.block(number, event.content_block, heard)?,
            "content_block_delta" => self.delta(number, event.delta, heard)?,
            "content_block_stop" => self.stop(number, heard),
            "message_delta" => self.end(event.delta, event.usage.and_then(|counts| counts.0), heard)?,
            "message_stop" if heard.finish.is_none() => {
                return Err(ProviderError::malformed("it does not say why it ended"));
            }
            "message_stop" => {
                if let Some(usage) = heard.usage.filter(Usage::is_counted) {
                    self.pieces.usage(&usage, heard);
                }
                heard.done = true;
            }
            "error" => return Err(hidden(&read_json(data)?)),
            // `ping`, and what is yet to be invented: "new event types may be added".
            _ => {}
        }
        Ok(())
    }
}

impl Events {
    fn begin(&mut self, message: Option<Begun>, heard: &mut Heard) {
        let Some(message) = message else { return };
        self.pieces.named(message.id.as_deref(), message.model.as_deref(), heard);
        self.counts = message.usage.and_then(|counts| counts.0).unwrap_or_default();
        // One token or so of the answer is counted here.
        heard.usage = Some(self.counts.usage(false));
    }

    fn block(&mut self, number: u64, block: Option<Block>, heard: &mut Heard) -> Result<(), ProviderError> {
        let block =
            block.ok_or_else(|| ProviderError::malformed("a block of it begins without a content"))?;
        match block.kind.as_str() {
            "text" => self.pieces.text(0, block.text.as_deref().unwrap_or_default(), heard),
            "thinking" => self.pieces.reasoning(0, block.thinking.as_deref().unwrap_or_default(), heard),
            "tool_use" => {
                let missing = || ProviderError::malformed("it calls a tool without a name");
                let (id, name) = (block.id.ok_or_else(missing)?, block.name.ok_or_else(missing)?);
                // Whole arguments come here from servers that do not send them in pieces.
                let input = block.input.filter(|input| input.as_object().is_some_and(|map| !map.is_empty()));
                let arguments = input.map_or_else(String::new, |input| input.to_string());
                let index = self.calls.len();
                let call = Called { id, name, arguments, signature: None };
                self.pieces.call(0, index, &call, heard);
                self.calls.insert(number, Calling { index, arguments: call.arguments });
            }
            _ => {}
        }
        Ok(())
    }

    fn delta(&mut self, number: u64, delta: Option<Delta>, heard: &mut Heard) -> Result<(), ProviderError> {
        let delta = delta.ok_or_else(|| ProviderError::malformed("a piece of it is empty"))?;
        self.pieces.text(0, delta.text.as_deref().unwrap_or_default(), heard);
        self.pieces.reasoning(0, delta.thinking.as_deref().unwrap_or_default(), heard);
        if let (Some(more), Some(calling)) = (delta.partial_json, self.calls.get_mut(&number)) {
            calling.arguments.push_str(&more);
            self.pieces.arguments(0, calling.index, &more, heard);
        }
        Ok(())
    }

    /// A tool without arguments is called with none, which OpenAI writes as `{}`.
    fn stop(&mut self, number: u64, heard: &mut Heard) {
        if let Some(calling) = self.calls.get_mut(&number).filter(|calling| calling.arguments.is_empty()) {
            calling.arguments.push_str("{}");
            self.pieces.arguments(0, calling.index, "{}", heard);
        }
    }

    fn end(
        &mut self,
        delta: Option<Delta>,
        counts: Option<Counts>,
        heard: &mut Heard,
    ) -> Result<(), ProviderError> {
        let counts = counts.unwrap_or_default();
        self.counts = counts.or(self.counts);
        heard.usage = Some(self.counts.usage(counts.output_tokens.is_some()));
        let Some(reason) = delta.and_then(|delta| delta.stop_reason) else { return Ok(()) };
        let finish = finish(&reason);
        let half = |calling: &Calling| serde_json::from_str::<IgnoredAny>(&calling.arguments).is_err();
        if finish == Finish::Tools && (self.calls.is_empty() || self.calls.values().any(half)) {
            return Err(ProviderError::malformed("it calls a tool with half of its arguments"));
        }
        heard.finish = Some(finish);
        self.pieces.end(0, finish, heard);
        Ok(())
    }
}
