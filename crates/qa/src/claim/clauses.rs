//! A sentence's clauses, as well as they can be told without a grammar.

use crate::patterns::{Pattern, pattern};

/// Between clauses that stand for themselves.
static INDEPENDENT: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)\s*(?:;|\s-\s|,\s*(?:and|but|while|whereas|although|though|yet|so|because|since)\b|\b(?:but|while|whereas|although|because)\b)\s*",
    )
});
/// Between parts of any kind.
static PART: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)\s*(?:[;:()]|,(?:\s|$)|\s-\s|\b(?:and|or|but|while|whereas|although|though|because|since|which|who|that|until|when|if|so)\b)\s*",
    )
});

/// Clauses with a subject of their own.
pub(super) fn independent(folded: &str) -> Vec<&str> {
    pieces(&INDEPENDENT, folded)
}

/// The smallest parts that can be compared.
pub(super) fn parts(folded: &str) -> Vec<&str> {
    pieces(&PART, folded)
}

fn pieces<'t>(separator: &regex::Regex, text: &'t str) -> Vec<&'t str> {
    separator.split(text).map(str::trim).filter(|p| p.chars().any(char::is_alphanumeric)).collect()
}
