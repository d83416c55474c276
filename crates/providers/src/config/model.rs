//! `[provider.NAME.model."ID"]`.

use super::{Limits, Timeouts};
use cofounder_domain::Price;
use serde::{Deserialize, Serialize};
use url::Url;

/// `[provider.NAME.model."ID"]`: one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSection {
    /// Tokens that messages and answer may have together.
    pub context: Option<u64>,
    /// The longest answer in tokens that it gives.
    pub max_output: Option<u32>,
    /// What it costs; a model without a price cannot be used under a money budget.
    pub price: Option<Price>,
    /// Who made it, such as `llama`: a critic of another family than the writer's is preferred.
    pub family: Option<String>,
    /// Where it is, if not where its provider is.
    pub base_url: Option<Url>,
    /// Where it differs from its provider.
    pub timeouts: Timeouts,
    /// Limits of its own, beside its provider's.
    pub limits: Limits,
    /// What it can do, if not what the catalogue says; chat, stream and JSON if that says nothing either.
    pub abilities: Option<Abilities>,
}

/// What a model can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Abilities(pub Vec<Ability>);

impl Default for Abilities {
    fn default() -> Self {
        Self(vec![Ability::Chat, Ability::Stream, Ability::Json])
    }
}

impl Abilities {
    /// Whether this is among them.
    #[must_use]
    pub fn has(&self, ability: Ability) -> bool {
        self.0.contains(&ability)
    }
}

/// Something that a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Answer messages.
    Chat,
    /// Answer piece by piece.
    Stream,
    /// Keep to a JSON schema.
    Json,
    /// Turn text into vectors.
    Embeddings,
    /// Make pictures.
    Images,
    /// Call tools.
    Tools,
    /// Look at pictures.
    Vision,
}

impl Ability {
    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Stream => "stream",
            Self::Json => "json",
            Self::Embeddings => "embeddings",
            Self::Images => "images",
            Self::Tools => "tools",
            Self::Vision => "vision",
        }
    }
}
