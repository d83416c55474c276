//! What the fake provider can answer, in words of no protocol: each [`super::Wire`] says it in its own.

use serde_json::Value;

/// One scripted answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// This text, with usage: 10 tokens in, 4 of them cached, 5 out, 2 of them for reasoning; fewer kinds where the
    /// protocol counts fewer. Streamed if the request says so.
    Text(String),
    /// This document, with status 200.
    Json(Value),
    /// A status, headers, a body.
    Status(u16, Vec<(String, String)>, String),
    /// An error as this protocol writes it.
    Error {
        /// HTTP's.
        status: u16,
        /// For a person.
        message: String,
        /// OpenAI's `code`; the others have none.
        code: Option<String>,
    },
    /// HTTP 429, with `Retry-After` if it is given: seconds, or a date. Gemini says seconds as `retryDelay`.
    RateLimited {
        /// The header's value.
        retry_after: Option<String>,
    },
    /// The key is refused.
    Unauthorised,
    /// The provider has too much to do.
    Overloaded,
    /// The prompt is longer than the model's context.
    TooLong,
    /// The model is being loaded.
    Loading {
        /// How long that takes, in seconds.
        seconds: f64,
    },
    /// Never answers.
    Hang,
    /// Answers with this text after so many milliseconds.
    Late(u64, String),
    /// Promises a body and breaks it off.
    CutBody,
    /// Begins a body and never goes on.
    StallBody,
    /// Status 200 and no JSON.
    Garbage,
    /// Status 200 and JSON of another kind.
    WrongShape,
    /// An answer without a choice, or in which nobody says anything.
    EmptyChoices,
    /// A text without usage.
    NoUsage(String),
    /// A text that was cut at the longest answer.
    Length(String),
    /// A body of so many bytes.
    Huge(usize),
    /// A tool that the model calls. Streamed if the request says so, with the arguments in pieces where the protocol
    /// has that.
    ToolCall {
        /// The tool's.
        name: String,
        /// An object.
        arguments: Value,
    },
    /// A vector for each text of the request, see [`super::Wire::vector`].
    Vectors,
    /// A text in pieces, if the request says so, and then something. A request that wants the whole gets the text, or
    /// the kind of fault that comes nearest.
    Stream {
        /// Each one event.
        pieces: Vec<String>,
        /// What comes then.
        end: End,
    },
    /// These bytes as a stream, each part on its own; then the body ends, or the connection breaks.
    Bytes {
        /// The parts.
        parts: Vec<Vec<u8>>,
        /// Whether it breaks.
        cut: bool,
    },
}

/// How a stream goes on after its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Done,
    /// The connection breaks after so many pieces.
    CutAfter(usize),
    /// The last piece comes by half; then the body ends.
    HalfEvent,
    /// The protocol's own error, in the stream.
    ErrorEvent,
    /// Nothing more after so many pieces, and the connection stays.
    StallAfter(usize),
    /// As it should, with so many milliseconds before each byte.
    Drip(u64),
    /// The body ends without a word why the answer ended.
    NoEnd,
    /// An event that is no JSON; then the body ends.
    JunkEvent,
}

impl Reply {
    /// An answer with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A status with an error document as the protocol writes it.
    pub fn error(status: u16, message: &str, code: Option<&str>) -> Self {
        Self::Error { status, message: message.to_owned(), code: code.map(str::to_owned) }
    }

    /// A text in these pieces.
    pub fn stream(pieces: &[&str], end: End) -> Self {
        Self::Stream { pieces: pieces.iter().map(|piece| (*piece).to_owned()).collect(), end }
    }

    /// A call of a tool.
    pub fn tool(name: &str, arguments: Value) -> Self {
        Self::ToolCall { name: name.to_owned(), arguments }
    }
}
