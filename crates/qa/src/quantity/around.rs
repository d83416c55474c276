//! What stands around a number and belongs to it: a unit, a currency, a sign, a name, the things counted.

use super::{
    tokens::{Shape, Tokens},
    vocabulary::unit,
};
use crate::words::{is_stop, stem};

impl Tokens<'_> {
    /// The unit that begins at a token, and the index behind it.
    pub(super) fn unit(&self, after: usize) -> (Option<String>, usize) {
        let hyphen = usize::from(self.is_sign(after, "-"));
        let at = after + hyphen;
        let sign = self.get(at).filter(|t| t.shape == Shape::Sign && hyphen == 0).map(|t| t.text);
        match (sign, self.word(at)) {
            (Some("%"), _) => (Some("%".to_owned()), at + 1),
            (Some("°"), _) => match self.word(at + 1) {
                Some("c") => (Some("celsius".to_owned()), at + 2),
                Some("f") => (Some("fahrenheit".to_owned()), at + 2),
                _ => (Some("degree".to_owned()), at + 1),
            },
            (Some(s), _) => unit(s).map_or((None, after), |u| (Some(u.to_owned()), at + 1)),
            (_, Some("per")) if self.word(at + 1) == Some("cent") => (Some("%".to_owned()), at + 2),
            (_, Some("degrees")) if matches!(self.word(at + 1), Some("celsius" | "fahrenheit")) => {
                (self.word(at + 1).map(str::to_owned), at + 2)
            }
            (_, Some("square" | "cubic")) => match self.word(at + 1).and_then(unit) {
                Some(u) => (Some(format!("{} {u}", self.word(at).unwrap_or_default())), at + 2),
                None => (None, after),
            },
            (_, Some(word)) => unit(word).map_or((None, after), |u| (Some(u.to_owned()), at + 1)),
            _ => (None, after),
        }
    }

    /// The currency whose sign stands before a number.
    pub(super) fn currency(&self, from: usize) -> Option<String> {
        let sign = self.before(from).filter(|t| matches!(t.text, "$" | "€" | "£" | "¥"))?;
        unit(sign.text).map(str::to_owned)
    }

    /// Whether a minus stands before a number. A hyphen between two words is none.
    pub(super) fn negative(&self, from: usize) -> bool {
        let Some(before) = from.checked_sub(1) else { return false };
        let free = before == 0 || !self.touches(before - 1);
        self.word(before) == Some("minus") || (self.is_sign(before, "-") && self.touches(before) && free)
    }

    /// Whether a name or a word such as `version` stands before: `Windows 10`, `chapter 3`, `version 2.0`.
    pub(super) fn behind_name(&self, from: usize) -> bool {
        let Some(token) = self.before(from).filter(|t| t.shape == Shape::Word) else { return false };
        let inside = from >= 2 && !self.is_sign(from - 2, ".");
        let named = token.text.starts_with(char::is_uppercase) && inside && !is_stop(&token.lower);
        let mixed = token.text.chars().skip(1).any(char::is_uppercase);
        named
            || mixed
            || matches!(
                token.lower.as_str(),
                "version"
                    | "versions"
                    | "v"
                    | "chapter"
                    | "section"
                    | "figure"
                    | "page"
                    | "step"
                    | "no"
                    | "number"
                    | "release"
            )
    }

    /// Stems of the words behind a number, up to two and up to a word that ends the phrase.
    pub(super) fn counted(&self, after: usize) -> Vec<String> {
        let words = (after..after + 2)
            .map_while(|at| self.get(at).filter(|t| t.shape == Shape::Word && !is_stop(&t.lower)));
        words.map(|t| stem(crate::words::bare(&t.lower))).collect()
    }
}
