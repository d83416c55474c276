//! The port: what a model answers, and how each request for it went.

use crate::Usage;
use bytes::Bytes;
use cofounder_domain::FaultKind;
use serde::{Deserialize, Serialize};

/// A model's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatAnswer {
    /// The text, as the model gave it.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// What it took.
    pub usage: Usage,
    /// The model by the name that the provider gave in its answer.
    pub model: String,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done, or a stop text came.
    Stop,
    /// The longest answer was reached: the text is cut.
    Length,
    /// The provider withheld the rest.
    ContentFilter,
    /// It calls a tool, and goes on when it hears from it.
    Tools,
    /// Something else, or nothing was said.
    Other,
}

/// An answer to any question, in the words of OpenAI's API.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The document: the provider's own where it speaks those words, else a translation.
    pub body: Bytes,
    /// What the first choice says; empty where it says nothing, as with tool calls, vectors and pictures.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// What it took.
    pub usage: Usage,
    /// The model by the name that the provider gave in its answer.
    pub model: String,
}

/// One request to one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// `provider/model`.
    pub target: String,
    /// From sending to the end, in milliseconds.
    pub ms: u64,
    /// How it went.
    pub outcome: Outcome,
}

/// How a request to a target went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// It was not.
    Failed {
        /// The kind of error.
        fault: FaultKind,
        /// For a person to read.
        message: String,
        /// The provider may have worked, and may charge for it.
        may_have_cost: bool,
    },
}
