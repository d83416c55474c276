//! Where a call can go.

use crate::{Abilities, Ability, Verb};
use cofounder_domain::Price;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// One model of one provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The provider's name in the configuration, or `embedded`, or `ollama`.
    pub provider: String,
    /// The model's name there.
    pub model: String,
    /// What it costs, if that is known. Local models have a price of nothing.
    pub price: Option<Price>,
    /// Tokens that messages and answer may have together, if that is known.
    pub context: Option<u64>,
    /// The longest answer that it gives, if that is known.
    pub max_output: Option<u32>,
    /// It costs nothing: embedded, priced so, or without a price and a key on this machine or network.
    pub free: bool,
    /// It keeps to a JSON schema.
    pub json: bool,
    /// Who made it, if that is known.
    pub family: Option<String>,
    /// How able it is, from 1 to 5, if the catalogue says so.
    pub tier: Option<u8>,
    /// What it can do: as its section says, else as the catalogue does. A model of the configuration of which neither
    /// says anything is taken for one that can chat, stream and keep to JSON; of one that is only named, nothing is known.
    pub abilities: Option<Abilities>,
}

impl Target {
    /// `provider/model`.
    #[must_use]
    pub fn id(&self) -> String {
        [&self.provider, "/", &self.model].concat()
    }

    /// Whether it can do this, as far as anybody said: what nobody spoke of may be tried.
    #[must_use]
    pub fn may(&self, ability: Ability) -> bool {
        self.abilities.as_ref().is_none_or(|abilities| abilities.has(ability))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What a call needs of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// What is asked for.
    pub verb: Verb,
    /// Tokens of the messages, estimated.
    pub context_tokens: u64,
    /// The longest answer that is asked for.
    pub max_tokens: Option<u32>,
    /// Tools are offered.
    pub tools: bool,
    /// Pictures are shown.
    pub vision: bool,
    /// The call is made under a money budget: a model without a price cannot take it.
    pub priced: bool,
    /// The target that wrote what is to be judged, as `provider/model`: another family goes first.
    pub unlike: Option<String>,
    /// What counts, if not what the configuration says.
    pub preference: Option<crate::Preference>,
}

impl Need {
    /// The abilities that it takes.
    pub(crate) fn abilities(&self) -> impl Iterator<Item = Ability> {
        let verb = match self.verb {
            Verb::Chat => Ability::Chat,
            Verb::Embeddings => Ability::Embeddings,
            Verb::Images => Ability::Images,
        };
        let more = [(self.tools, Ability::Tools), (self.vision, Ability::Vision)];
        [(true, verb)].into_iter().chain(more).filter_map(|(needed, ability)| needed.then_some(ability))
    }
}

/// Where a call goes: the targets in the order in which they are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Never empty.
    pub targets: Vec<Arc<Target>>,
    /// Why these, for the report.
    pub why: String,
    /// What else was thought of, and why it was not taken.
    pub passed_over: Vec<(String, String)>,
}
