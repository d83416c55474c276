//! What is said back, as OpenAI writes it: answers, pieces of answers, and errors
//! (<https://platform.openai.com/docs/api-reference/chat/streaming>). It knows nothing of how they are made.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{EngineError, protocol::Ended};

/// What every document about one answer says of it.
#[derive(Clone, Debug)]
pub(crate) struct Heading {
    /// A number that no other answer of this process has.
    pub(crate) id: u64,
    pub(crate) model: String,
}

impl Heading {
    fn document(&self, object: &str, choices: &Value) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": object,
            "created": 0,
            "model": self.model,
            "choices": choices,
        })
    }

    /// A whole answer.
    pub(crate) fn whole(&self, text: &str, ended: &Ended) -> Value {
        let choice = json!({
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": reason(ended),
        });
        let mut document = self.document("chat.completion", &json!([choice]));
        document["usage"] = usage(ended);
        document
    }
}

/// Writes the server-sent events of one answer.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    pub(crate) heading: Heading,
    /// Whether the client wants to know what it used.
    pub(crate) usage: bool,
}

impl Events {
    /// The first event: who speaks.
    pub(crate) fn role(&self) -> Bytes {
        event(&self.piece(&json!({"role": "assistant", "content": ""}), None))
    }

    /// A piece of the text.
    pub(crate) fn text(&self, text: &str) -> Bytes {
        event(&self.piece(&json!({"content": text}), None))
    }

    /// All that follows on the text: why it ended, what it used if that was asked for, and the mark for the end.
    pub(crate) fn end(&self, ended: &Ended) -> Bytes {
        let mut events = event(&self.piece(&json!({}), Some(reason(ended)))).to_vec();
        if self.usage {
            let mut document = self.heading.document("chat.completion.chunk", &json!([]));
            document["usage"] = usage(ended);
            events.extend_from_slice(&event(&document));
        }
        events.extend_from_slice(b"data: [DONE]\n\n");
        events.into()
    }

    /// Why an answer that was begun does not go on. No mark for the end comes behind it, so that what was said is not
    /// taken for all of it.
    pub(crate) fn broken(error: &EngineError) -> Bytes {
        event(&problem(error).1)
    }

    fn piece(&self, delta: &Value, finish: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let mut document = self.heading.document("chat.completion.chunk", &json!([choice]));
        if self.usage {
            document["usage"] = Value::Null;
        }
        document
    }
}

fn event(document: &Value) -> Bytes {
    format!("data: {document}\n\n").into()
}

fn reason(ended: &Ended) -> &'static str {
    if ended.cut_off { "length" } else { "stop" }
}

fn usage(ended: &Ended) -> Value {
    json!({
        "prompt_tokens": ended.prompt_tokens,
        "completion_tokens": ended.answer_tokens,
        "total_tokens": ended.prompt_tokens + ended.answer_tokens,
        "prompt_tokens_details": {"cached_tokens": ended.cached_tokens},
    })
}

/// An error on the wire, with its HTTP status.
pub(crate) fn problem(error: &EngineError) -> (u16, Value) {
    let (status, kind, code) = match error {
        EngineError::Invalid(_) => (400, "invalid_request_error", None),
        EngineError::TooLong { .. } => (400, "invalid_request_error", Some("context_length_exceeded")),
        EngineError::Busy => (429, "rate_limit_error", None),
        EngineError::Cancelled => (499, "cancelled", None),
        EngineError::Unread => (499, "timeout", None),
        EngineError::Model { .. } | EngineError::Socket { .. } | EngineError::Compute(_) => {
            (500, "server_error", None)
        }
    };
    (status, json!({"error": {"message": error.to_string(), "type": kind, "code": code}}))
}
