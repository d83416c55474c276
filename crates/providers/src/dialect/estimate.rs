//! What a call took, as far as nobody counted it: about four characters make a token, and hardly ever fewer than two bytes.

use super::Ask;
use crate::{Amount, Usage};
use serde_json::Value;

/// Marks that embedding models set around each text.
const MARKS: u64 = 2;

/// How much a model said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spoken {
    pub(crate) chars: u64,
    bytes: u64,
    /// Each is a token at the least.
    pieces: u64,
}

impl Spoken {
    /// One piece more.
    pub(crate) fn add(&mut self, text: &str) {
        self.chars += text.chars().count() as u64;
        self.bytes += text.len() as u64;
        self.pieces += u64::from(!text.is_empty());
    }

    /// Its tokens.
    pub(crate) fn tokens(self) -> Amount {
        let safe = self.bytes.div_ceil(2).max(self.pieces);
        Amount::Estimated { likely: self.chars.div_ceil(4), safe }
    }
}

impl Ask<'_> {
    /// What is left to say of the usage if the provider says nothing.
    pub(crate) fn estimate(&self, spoken: Spoken) -> Usage {
        let keys = ["messages", "input", "prompt"];
        let asked = keys.iter().find_map(|key| self.document.raw(key)).unwrap_or_default();
        let mut sums = Asked::default();
        if let Ok(asked) = serde_json::from_str(asked) {
            sums.add(&asked);
        }
        Usage { tokens_in: sums.tokens(), tokens_out: spoken.tokens(), ..Usage::default() }
    }
}

/// The texts in a JSON document: the values of `content`, `text` and `arguments`, and bare strings in lists. A number in
/// a list is a token.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    texts: u64,
    chars: u64,
    bytes: u64,
    numbers: u64,
}

impl Asked {
    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.texts += 1;
                self.chars += text.chars().count() as u64;
                self.bytes += text.len() as u64;
            }
            Value::Number(_) => self.numbers += 1,
            Value::Array(list) => list.iter().for_each(|value| self.add(value)),
            Value::Object(map) => {
                let texts =
                    map.iter().filter(|(key, _)| ["content", "text", "arguments"].contains(&key.as_str()));
                texts.for_each(|(_, value)| self.add(value));
            }
            _ => {}
        }
    }

    fn tokens(&self) -> Amount {
        let likely = self.chars.div_ceil(4) + self.numbers;
        let safe = self.bytes.div_ceil(2) + MARKS * self.texts + self.numbers;
        Amount::Estimated { likely, safe }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: &str) -> Asked {
        let mut asked = Asked::default();
        asked.add(&serde_json::from_str(json).unwrap());
        asked
    }

    #[test]
    fn texts_are_counted_and_pictures_are_not() {
        let messages = r#"[{"role":"user","content":[{"type":"text","text":"four"},{"type":"image_url","image_url":{"url":"data:xxxxxxx"}}]},{"role":"assistant","content":"five!"}]"#;
        assert_eq!(asked(messages), Asked { texts: 2, chars: 9, bytes: 9, numbers: 0 });
        assert_eq!(asked(r#"["äb","c"]"#), Asked { texts: 2, chars: 3, bytes: 4, numbers: 0 });
    }

    /// Tried by counting the digits: the test failed.
    #[test]
    fn numbers_of_tokens_are_tokens() {
        let exactly = |tokens| Amount::Estimated { likely: tokens, safe: tokens };
        assert_eq!(asked("[1000,20000,3]").tokens(), exactly(3));
        assert_eq!(asked("[[1000,20000],[3,4]]").tokens(), exactly(4));
    }

    /// Tried by going by the bytes alone, and by the pieces alone: the test failed each time.
    #[test]
    fn a_piece_is_a_token_at_the_least_and_so_are_two_bytes() {
        let spoken = |pieces: &[&str]| {
            let mut spoken = Spoken::default();
            pieces.iter().for_each(|piece| spoken.add(piece));
            spoken.tokens()
        };
        assert_eq!(spoken(&["a"; 12]), Amount::Estimated { likely: 3, safe: 12 });
        assert_eq!(spoken(&["twelve chars", ""]), Amount::Estimated { likely: 3, safe: 6 });
    }
}
