//! What an answered call is charged: what its provider counted, and for what it did not say, no less than it counts.

use cofounder_domain::{NanoUsd, Price};
use cofounder_providers::{Amount, Target, Usage, Verb};
use cofounder_storage::CallTokens;

use crate::worst::Size;

/// What a call took and cost, for its budget, its line in the ledger, the metric, and whoever asked: one number for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) tokens: CallTokens,
    pub(crate) cost: NanoUsd,
}

impl Charge {
    /// By the likely numbers, where no budget holds.
    pub(crate) fn likely(target: &Target, usage: &Usage) -> Self {
        let tokens = tokens(target, usage, usage.tokens_in.likely(), usage.tokens_out.likely());
        Self { tokens, cost: price(target).cost(usage.tokens()) }
    }

    /// Under a budget: what the provider did not count is charged on the safe side, and as no more than was set aside for
    /// it. Of pictures nobody can say anything but that. `longest` is the longest answer, in tokens, that was set aside for.
    pub(crate) fn safe(target: &Target, usage: &Usage, size: Size, longest: u64) -> Self {
        let price = price(target);
        if price.is_free() {
            return Self::likely(target, usage);
        }
        let least = if size.verb == Verb::Images { longest } else { 0 };
        let input = within(usage.tokens_in, size.uncounted, size.prompt);
        let output = within(usage.tokens_out, least, longest);
        let tokens = tokens(target, usage, input, output);
        let cost = match usage.tokens_in {
            Amount::Counted(_) => price.cost(cofounder_domain::Tokens { input, output, ..usage.tokens() }),
            // It may have been written to a cache, which can be dearer.
            Amount::Estimated { .. } => price.worst(input, output),
        };
        Self { tokens, cost }
    }
}

fn price(target: &Target) -> Price {
    target.price.unwrap_or(Price::FREE)
}

fn within(amount: Amount, least: u64, most: u64) -> u64 {
    match amount {
        Amount::Counted(tokens) => tokens,
        Amount::Estimated { safe, .. } => safe.max(least).min(most),
    }
}

fn tokens(target: &Target, usage: &Usage, input: u64, output: u64) -> CallTokens {
    CallTokens {
        input,
        cached: usage.tokens_cached,
        cache_write: usage.tokens_cache_write,
        output,
        reasoning: usage.tokens_reasoning,
        measured: usage.is_counted(),
        unpriced: target.price.is_none() && !target.free,
    }
}
