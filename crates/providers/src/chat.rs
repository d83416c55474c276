//! The port: what is asked of a model, in words that belong to no provider.

use serde::{Deserialize, Serialize};

/// One chat request, before it is known which model answers it.
///
/// A final assistant message means "continue this text".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The longest answer, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature; 0 is greedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus sampling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// For providers that can repeat themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Texts at which the answer ends; they are not part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// The shape that the answer must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<JsonSchema>,
    /// Makes words that were just used less likely; 1 is off. Sent to embedded models only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_penalty: Option<f32>,
    /// A grammar (Lark) that the answer must follow. Sent to embedded models only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
}

impl ChatRequest {
    /// True if the last message is the model's own, which it is to continue.
    #[must_use]
    pub fn continues(&self) -> bool {
        self.messages.last().is_some_and(|m| m.role == Speaker::Assistant)
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Speaker,
    /// What is said.
    pub content: String,
}

impl Message {
    /// What the model is to be and do.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Speaker::System, content: content.into() }
    }

    /// What is asked.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Speaker::User, content: content.into() }
    }

    /// What the model said, or began to say.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Speaker::Assistant, content: content.into() }
    }
}

/// Who says a message, by the names that every chat dialect uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The instructions.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// A JSON schema with the name that providers want for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonSchema {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// The schema itself.
    pub schema: serde_json::Value,
}

/// What can be asked of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Answer messages.
    #[default]
    Chat,
    /// Turn texts into vectors.
    Embeddings,
    /// Make pictures.
    Images,
}

impl Verb {
    /// The name in ledgers and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
            Self::Images => "images",
        }
    }
}

/// A question, by whom it is put: the program's own steps have typed ones; others' go on as they came.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// A step's.
    Chat(&'a ChatRequest),
    /// A client's, in the words of OpenAI's API.
    Document(Verb, &'a crate::Document),
}

impl Question<'_> {
    /// What is asked for.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Chat(_) => Verb::Chat,
            Self::Document(verb, _) => *verb,
        }
    }
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Choosing and condensing sources.
    Research,
    /// Planning an article.
    Outline,
    /// Writing it.
    Draft,
    /// Judging it.
    Critic,
    /// Checking a sentence against its passages.
    Verify,
    /// Title, description and keywords.
    Seo,
    /// Turning text into vectors.
    Embed,
    /// Making pictures.
    Image,
    /// Somebody else's chat.
    Chat,
}

impl Role {
    /// Every role, in the order of the work.
    pub const ALL: [Self; 9] = [
        Self::Research,
        Self::Outline,
        Self::Draft,
        Self::Critic,
        Self::Verify,
        Self::Seo,
        Self::Embed,
        Self::Image,
        Self::Chat,
    ];

    /// The role of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What is asked of a model in this role.
    #[must_use]
    pub const fn verb(self) -> Verb {
        match self {
            Self::Embed => Verb::Embeddings,
            Self::Image => Verb::Images,
            _ => Verb::Chat,
        }
    }

    /// The name in configuration, journals and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Outline => "outline",
            Self::Draft => "draft",
            Self::Critic => "critic",
            Self::Verify => "verify",
            Self::Seo => "seo",
            Self::Embed => "embed",
            Self::Image => "image",
            Self::Chat => "chat",
        }
    }
}
