//! The port: what a model answers, what it took, and how each request for it went.

use bytes::Bytes;
use cofounder_domain::{FaultKind, Tokens};
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

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All prompt tokens.
    pub tokens_in: u64,
    /// Those of them that the provider had cached.
    pub tokens_cached: u64,
    /// Those of them that it wrote to its cache.
    #[serde(default)]
    pub tokens_cache_write: u64,
    /// Answer tokens, reasoning included.
    pub tokens_out: u64,
    /// Those of them that were spent on reasoning.
    #[serde(default)]
    pub tokens_reasoning: u64,
    /// False if the provider did not say and the numbers are an estimate.
    pub measured: bool,
}

/// More tokens than any call has: who counts more miscounts.
const ABSURD: u64 = 1 << 32;

impl Usage {
    /// All tokens.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.tokens_in.saturating_add(self.tokens_out)
    }

    /// Whether the numbers can be those of a call.
    pub(crate) const fn is_sound(&self) -> bool {
        self.tokens_in < ABSURD && self.tokens_out < ABSURD
    }

    /// By what they are charged as.
    #[must_use]
    pub const fn tokens(&self) -> Tokens {
        Tokens {
            input: self.tokens_in,
            cached: self.tokens_cached,
            cache_write: self.tokens_cache_write,
            output: self.tokens_out,
        }
    }
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
