//! Money in whole nano-dollars, with one rounding rule: up, once per call.

use serde::{Deserialize, Serialize};
use std::{fmt, iter::Sum, ops::Add};

/// An amount in billionths of a US dollar. Never negative; sums saturate rather than wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(u64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    const PER_USD: f64 = 1e9;

    /// From whole nano-dollars.
    #[must_use]
    pub const fn new(nano: u64) -> Self {
        Self(nano)
    }

    /// From dollars as a person writes them in a configuration, rounded up; negative and non-finite are zero.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "negative amounts are turned to zero before the cast")]
    pub fn from_usd(usd: f64) -> Self {
        if usd.is_finite() && usd > 0.0 { Self((usd * Self::PER_USD).ceil() as u64) } else { Self::ZERO }
    }

    /// Whole nano-dollars.
    #[must_use]
    pub const fn nano(self) -> u64 {
        self.0
    }

    /// Dollars, for display and JSON only.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for display; sums are done in whole nano-dollars")]
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / Self::PER_USD
    }

    /// The difference, never below zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = if self.0.is_multiple_of(10_000_000) { 2 } else { 6 };
        write!(f, "${:.places$}", self.as_usd())
    }
}

/// What a model costs, in US dollars per million tokens, as providers print it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens that the provider had not cached.
    pub input: f64,
    /// Prompt tokens that the provider had cached; as `input` where it is not given.
    #[serde(default)]
    pub cached_input: Option<f64>,
    /// Prompt tokens that the provider was asked to keep in its cache; as `input` where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// Answer tokens, reasoning included.
    pub output: f64,
}

/// Tokens of one call, by what they are charged as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// All prompt tokens.
    pub input: u64,
    /// Those of them that the provider had cached.
    pub cached: u64,
    /// Those of them that it wrote to its cache.
    pub cache_write: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
}

impl Price {
    /// A model that costs nothing, such as a local one.
    pub const FREE: Self = Self { input: 0.0, cached_input: None, cache_write: None, output: 0.0 };

    /// The cost of one call, rounded up to a whole nano-dollar, once.
    #[must_use]
    pub fn cost(&self, tokens: Tokens) -> NanoUsd {
        let cached = tokens.cached.min(tokens.input);
        let written = tokens.cache_write.min(tokens.input - cached);
        let total = pico(self.input) * u128::from(tokens.input - cached - written)
            + pico(self.cached_input.unwrap_or(self.input)) * u128::from(cached)
            + pico(self.cache_write.unwrap_or(self.input)) * u128::from(written)
            + pico(self.output) * u128::from(tokens.output);
        NanoUsd(u64::try_from(total.div_ceil(1_000)).unwrap_or(u64::MAX))
    }

    /// The most that so many tokens can cost, however the prompt's are charged.
    #[must_use]
    pub fn worst(&self, input: u64, output: u64) -> NanoUsd {
        let whole = |tokens| self.cost(tokens);
        let plain = Tokens { input, output, ..Tokens::default() };
        let [cached, cache_write] =
            [Tokens { cached: input, ..plain }, Tokens { cache_write: input, ..plain }];
        [plain, cached, cache_write].map(whole).into_iter().max().unwrap_or(NanoUsd(u64::MAX))
    }

    /// How many answer tokens `money` pays for beside a prompt of so many tokens, at the most; none if not even
    /// the prompt is paid for. A price of nothing pays for any number.
    #[must_use]
    pub fn affords(&self, money: NanoUsd, input: u64) -> Option<u64> {
        let left = u128::from(money.0)
            .checked_mul(1_000)?
            .checked_sub(u128::from(self.worst(input, 0).0) * 1_000)?;
        match pico(self.output) {
            0 => Some(u64::MAX),
            each => Some(u64::try_from(left / each).unwrap_or(u64::MAX)),
        }
    }

    /// True if no call of this model can cost anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.worst(1_000_000, 1_000_000) == NanoUsd::ZERO
    }
}

/// A dollar per million tokens is a million pico-dollars per token: whole numbers for every price
/// that is written with up to six decimal places.
#[expect(clippy::cast_sign_loss, reason = "negative prices are turned to zero before the cast")]
fn pico(usd_per_million: f64) -> u128 {
    if usd_per_million.is_finite() && usd_per_million > 0.0 {
        (usd_per_million * 1e6).round() as u128
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, cached: u64, cache_write: u64, output: u64) -> Tokens {
        Tokens { input, cached, cache_write, output }
    }

    #[test]
    fn a_call_is_rounded_up_once() {
        let price = Price { input: 0.15, cached_input: Some(0.075), cache_write: Some(0.3), output: 0.6 };
        // 1 token in: 0.15 $/M = 150 nano-dollars exactly.
        assert_eq!(price.cost(tokens(1, 0, 0, 0)), NanoUsd::new(150));
        assert_eq!(price.cost(tokens(10, 4, 2, 3)), NanoUsd::new(4 * 150 + 4 * 75 + 2 * 300 + 3 * 600));
        let tiny = Price { input: 0.0001, output: 0.0001, ..Price::FREE };
        // 0.1 + 0.1 nano-dollars: one nano-dollar for the call, not two.
        assert_eq!(tiny.cost(tokens(1, 0, 0, 1)), NanoUsd::new(1));
    }

    #[test]
    fn cached_tokens_cost_as_much_as_others_when_no_price_is_given() {
        let price = Price { input: 1.0, output: 2.0, ..Price::FREE };
        assert_eq!(price.cost(tokens(10, 10, 0, 0)), price.cost(tokens(10, 0, 0, 0)));
        assert_eq!(price.cost(tokens(10, 0, 10, 0)), price.cost(tokens(10, 0, 0, 0)));
    }

    #[test]
    fn the_worst_case_is_never_less_than_what_a_call_comes_to() {
        let price = Price { input: 1.0, cached_input: Some(0.1), cache_write: Some(1.25), output: 2.0 };
        assert_eq!(price.worst(8, 4), price.cost(tokens(8, 0, 8, 4)));
        let odd = Price { input: 1.0, cached_input: Some(3.0), ..price };
        assert_eq!(odd.worst(8, 4), odd.cost(tokens(8, 8, 0, 4)));
    }

    #[test]
    fn what_is_afforded_can_be_paid_and_one_token_more_cannot() {
        let price = Price { input: 1.0, output: 3.0, ..Price::FREE };
        let money = NanoUsd::new(100_000);
        let most = price.affords(money, 10).unwrap();
        assert!(price.worst(10, most) <= money && price.worst(10, most + 1) > money, "{most}");
        assert_eq!(price.affords(NanoUsd::new(9_000), 10), None);
        assert_eq!(Price::FREE.affords(NanoUsd::ZERO, 10), Some(u64::MAX));
    }

    #[test]
    fn nonsense_amounts_are_nothing_and_sums_do_not_wrap() {
        assert_eq!(NanoUsd::from_usd(f64::NAN), NanoUsd::ZERO);
        assert_eq!(NanoUsd::from_usd(-1.0), NanoUsd::ZERO);
        assert_eq!(NanoUsd::new(u64::MAX) + NanoUsd::new(1), NanoUsd::new(u64::MAX));
        assert!(Price::FREE.is_free());
    }
}
