//! The router: knows every provider, says where a call may go, and takes it there.

mod call;
mod course;
mod health;
mod provider;
mod rules;
mod target;

pub use call::Answered;
pub use health::{ProviderHealth, TargetHealth, TargetState};
pub use target::{Need, Route, Target};

use crate::{
    Dialect, Launcher, Models, ProviderError, ProviderSection, RouterSection, breaker::Breaker, local,
};
use cofounder_domain::Clock;
use provider::{Origin, Provider};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};
use url::Url;

/// The name under which the engine of this program is a provider.
pub const EMBEDDED: &str = "embedded";
/// The name under which an Ollama that was found running is a provider.
pub const OLLAMA: &str = "ollama";

/// What the router is built from.
#[derive(Clone, Debug, Default)]
pub struct RouterConfig {
    /// `[provider.NAME]`, in the order of the configuration.
    pub providers: Vec<(String, ProviderSection)>,
    /// `[router]`.
    pub router: RouterSection,
    /// The embedded model, if the program has an engine.
    pub embedded: Option<EmbeddedModel>,
    /// An Ollama that was found, see [`crate::discover_ollama`]; it counts only if no provider is configured.
    pub ollama: Option<FoundOllama>,
    /// A money budget holds: models without a price cannot be used.
    pub budget_enforced: bool,
    /// Those of [`crate::known_env_keys`] that are set.
    pub env_keys: Vec<String>,
}

/// The model that the engine of this program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedModel {
    /// As the model registry knows it, such as `smollm2-135m`.
    pub name: String,
    /// Tokens that messages and answer may have together.
    pub context: u64,
}

/// A running Ollama.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundOllama {
    /// Where it is, up to `/v1`.
    pub base_url: Url,
    /// Its models, in its order.
    pub models: Vec<String>,
}

/// Chooses targets and takes calls to them. One for the whole program.
pub struct Router {
    providers: Vec<Provider>,
    section: RouterSection,
    embedded: Option<EmbeddedModel>,
    budget_enforced: bool,
    env_keys: Vec<String>,
    breakers: Mutex<HashMap<String, Breaker>>,
    launcher: Arc<dyn Launcher>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("providers", &self.providers).field("section", &self.section).finish()
    }
}

impl Router {
    /// Reads keys and checks the sections; connects to nothing.
    ///
    /// # Errors
    /// [`ProviderError::Configuration`] names the section that cannot be used. A dialect that is not built in or a
    /// key that is not there is no error here: it is one when the provider is needed.
    pub fn new(
        config: RouterConfig,
        launcher: Arc<dyn Launcher>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ProviderError> {
        let providers = providers(&config)?;
        let RouterConfig { router: section, embedded, budget_enforced, env_keys, .. } = config;
        let breakers = Mutex::default();
        let router =
            Self { providers, section, embedded, budget_enforced, env_keys, breakers, launcher, clock };
        router.check_preferences()?;
        Ok(router)
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|p| p.name == name)
    }

    fn configured(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter().filter(|p| p.origin == Origin::Configured)
    }
}

/// Everything that can be named: what is configured, the engine, and what was found.
fn providers(config: &RouterConfig) -> Result<Vec<Provider>, ProviderError> {
    let context = config.embedded.as_ref().map(|e| e.context);
    let mut providers: Vec<Provider> = Vec::new();
    for (name, section) in &config.providers {
        check_section(name, section, &providers)?;
        let embedded = section.dialect == Dialect::Embedded;
        let (origin, context) =
            if embedded { (Origin::Embedded, context) } else { (Origin::Configured, None) };
        providers.push(Provider::new(name, origin, section.clone(), context));
    }
    let alone = !providers.iter().any(|p| p.origin == Origin::Configured);
    if config.embedded.is_some() && !providers.iter().any(Provider::is_embedded) {
        let section = ProviderSection { dialect: Dialect::Embedded, ..ProviderSection::default() };
        providers.push(Provider::new(EMBEDDED, Origin::Embedded, section, context));
    }
    if let Some(found) = config.ollama.as_ref().filter(|_| alone) {
        providers.push(Provider::new(OLLAMA, Origin::Found, ollama_section(found), None));
    }
    for key in &config.env_keys {
        if let Some((name, url)) =
            local::provider_of_key(key).filter(|(name, _)| providers.iter().all(|p| p.name != *name))
        {
            let api_key = Some(crate::Secret::Env(key.clone()));
            let section = ProviderSection { base_url: Some(url), api_key, ..ProviderSection::default() };
            providers.push(Provider::new(name, Origin::Environment, section, None));
        }
    }
    Ok(providers)
}

fn ollama_section(found: &FoundOllama) -> ProviderSection {
    let chat = found.models.iter().filter(|name| !local::is_embedding_model(name));
    let model = Models(chat.map(|name| (name.clone(), Default::default())).collect());
    ProviderSection { base_url: Some(found.base_url.clone()), model, ..ProviderSection::default() }
}

fn check_section(name: &str, section: &ProviderSection, before: &[Provider]) -> Result<(), ProviderError> {
    let embedded = section.dialect == Dialect::Embedded;
    let why = if name.is_empty() || name.contains('/') {
        Some(
            "a provider's name is not empty and has no `/`: it stands before the `/` in `provider/model`"
                .to_owned(),
        )
    } else if before.iter().any(|p| p.name == name) {
        Some("the name stands here twice".to_owned())
    } else if name == EMBEDDED && !embedded {
        Some("this name is kept for the engine in this program: choose another".to_owned())
    } else if embedded && before.iter().any(Provider::is_embedded) {
        Some("there is one engine in this program, and it has a section already".to_owned())
    } else {
        section.problem()
    };
    match why {
        Some(why) => Err(ProviderError::Configuration { section: format!("provider.{name}"), why }),
        None => Ok(()),
    }
}
