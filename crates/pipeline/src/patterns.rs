//! Regular expressions that more than one module of this crate uses, compiled once.

use regex::Regex;
use std::sync::LazyLock;

/// A tag of HTML.
pub(crate) static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"</?[A-Za-z!][^<>]*>?"));

/// A link, a picture or a tag.
pub(crate) static MARKUP: LazyLock<Regex> = LazyLock::new(|| pattern(r"\]\(|\]\[|</?[A-Za-z!]"));

/// A bare address.
pub(crate) static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:https?://|www\.)\S+"));

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants of this file, and every test compiles them"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file is well formed")
}
