//! Numbers, words and signs of a folded text.

use std::ops::Range;

use crate::patterns::{Pattern, pattern};

static TOKEN: Pattern = Pattern::new(|| {
    pattern(r"(?P<number>\d+(?:[.,:]\d+)*)|(?P<word>[\p{L}\p{M}µ]+(?:'\p{L}+)?)|(?P<sign>[^\s\p{L}\p{M}\d])")
});

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Number,
    Word,
    Sign,
}

/// One token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) shape: Shape,
    pub(super) text: &'a str,
    pub(super) lower: String,
    pub(super) range: Range<usize>,
}

/// The tokens of a text.
pub(super) struct Tokens<'a> {
    all: Vec<Token<'a>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let all = TOKEN.captures_iter(text).filter_map(|c| {
            let whole = c.get(0)?;
            let shape = if c.name("number").is_some() {
                Shape::Number
            } else if c.name("word").is_some() {
                Shape::Word
            } else {
                Shape::Sign
            };
            Some(Token {
                shape,
                text: whole.as_str(),
                lower: whole.as_str().to_lowercase(),
                range: whole.range(),
            })
        });
        Self { all: all.collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Token<'a>> {
        self.all.get(at)
    }

    /// The token before `at`, if there is one.
    pub(super) fn before(&self, at: usize) -> Option<&Token<'a>> {
        at.checked_sub(1).and_then(|i| self.all.get(i))
    }

    /// Whether nothing stands between the token at `at` and the one behind it.
    pub(super) fn touches(&self, at: usize) -> bool {
        matches!((self.all.get(at), self.all.get(at + 1)), (Some(a), Some(b)) if a.range.end == b.range.start)
    }

    /// A word at `at`, in lower case.
    pub(super) fn word(&self, at: usize) -> Option<&str> {
        self.get(at).filter(|t| t.shape == Shape::Word).map(|t| t.lower.as_str())
    }

    pub(super) fn is_sign(&self, at: usize, sign: &str) -> bool {
        self.get(at).is_some_and(|t| t.shape == Shape::Sign && t.text == sign)
    }

    pub(super) fn is_number(&self, at: usize) -> bool {
        self.get(at).is_some_and(|t| t.shape == Shape::Number)
    }
}
