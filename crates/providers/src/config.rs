//! The sections `[provider.NAME]` and `[router]` of the configuration.

use crate::{Models, Secret};
use cofounder_domain::Price;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

/// `[provider.NAME]`: a place where models are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSection {
    /// The protocol it speaks.
    pub dialect: Dialect,
    /// Where it is, up to and including `/v1`. Not for `embedded`.
    pub base_url: Option<Url>,
    /// Where its key is.
    pub api_key: Option<Secret>,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// How much to ask of it at once.
    pub limits: Limits,
    /// Its models, in the order in which they are tried.
    pub model: Models,
}

/// A protocol between this program and a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Chat completions as first defined by OpenAI, which most servers speak.
    #[default]
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini API.
    Gemini,
    /// Ollama's own API.
    Ollama,
    /// Hugging Face's inference providers.
    Huggingface,
    /// The engine inside this program.
    Embedded,
}

impl Dialect {
    /// What to write instead, for a dialect that this version does not speak.
    #[must_use]
    pub const fn instead(self) -> Option<&'static str> {
        match self {
            Self::Openai | Self::Embedded => None,
            Self::Anthropic => Some("dialect = \"openai\" with base_url = \"https://api.anthropic.com/v1\""),
            Self::Gemini => Some(
                "dialect = \"openai\" with base_url = \"https://generativelanguage.googleapis.com/v1beta/openai\"",
            ),
            Self::Ollama => Some("dialect = \"openai\" with base_url = \"http://127.0.0.1:11434/v1\""),
            Self::Huggingface => {
                Some("dialect = \"openai\" with base_url = \"https://router.huggingface.co/v1\"")
            }
        }
    }

    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Huggingface => "huggingface",
            Self::Embedded => "embedded",
        }
    }
}

/// How long to wait, in milliseconds; what is not said is taken from the provider, then from the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Until there is a connection. Default 5 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<u64>,
    /// Until the answer begins. Default 60 s where answers are streamed. An answer that comes in one piece begins
    /// when it is complete, so there the default is `total_ms`, and what is set here counts for the first byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Until it goes on. Default 60 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// Until it is complete. Default 180 s, for the embedded model 600 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
}

/// Time-outs with nothing left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    /// None where the total time is the only limit.
    pub(crate) first_byte: Option<Duration>,
    pub(crate) idle: Duration,
    pub(crate) total: Duration,
}

impl Timeouts {
    /// These, and what they leave open from `other`.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            connect_ms: self.connect_ms.or(other.connect_ms),
            first_token_ms: self.first_token_ms.or(other.first_token_ms),
            idle_ms: self.idle_ms.or(other.idle_ms),
            total_ms: self.total_ms.or(other.total_ms),
        }
    }

    pub(crate) fn patience(self, dialect: Dialect) -> Patience {
        let total = self.total_ms.unwrap_or(if dialect == Dialect::Embedded { 600_000 } else { 180_000 });
        Patience {
            connect: Duration::from_millis(self.connect_ms.unwrap_or(5_000)),
            first_byte: self.first_token_ms.map(Duration::from_millis),
            idle: Duration::from_millis(self.idle_ms.unwrap_or(60_000)),
            total: Duration::from_millis(total),
        }
    }

    fn any_zero(self) -> bool {
        [self.connect_ms, self.first_token_ms, self.idle_ms, self.total_ms].contains(&Some(0))
    }
}

/// How much to ask of a provider at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests at the same time. Default 16; for the embedded model, which works on one after the other, 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Requests begun in any minute. Default: as many as come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
}

impl Limits {
    pub(crate) fn concurrency(self, dialect: Dialect) -> u32 {
        self.concurrency.unwrap_or(if dialect == Dialect::Embedded { 1 } else { 16 })
    }
}

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
    /// Where it differs from its provider.
    pub timeouts: Timeouts,
    /// What it can do.
    pub abilities: Abilities,
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
}

/// `[router]`: which models take a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouterSection {
    /// The whole chain when set: `provider`, `provider/model`, `embedded`, or the embedded model's name.
    pub prefer: Vec<String>,
    /// Whether models that cost money may be used without being named by `--model`.
    pub allow_paid: bool,
}

impl ProviderSection {
    /// What in this section cannot be used, and what to write.
    pub(crate) fn problem(&self) -> Option<String> {
        let timeouts = self.model.0.iter().map(|(_, m)| m.timeouts).chain([self.timeouts]);
        if timeouts.into_iter().any(Timeouts::any_zero) {
            return Some("a time-out of 0 ms lets nothing through: leave it out for the default".to_owned());
        }
        if [self.limits.concurrency, self.limits.requests_per_minute].contains(&Some(0)) {
            return Some("a limit of 0 lets nothing through: leave it out for the default".to_owned());
        }
        if let Some((name, _)) = self.model.0.iter().find(|(_, m)| m.price.is_some_and(|p| !sound(p))) {
            return Some(format!(
                "the price of {name} is negative or not a number: write US dollars per million tokens"
            ));
        }
        self.address_problem()
    }

    fn address_problem(&self) -> Option<String> {
        match (&self.base_url, self.dialect) {
            (None, Dialect::Openai) => Some("it has no `base_url`: write the address up to `/v1`".to_owned()),
            (Some(_), Dialect::Embedded) => {
                Some("the embedded model has no `base_url`: leave it out".to_owned())
            }
            (Some(url), _) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                Some("`base_url` must begin with http:// or https:// and name a host".to_owned())
            }
            (Some(url), _)
                if !url.username().is_empty() || url.password().is_some() || url.query().is_some() =>
            {
                Some("`base_url` holds a user, a password or a query: keys belong in `api_key`".to_owned())
            }
            _ => None,
        }
    }
}

fn sound(price: Price) -> bool {
    [price.input, price.output, price.cached_input.unwrap_or(0.0)].iter().all(|p| p.is_finite() && *p >= 0.0)
}
