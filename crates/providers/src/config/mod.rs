//! The sections `[provider.NAME]` and `[router]` of the configuration.

mod limits;
mod model;
mod router;
mod timeouts;

pub use limits::Limits;
pub use model::{Abilities, Ability, ModelSection};
pub use router::{Preference, RoleSection, RouterSection};
pub use timeouts::Timeouts;

pub(crate) use timeouts::Patience;

use crate::{Models, Secret};
use cofounder_domain::Price;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, str::FromStr};
use url::Url;

/// `[provider.NAME]`: a place where models are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSection {
    /// The protocol it speaks.
    pub dialect: Dialect,
    /// Where it is, up to and including `/v1`; what each dialect's maker names if it is left out. Not for `embedded`.
    pub base_url: Option<Url>,
    /// Where its key is.
    pub api_key: Option<Secret>,
    /// Further headers of each request, such as `anthropic-beta`. Keys belong in `api_key`.
    pub headers: BTreeMap<String, String>,
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
    /// Where a provider of this dialect is unless its section says otherwise.
    pub(crate) const fn home(self) -> Option<&'static str> {
        match self {
            Self::Openai | Self::Embedded => None,
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Self::Ollama => Some("http://127.0.0.1:11434"),
            Self::Huggingface => Some("https://router.huggingface.co/v1"),
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

impl ProviderSection {
    /// What in this section cannot be used, and what to write.
    pub(crate) fn problem(&self) -> Option<String> {
        let timeouts = self.model.0.iter().map(|(_, m)| m.timeouts).chain([self.timeouts]);
        if timeouts.into_iter().any(Timeouts::any_zero) {
            return Some("a time-out of 0 ms lets nothing through: leave it out for the default".to_owned());
        }
        let mut limits = self.model.0.iter().map(|(_, m)| m.limits).chain([self.limits]);
        if limits.any(Limits::any_zero) {
            return Some("a limit of 0 lets nothing through: leave it out for the default".to_owned());
        }
        if let Some((name, _)) = self.model.0.iter().find(|(_, m)| m.price.is_some_and(|p| !sound(p))) {
            return Some(format!(
                "the price of {name} is negative or not a number: write US dollars per million tokens"
            ));
        }
        if let Some(name) = self.headers.iter().find_map(|(name, value)| unfit(name, value)) {
            return Some(format!(
                "the header {name} cannot be sent: names are letters, digits and `-`, values are one line; authorization is `api_key`'s"
            ));
        }
        if let Some((name, _)) = self.model.0.iter().find(|(name, _)| !is_model_name(name)) {
            return Some(format!(
                "the model's name {name:?} cannot be sent: it is empty, too long, or holds control characters"
            ));
        }
        let own = self.model.0.iter().filter_map(|(_, m)| m.base_url.as_ref());
        own.chain(&self.base_url).find_map(address_problem).or_else(|| self.address_missing())
    }

    fn address_missing(&self) -> Option<String> {
        match (&self.base_url, self.dialect) {
            (None, Dialect::Openai) => Some("it has no `base_url`: write the address up to `/v1`".to_owned()),
            (Some(_), Dialect::Embedded) => {
                Some("the embedded model has no `base_url`: leave it out".to_owned())
            }
            _ => None,
        }
    }
}

fn address_problem(url: &Url) -> Option<String> {
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Some("`base_url` must begin with http:// or https:// and name a host".to_owned());
    }
    let secret = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    secret.then(|| "`base_url` holds a user, a password or a query: keys belong in `api_key`".to_owned())
}

/// The header's name, if it cannot be sent.
fn unfit<'a>(name: &'a str, value: &str) -> Option<&'a str> {
    let reserved = ["authorization", "host", "content-length", "transfer-encoding", "connection"];
    let fits = HeaderName::from_str(name).is_ok_and(|n| !reserved.contains(&n.as_str()))
        && HeaderValue::from_str(value).is_ok();
    (!fits).then_some(name)
}

/// Whether it can be a model's name: it travels in documents, headers and addresses.
pub(crate) fn is_model_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= 256 && !name.chars().any(char::is_control)
}

fn sound(price: Price) -> bool {
    [price.input, price.output, price.cached_input.unwrap_or(0.0), price.cache_write.unwrap_or(0.0)]
        .iter()
        .all(|p| p.is_finite() && *p >= 0.0)
}
