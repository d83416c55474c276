//! Compiling the regular expressions of this crate, each once.

use regex::Regex;
use std::sync::LazyLock;

/// A regular expression that is compiled on first use.
pub(crate) type Pattern = LazyLock<Regex>;

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants of this crate, and the tests compile each of them"
)]
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this crate is well formed")
}
