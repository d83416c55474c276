//! Where a call can go.

use cofounder_domain::Price;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One model of one provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The provider's name in the configuration, or `embedded`, or `ollama`.
    pub provider: String,
    /// The model's name there.
    pub model: String,
    /// What it costs, if that is known. Local models have a price of nothing.
    pub price: Option<Price>,
    /// Tokens that messages and answer may have together, if that is known.
    pub context: Option<u64>,
    /// The longest answer that it gives, if that is known.
    pub max_output: Option<u32>,
    /// It costs nothing: embedded, priced so, or without a price and a key on this machine or network.
    pub free: bool,
    /// It keeps to a JSON schema.
    pub json: bool,
}

impl Target {
    /// `provider/model`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What a call needs of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Tokens of the messages, estimated.
    pub context_tokens: u64,
    /// The longest answer that is asked for.
    pub max_tokens: Option<u32>,
}

/// Where a call goes: the targets in the order in which they are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Never empty.
    pub targets: Vec<Target>,
    /// Why these, for the report.
    pub why: String,
    /// What else was thought of, and why it was not taken.
    pub passed_over: Vec<(String, String)>,
}
