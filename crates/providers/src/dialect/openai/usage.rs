//! What an answer took, in the words of OpenAI and of those who follow it.

use crate::{Amount, Usage, dialect::count::Count};
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
    /// None if it says neither what went in nor what came out. What came out is the provider's count if it is the `last`
    /// word on it.
    pub(super) fn read(&self, last: bool) -> Option<Usage> {
        let [asked, answered, total] = [self.prompt_tokens, self.completion_tokens, self.total_tokens]
            .map(|count| count.map(|count| count.0));
        // Where nothing is left, the total is that of the one part alone.
        let rest = |part: Option<u64>| total?.checked_sub(part?).filter(|rest| *rest > 0);
        let (asked, answered) = (asked.or_else(|| rest(answered)), answered.or_else(|| rest(asked)));
        asked.or(answered)?;
        let cached = self.prompt_tokens_details.as_ref().and_then(|d| d.cached_tokens);
        Some(Usage {
            tokens_in: Amount::said(asked, true),
            tokens_cached: cached.or(self.prompt_cache_hit_tokens).unwrap_or_default().0,
            tokens_out: Amount::said(answered, last),
            tokens_reasoning: self
                .completion_tokens_details
                .as_ref()
                .and_then(|d| d.reasoning_tokens)
                .unwrap_or_default()
                .0,
            ..Usage::default()
        })
    }
}
