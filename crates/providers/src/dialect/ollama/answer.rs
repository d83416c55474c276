//! An answer of Ollama's, whole or a document a line.

use crate::{
    Amount, Answer, Finish, ProviderError, Usage,
    dialect::{
        Ask, Heard, Reader,
        count::{Count, Perhaps},
        hidden, read_json,
        told::{self, Called, Head, Pieces, Said, made_up},
    },
};
use cofounder_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A whole answer, or a line of one.
#[derive(Deserialize)]
struct Line {
    model: Option<String>,
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<Perhaps<Count>>,
    eval_count: Option<Perhaps<Count>>,
    error: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Message {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

impl ToolCall {
    fn called(self, now: Timestamp) -> Called {
        let arguments = Value::Object(self.function.arguments).to_string();
        Called { id: made_up("call", now), name: self.function.name, arguments, signature: None }
    }
}

impl Line {
    fn read(data: &[u8]) -> Result<Self, ProviderError> {
        let line: Self = read_json(data)?;
        match line.error {
            Some(error) if !error.is_null() => Err(hidden(&json!({"error": error}))),
            _ => Ok(line),
        }
    }

    /// Servers before 0.3 do not say why they ended.
    fn finish(&self, calls: bool) -> Finish {
        match self.done_reason.as_deref() {
            Some("stop") | None if calls => Finish::Tools,
            Some("stop") | None => Finish::Stop,
            Some("length") => Finish::Length,
            Some(_) => Finish::Other,
        }
    }

    fn usage(&self) -> Usage {
        let number = |count: Option<Perhaps<Count>>| {
            Amount::said(count.and_then(|count| count.0).map(|count| count.0), true)
        };
        let (tokens_in, tokens_out) = (number(self.prompt_eval_count), number(self.eval_count));
        Usage { tokens_in, tokens_out, ..Usage::default() }
    }
}

pub(super) fn read(ask: &Ask<'_>, body: &[u8]) -> Result<Answer, ProviderError> {
    let mut line = Line::read(body)?;
    if !line.done {
        return Err(ProviderError::malformed("it does not say that it is done"));
    }
    let message = line.message.take().ok_or_else(|| ProviderError::malformed("it holds no message"))?;
    let calls: Vec<Called> =
        message.tool_calls.unwrap_or_default().into_iter().map(|call| call.called(ask.now)).collect();
    let said = Said {
        text: message.content.unwrap_or_default(),
        reasoning: message.thinking.unwrap_or_default(),
        finish: line.finish(!calls.is_empty()),
        calls,
    };
    let usage = line.usage();
    told::answer(ask, Head::new(ask, None, line.model), vec![said], Some(usage))
}

/// Reads an answer that comes in lines.
pub(super) struct Lines {
    pieces: Pieces,
    now: Timestamp,
    calls: usize,
}

impl Lines {
    pub(super) fn new(ask: &Ask<'_>) -> Self {
        Self { pieces: Pieces::new(ask), now: ask.now, calls: 0 }
    }
}

impl Reader for Lines {
    fn event(&mut self, data: &[u8], heard: &mut Heard) -> Result<(), ProviderError> {
        let mut line = Line::read(data)?;
        self.pieces.named(None, line.model.as_deref(), heard);
        let message = line.message.take().unwrap_or_default();
        self.pieces.reasoning(0, message.thinking.as_deref().unwrap_or_default(), heard);
        self.pieces.text(0, message.content.as_deref().unwrap_or_default(), heard);
        for call in message.tool_calls.unwrap_or_default() {
            self.pieces.call(0, self.calls, &call.called(self.now), heard);
            self.calls += 1;
        }
        if line.done {
            let finish = line.finish(self.calls > 0);
            heard.finish = Some(finish);
            self.pieces.end(0, finish, heard);
            heard.usage = Some(line.usage());
            if let Some(usage) = heard.usage.filter(Usage::is_counted) {
                self.pieces.usage(&usage, heard);
            }
            heard.done = true;
        }
        Ok(())
    }
}
