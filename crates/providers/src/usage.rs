//! What a call took, and who says so: of the question's tokens and of the answer's each, whether the provider counted them.

use cofounder_domain::Tokens;
use serde::{Deserialize, Serialize};

/// Tokens of one part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// As the provider counted them.
    Counted(u64),
    /// The provider said no number, or one that was not the last. What it had said by then is in both of these.
    Estimated {
        /// About so many.
        likely: u64,
        /// Hardly more than so many, as far as the part is text.
        safe: u64,
    },
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Usage {
    /// All prompt tokens.
    pub tokens_in: Amount,
    /// Those of them that the provider had cached.
    pub tokens_cached: u64,
    /// Those of them that it wrote to its cache.
    pub tokens_cache_write: u64,
    /// Answer tokens, reasoning included.
    pub tokens_out: Amount,
    /// Those of them that were spent on reasoning.
    pub tokens_reasoning: u64,
}

/// More tokens than any call has: who counts more miscounts.
const ABSURD: u64 = 1 << 32;

impl Default for Amount {
    /// Nothing is known.
    fn default() -> Self {
        Self::Estimated { likely: 0, safe: 0 }
    }
}

impl Amount {
    /// The number where only one is wanted and no money depends on it.
    #[must_use]
    pub const fn likely(self) -> u64 {
        match self {
            Self::Counted(tokens) | Self::Estimated { likely: tokens, .. } => tokens,
        }
    }

    /// Whether the provider said it.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Counted(_))
    }

    /// What a provider said, if it did, and whether it was its last word.
    pub(crate) const fn said(tokens: Option<u64>, last: bool) -> Self {
        match tokens {
            Some(tokens) if last => Self::Counted(tokens),
            Some(tokens) => Self::Estimated { likely: tokens, safe: tokens },
            None => Self::Estimated { likely: 0, safe: 0 },
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Estimated { likely, safe }, Self::Estimated { likely: other, safe: other_safe }) => {
                Self::Estimated { likely: likely.max(other), safe: safe.max(other_safe) }
            }
            (counted @ Self::Counted(_), _) | (_, counted) => counted,
        }
    }
}

impl Usage {
    /// All tokens, about.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.tokens_in.likely().saturating_add(self.tokens_out.likely())
    }

    /// Whether the provider counted everything.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.tokens_in.is_counted() && self.tokens_out.is_counted()
    }

    /// What the provider counted of a question whose answer has no tokens.
    pub(crate) fn of_question(tokens: u64) -> Self {
        let (tokens_in, tokens_out) = (Amount::Counted(tokens), Amount::Counted(0));
        Self { tokens_in, tokens_out, ..Self::default() }
    }

    /// With estimates where the provider did not count; nothing of it is kept if its numbers cannot be those of a call.
    pub(crate) fn or(self, estimate: impl FnOnce() -> Self) -> Self {
        if self.tokens_in.likely() >= ABSURD || self.tokens_out.likely() >= ABSURD {
            return estimate();
        }
        if self.is_counted() {
            return self;
        }
        let estimate = estimate();
        let (tokens_in, tokens_out) =
            (self.tokens_in.or(estimate.tokens_in), self.tokens_out.or(estimate.tokens_out));
        Self { tokens_in, tokens_out, ..self }
    }

    /// By what they are charged as, about.
    #[must_use]
    pub const fn tokens(&self) -> Tokens {
        Tokens {
            input: self.tokens_in.likely(),
            cached: self.tokens_cached,
            cache_write: self.tokens_cache_write,
            output: self.tokens_out.likely(),
        }
    }
}

/// As journals keep it.
#[derive(Serialize, Deserialize)]
struct Written {
    tokens_in: u64,
    tokens_cached: u64,
    #[serde(default)]
    tokens_cache_write: u64,
    tokens_out: u64,
    #[serde(default)]
    tokens_reasoning: u64,
    /// Everything.
    measured: bool,
}

impl From<Written> for Usage {
    fn from(written: Written) -> Self {
        Self {
            tokens_in: Amount::said(Some(written.tokens_in), written.measured),
            tokens_cached: written.tokens_cached,
            tokens_cache_write: written.tokens_cache_write,
            tokens_out: Amount::said(Some(written.tokens_out), written.measured),
            tokens_reasoning: written.tokens_reasoning,
        }
    }
}

impl From<Usage> for Written {
    fn from(usage: Usage) -> Self {
        Self {
            tokens_in: usage.tokens_in.likely(),
            tokens_cached: usage.tokens_cached,
            tokens_cache_write: usage.tokens_cache_write,
            tokens_out: usage.tokens_out.likely(),
            tokens_reasoning: usage.tokens_reasoning,
            measured: usage.is_counted(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimated(likely: u64, safe: u64) -> Amount {
        Amount::Estimated { likely, safe }
    }

    /// Tried by taking the smaller of two estimates, and the estimate before the count: the test failed each time.
    #[test]
    fn what_is_counted_stays_and_the_rest_is_estimated_at_no_less_than_was_said() {
        let estimate =
            Usage { tokens_in: estimated(3, 6), tokens_out: estimated(10, 20), ..Usage::default() };
        let half =
            Usage { tokens_in: Amount::Counted(7), tokens_out: Amount::said(Some(15), false), ..estimate };
        let filled = Usage { tokens_in: Amount::Counted(7), tokens_out: estimated(15, 20), ..estimate };
        assert_eq!(half.or(|| estimate), filled);
        assert!(!filled.is_counted());
        let absurd = Usage { tokens_out: Amount::Counted(ABSURD), ..half };
        assert_eq!(absurd.or(|| estimate), estimate);
        assert_eq!(Usage::default().or(|| estimate), estimate);
    }

    /// Tried by writing a half counted usage as counted: the test failed.
    #[test]
    fn journals_keep_one_shape() {
        let text = r#"{"tokens_in":7,"tokens_cached":2,"tokens_cache_write":1,"tokens_out":5,"tokens_reasoning":3,"measured":true}"#;
        let usage: Usage = serde_json::from_str(text).unwrap();
        assert_eq!((usage.tokens_in, usage.tokens_out), (Amount::Counted(7), Amount::Counted(5)));
        assert_eq!(serde_json::to_string(&usage).unwrap(), text);
        let half = Usage { tokens_out: estimated(5, 9), ..usage };
        let half = serde_json::to_string(&half).unwrap();
        assert_eq!(half, text.replace("true", "false"));
        let old = r#"{"tokens_in":7,"tokens_cached":2,"tokens_out":5,"measured":false}"#;
        let old: Usage = serde_json::from_str(old).unwrap();
        assert_eq!((old.tokens_out, old.tokens_reasoning), (estimated(5, 5), 0));
    }
}
