//! What is known of models before anybody asks them: context, longest answer, abilities, family, price. Data, shipped
//! with the program and overridable; models that it does not know are allowed.

use crate::Abilities;
use cofounder_domain::Price;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::Url;

/// What is known of models.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Catalogue {
    /// Names of models that show who made them, by family.
    family: BTreeMap<String, Vec<String>>,
    /// The models; the first that fits counts.
    model: Vec<Entry>,
}

/// One model, or several of like names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The host at which this is so, such as `api.openai.com`: the same model may cost something else elsewhere.
    pub host: String,
    /// The model's name there; one that ends in `*` stands for every name that begins so.
    pub id: String,
    /// Tokens that messages and answer may have together.
    #[serde(default)]
    pub context: Option<u64>,
    /// The longest answer in tokens.
    #[serde(default)]
    pub max_output: Option<u32>,
    /// What it can do.
    #[serde(default)]
    pub abilities: Option<Abilities>,
    /// What it costs, in US dollars per million tokens.
    #[serde(default)]
    pub price: Option<Price>,
    /// The day on which the price was read, as `2026-11-27`.
    #[serde(default)]
    pub priced: Option<String>,
    /// How able it is, from 1 (small) to 5 (the most able of its time): orders models for `fast` and `best`.
    #[serde(default)]
    pub tier: Option<u8>,
}

const SHIPPED: &str = include_str!("../catalogue.toml");

impl Catalogue {
    /// The one that this program ships.
    ///
    /// # Errors
    /// None in a released program: a test reads it.
    pub fn shipped() -> Result<Self, String> {
        Self::parse(SHIPPED)
    }

    /// Reads one in the same form as the shipped one.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let catalogue: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let wrong = catalogue.model.iter().find(|e| {
            e.tier.is_some_and(|tier| !(1..=5).contains(&tier))
                || e.price.is_some() != e.priced.is_some()
                || e.host.is_empty()
                || e.id.is_empty()
        });
        match wrong {
            Some(e) => Err(format!(
                "the model {}/{} needs a host, an id, a tier from 1 to 5 if any, and beside a price the day on which it was read (`priced`)",
                e.host, e.id
            )),
            None => Ok(catalogue),
        }
    }

    /// These entries, and behind them those of `other`.
    #[must_use]
    pub fn over(mut self, other: Self) -> Self {
        self.model.extend(other.model);
        for (family, names) in other.family {
            self.family.entry(family).or_insert(names);
        }
        self
    }

    /// What is known of a model at an address.
    #[must_use]
    pub fn find(&self, base: &Url, model: &str) -> Option<&Entry> {
        let host = base.host_str()?;
        let fits = |id: &str| match id.strip_suffix('*') {
            Some(start) => model.starts_with(start),
            None => model == id,
        };
        self.model.iter().find(|entry| entry.host == host && fits(&entry.id))
    }

    /// Who made a model, by its name: the part behind the last `/` counts, as in `anthropic/claude-sonnet-4`.
    #[must_use]
    pub fn family(&self, model: &str) -> Option<String> {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let known = |names: &Vec<String>| names.iter().any(|start| name.starts_with(start.as_str()));
        self.family.iter().find(|(_, names)| known(names)).map(|(family, _)| family.clone())
    }

    /// Every entry.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.model
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_one_is_sound_and_knows_the_common_models() {
        let shipped = Catalogue::shipped().unwrap();
        let at = |url: &str, model: &str| shipped.find(&Url::parse(url).unwrap(), model);
        let known = at("https://api.openai.com/v1", "gpt-4o-mini").unwrap();
        assert!(known.price.is_some() && known.context.is_some());
        assert!(at("http://127.0.0.1:9/v1", "gpt-4o-mini").is_none(), "elsewhere it is another model");
        assert!(at("https://api.openai.com/v1", "nobody-knows").is_none());
        for (model, family) in [
            ("anthropic/claude-sonnet-4", "claude"),
            ("Llama-3.3-70B-Instruct-Turbo", "llama"),
            ("qwen3:8b", "qwen"),
            ("smollm2-135m", "smollm"),
            ("o3-mini", "gpt"),
        ] {
            assert_eq!(shipped.family(model).as_deref(), Some(family), "{model}");
        }
        assert_eq!(shipped.family("acme-large"), None);
    }

    #[test]
    fn what_stands_over_it_counts_first() {
        let own = "[[model]]\nhost = \"api.openai.com\"\nid = \"gpt-4o*\"\ncontext = 5\n";
        let both = Catalogue::parse(own).unwrap().over(Catalogue::shipped().unwrap());
        let found = both.find(&Url::parse("https://api.openai.com/v1").unwrap(), "gpt-4o-mini").unwrap();
        assert_eq!(found.context, Some(5));
        assert!(both.family("claude-x").is_some());
    }

    #[test]
    fn a_price_without_a_day_is_refused() {
        let text = "[[model]]\nhost = \"h\"\nid = \"m\"\nprice = { input = 1.0, output = 1.0 }\n";
        assert!(Catalogue::parse(text).unwrap_err().contains("priced"));
        assert!(Catalogue::parse("[[model]]\nhost = \"h\"\nname = 1\n").is_err());
    }
}
