//! A brief: what a person asks for.

use serde::{Deserialize, Serialize};

/// The longest topic, in Unicode scalar values.
pub const MAX_TOPIC_CHARS: usize = 1_000;
/// The shortest article that can be asked for, in words.
pub const MIN_WORDS: u32 = 50;
/// The longest article that can be asked for, in words.
pub const MAX_WORDS: u32 = 10_000;
/// The length of an article whose brief names none, in words.
pub const DEFAULT_WORDS: u32 = 600;

/// What a person asks for, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Brief {
    /// What the article is about, trimmed, on one line.
    pub topic: String,
    /// How long it should be.
    pub words: u32,
    /// Where its evidence comes from, as the person named it: paths and URLs.
    pub sources: Vec<String>,
    /// A `provider/model`, or an embedded model's name, that must be used.
    pub model: Option<String>,
    /// The folder in which the command that asked leaves the article's files; absent for a task that no
    /// command on this machine waits for.
    #[serde(default)]
    pub out_dir: Option<String>,
}

/// Why a brief was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BriefError {
    /// Nothing but white space.
    #[error(
        "the topic is empty. Say what the article should be about, e.g. \"Why SQLite is a good default database\""
    )]
    EmptyTopic,
    /// Too long.
    #[error(
        "the topic has {chars} characters, and at most {MAX_TOPIC_CHARS} are allowed. Shorten it, and put details into a source"
    )]
    LongTopic {
        /// How long it is.
        chars: usize,
    },
    /// A control character, such as an escape sequence of a terminal.
    #[error("the topic holds a control character. Write it as plain text on one line")]
    ControlCharacter,
    /// Too short or too long an article.
    #[error("an article of {words} words cannot be written. Ask for {MIN_WORDS} to {MAX_WORDS} words")]
    Words {
        /// How many were asked for.
        words: u64,
    },
}

impl Brief {
    /// The version of this form. It grows when a program that knows the older form would misread the newer.
    pub const VERSION: u32 = 1;

    /// A checked brief.
    ///
    /// # Errors
    /// [`BriefError`] says what is wrong and what to do about it.
    pub fn new(
        topic: &str,
        words: u64,
        sources: Vec<String>,
        model: Option<String>,
    ) -> Result<Self, BriefError> {
        let chars = topic.trim().chars().count();
        if chars > MAX_TOPIC_CHARS {
            return Err(BriefError::LongTopic { chars });
        }
        let topic = topic.split_whitespace().collect::<Vec<_>>().join(" ");
        if !topic.chars().any(char::is_alphanumeric) {
            return Err(BriefError::EmptyTopic);
        }
        if topic.chars().any(char::is_control) {
            return Err(BriefError::ControlCharacter);
        }
        let in_range = u32::try_from(words).ok().filter(|w| (MIN_WORDS..=MAX_WORDS).contains(w));
        let words = in_range.ok_or(BriefError::Words { words })?;
        Ok(Self { topic, words, sources, model, out_dir: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(topic: &str, words: u64) -> Result<Brief, BriefError> {
        Brief::new(topic, words, Vec::new(), None)
    }

    #[test]
    fn a_topic_is_trimmed_and_kept_on_one_line() {
        assert_eq!(brief("  Why\n SQLite \t", 600).unwrap().topic, "Why SQLite");
    }

    #[test]
    fn bad_topics_and_lengths_are_refused_with_what_to_do() {
        assert_eq!(brief(" \n\t", 600), Err(BriefError::EmptyTopic));
        assert_eq!(brief("?!", 600), Err(BriefError::EmptyTopic));
        assert_eq!(brief(&"x".repeat(10_000), 600), Err(BriefError::LongTopic { chars: 10_000 }));
        assert_eq!(brief("a \u{1b}[31m red", 600), Err(BriefError::ControlCharacter));
        for words in [0, 49, 10_001, 1_000_000, u64::MAX] {
            assert_eq!(brief("SQLite", words), Err(BriefError::Words { words }));
        }
        assert!(brief(&"x".repeat(MAX_TOPIC_CHARS), 50).is_ok());
    }
}
