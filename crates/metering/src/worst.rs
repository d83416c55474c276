//! What a call can cost at the most, before it is made; and what its question is charged as if nobody counts it.

use cofounder_domain::NanoUsd;
use cofounder_providers::{ChatRequest, Document, ProviderError, Target, Verb};
use serde_json::Value;
use std::sync::Arc;

use crate::dearer::may_say;

/// Tokens that the format of a chat adds to a message, at the most.
const PER_MESSAGE: u64 = 16;
/// Tokens that the format adds to a whole question, at the most.
const PER_CALL: u64 = 64;
/// Tokens of one picture that is shown, at the most: the models that count pictures highest take 48,169
/// (<https://platform.openai.com/docs/guides/images-vision>, `gpt-4o-mini` at the largest size).
const PER_PICTURE: u64 = 50_000;
/// Tokens of one picture that is made, at the most (the same page: 6,240 at the largest size and quality).
const PER_MADE_PICTURE: u64 = 8_192;
/// The longest answer, in tokens, that is paid for where neither whoever asks nor the model's limit says how long one may
/// be. What may have been charged is booked where a call is given up, so that this is then also the most of an answer that
/// giving up costs.
const LONGEST_ANSWER: u32 = 16_384;
/// The most answers to one question, as in OpenAI's own API.
const MOST_ANSWERS: u64 = 128;

/// The size of a question, and of the answers that it may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Tokens of the question, at the most: none is shorter than a byte.
    pub(crate) prompt: u64,
    /// Tokens of the question, estimated.
    pub(crate) likely: u64,
    /// Tokens of the question on the safe side, where the provider does not say how many there were: two bytes of text
    /// are one at the most. Texts that become vectors are looked at when that is known.
    pub(crate) uncounted: u64,
    /// The longest answer that is asked for.
    pub(crate) answer: Option<u64>,
    /// How many answers.
    pub(crate) answers: u64,
    /// How many pictures are shown.
    pub(crate) pictures: u64,
    pub(crate) verb: Verb,
}

impl Size {
    pub(crate) fn of_chat(request: &ChatRequest) -> Self {
        let schema = request.response_format.as_ref().map_or(0, |f| f.schema.to_string().len() as u64);
        let text = schema + request.messages.iter().map(|m| m.content.len() as u64).sum::<u64>();
        let format = request.messages.len() as u64 * PER_MESSAGE;
        let (prompt, uncounted) = (text + format, text.div_ceil(2) + format);
        let answer = request.max_tokens.map(u64::from);
        Self { prompt, likely: prompt / 3, uncounted, answer, answers: 1, pictures: 0, verb: Verb::Chat }
    }

    pub(crate) fn of_document(verb: Verb, document: &Document) -> Result<Self, ProviderError> {
        let answers = document.read::<u64>("n")?.unwrap_or(1).max(1);
        if answers > MOST_ANSWERS {
            let why = format!(
                "{answers} answers to one question cannot be asked for: set `n` to {MOST_ANSWERS} at most"
            );
            return Err(ProviderError::WrongQuestion { why });
        }
        // Whichever of the two a provider goes by.
        let bounds = [document.read::<u64>("max_tokens")?, document.read::<u64>("max_completion_tokens")?];
        if let Some(bound) = bounds.into_iter().flatten().find(|n| *n == 0 || *n > u64::from(u32::MAX)) {
            let why = format!(
                "an answer of at most {bound} tokens cannot be asked for: set `max_tokens` to what it may be"
            );
            return Err(ProviderError::WrongQuestion { why });
        }
        if verb == Verb::Embeddings && document.raw("input").is_some_and(is_empty) {
            let why = "`input` holds no text".to_owned();
            return Err(ProviderError::WrongQuestion { why });
        }
        let answer = match verb {
            Verb::Chat => bounds.into_iter().flatten().max(),
            Verb::Embeddings => Some(0),
            Verb::Images => Some(PER_MADE_PICTURE),
        };
        let (text, pictures) = match document.raw("messages") {
            Some(messages) if may_say(messages, "image_url") => {
                let (text, pictures) = parts(messages);
                ((document.len() as u64).saturating_sub(messages.len() as u64) + text, pictures)
            }
            _ => (document.len() as u64, 0),
        };
        let shown = pictures * PER_PICTURE;
        let uncounted = match verb {
            Verb::Embeddings => 0,
            Verb::Chat | Verb::Images => text.div_ceil(2) + PER_CALL + shown,
        };
        let (prompt, likely) = (text + PER_CALL + shown, (text + PER_CALL) / 4 + pictures * 1_000);
        Ok(Self { prompt, likely, uncounted, answer, answers, pictures, verb })
    }

    /// The longest answer of a target, in tokens.
    pub(crate) fn longest(&self, target: &Target) -> u32 {
        let room = target.context.map(|c| c.saturating_sub(self.likely).clamp(1, u64::from(u32::MAX)) as u32);
        target.max_output.unwrap_or(LONGEST_ANSWER).min(room.unwrap_or(u32::MAX))
    }

    /// The longest answer of any of these targets, in tokens.
    pub(crate) fn longest_of(&self, targets: &[Arc<Target>]) -> u64 {
        targets.iter().map(|target| u64::from(self.longest(target))).max().unwrap_or(0)
    }

    /// What one request to a target costs at the most, with answers of at most so many tokens.
    pub(crate) fn cost(&self, target: &Target, answer: u64) -> NanoUsd {
        let all = answer.saturating_mul(self.answers);
        target.price.map_or(NanoUsd::ZERO, |price| price.worst(self.prompt, all))
    }

    /// What one request to the dearest target costs at the most: with the answer that is asked for, or the longest.
    pub(crate) fn worst(&self, targets: &[Arc<Target>]) -> NanoUsd {
        let answer = |t: &Target| self.answer.unwrap_or_else(|| u64::from(self.longest(t)));
        targets.iter().map(|t| self.cost(t, answer(t))).max().unwrap_or(NanoUsd::ZERO)
    }

    /// What it costs at the least to ask at all.
    pub(crate) fn least(&self, targets: &[Arc<Target>]) -> NanoUsd {
        targets.iter().map(|t| self.cost(t, self.answer.unwrap_or(1))).max().unwrap_or(NanoUsd::ZERO)
    }

    /// The longest answer that so much money pays for with every target.
    pub(crate) fn afforded(&self, targets: &[Arc<Target>], money: NanoUsd) -> u32 {
        let each = |t: &Arc<Target>| {
            let paid = match t.price {
                Some(price) => price.affords(money, self.prompt).unwrap_or(0) / self.answers,
                None => u64::MAX,
            };
            u32::try_from(paid).unwrap_or(u32::MAX).min(self.longest(t))
        };
        targets.iter().map(each).min().unwrap_or(LONGEST_ANSWER).max(1)
    }
}

/// Whether a value is an empty text, or a list of nothing.
fn is_empty(raw: &str) -> bool {
    match serde_json::from_str(raw) {
        Ok(Value::String(text)) => text.is_empty(),
        Ok(Value::Array(list)) => list.is_empty(),
        other => matches!(other, Ok(Value::Null)),
    }
}

/// Bytes of everything but pictures, and the number of pictures.
fn parts(messages: &str) -> (u64, u64) {
    fn walk(value: &Value, sums: &mut (u64, u64)) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                sums.0 += key.len() as u64 + 4;
                match (key.as_str(), value) {
                    // Only the address or the data are the picture; what stands beside them is text like any other.
                    ("image_url", Value::String(_)) => sums.1 += 1,
                    ("image_url", Value::Object(inner)) => {
                        sums.1 += 1;
                        inner
                            .iter()
                            .filter(|(key, _)| *key != "url")
                            .for_each(|(_, value)| walk(value, sums));
                    }
                    _ => walk(value, sums),
                }
            }),
            Value::Array(list) => list.iter().for_each(|value| walk(value, sums)),
            Value::String(text) => sums.0 += text.len() as u64 + 2,
            _ => sums.0 += 8,
        }
    }
    let mut sums = (0, 0);
    match serde_json::from_str(messages) {
        Ok(value) => walk(&value, &mut sums),
        Err(_) => sums.0 = messages.len() as u64,
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> Size {
        Size::of_document(Verb::Chat, &Document::parse(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_picture_counts_as_one_however_long_its_data() {
        let text = |data: &str| {
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"type":"text","text":"What?"}},{{"type":"image_url","image_url":{{"url":"{data}"}}}}]}}]}}"#
            )
        };
        let (short, long) = (size(&text("x")), size(&text(&"y".repeat(1_000_000))));
        assert_eq!(short, long);
        assert!(long.prompt < 51_000 && long.prompt > 50_000);
    }

    #[test]
    fn a_picture_is_seen_however_its_letters_are_written() {
        let content = |key: &str| {
            format!(r#"{{"messages":[{{"role":"user","content":[{{"{key}":{{"url":"x"}}}}]}}]}}"#)
        };
        let (plain, other) = (size(&content("image_url")), size(&content(r"im\u0061ge_url")));
        assert_eq!((plain.pictures, plain.prompt), (1, other.prompt));
        assert_eq!(size(&content("note")).pictures, 0);
    }

    /// Tried by reserving all the room in the context: a call that was given up cost 100 times as much.
    #[test]
    fn the_longest_answer_is_the_models_or_the_most_that_is_paid_for_unasked() {
        let target = |max_output, context| Target {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            price: None,
            context,
            max_output,
            free: false,
            json: true,
            family: None,
            tier: None,
            abilities: None,
        };
        let asked = size(r#"{"messages":[]}"#);
        let longest = |max_output, context| asked.longest(&target(max_output, context));
        assert_eq!((longest(None, None), longest(None, Some(2_000_000))), (16_384, 16_384));
        assert_eq!(longest(Some(64_000), Some(200_000)), 64_000, "the model's own");
        assert_eq!(
            longest(Some(64_000), Some(8_192)),
            8_192 - asked.likely as u32,
            "what fits beside the question"
        );
        assert_eq!(longest(None, Some(1)), 1);
    }

    #[test]
    fn what_stands_beside_a_picture_counts_as_text() {
        let text = "x".repeat(1_000_000);
        for message in [
            format!(r#"{{"role":"user","content":"{text}","image_url":"y"}}"#),
            format!(r#"{{"role":"user","content":[{{"image_url":{{"url":"y","detail":"{text}"}}}}]}}"#),
        ] {
            let size = size(&format!(r#"{{"messages":[{message}]}}"#));
            assert!(size.prompt > 1_050_000, "{}", size.prompt);
        }
    }

    #[test]
    fn the_larger_bound_and_every_answer_count() {
        let size = size(r#"{"messages":[],"max_tokens":5,"max_completion_tokens":7,"n":3}"#);
        assert_eq!((size.answer, size.answers), (Some(7), 3));
        for wrong in
            [r#"{"n":"x"}"#, r#"{"max_tokens":0}"#, r#"{"max_completion_tokens":9000000000}"#, r#"{"n":129}"#]
        {
            let document = Document::parse(wrong.as_bytes()).unwrap();
            assert!(Size::of_document(Verb::Chat, &document).is_err(), "{wrong}");
        }
    }
}
