//! What an answer took, in the words of OpenAI and of those who follow it.

use crate::{Usage, dialect::count::Count};
use serde::Deserialize;

/// Usage, in all the shapes that servers of this dialect write it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    prompt_tokens: Option<Count>,
    completion_tokens: Option<Count>,
    total_tokens: Option<Count>,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    /// DeepSeek's name for cached tokens.
    prompt_cache_hit_tokens: Option<Count>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<Count>,
    reasoning_tokens: Option<Count>,
}

impl WireUsage {
    /// None if it does not say what went in and what came out.
    pub(super) fn read(&self) -> Option<Usage> {
        let tokens_in = self.prompt_tokens?.0;
        let cached = self.prompt_tokens_details.as_ref().and_then(|d| d.cached_tokens);
        let total_out = self.total_tokens.map(|total| total.0.saturating_sub(tokens_in));
        Some(Usage {
            tokens_in,
            tokens_cached: cached.or(self.prompt_cache_hit_tokens).unwrap_or_default().0,
            tokens_out: self.completion_tokens.map(|out| out.0).or(total_out)?,
            tokens_reasoning: self
                .completion_tokens_details
                .as_ref()
                .and_then(|d| d.reasoning_tokens)
                .unwrap_or_default()
                .0,
            measured: true,
            ..Usage::default()
        })
    }
}
