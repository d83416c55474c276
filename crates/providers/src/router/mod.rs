//! The router: knows every provider, says where a call may go, and takes it there.

mod answered;
mod breakers;
mod call;
mod course;
mod health;
mod list;
mod obstacle;
mod order;
mod passed;
mod probe;
mod provider;
mod retries;
mod rules;
mod stream;
mod target;
mod verdict;
mod witness;

pub use answered::{Answered, Opened};
pub use call::Call;
pub use health::{HealthChange, ProviderHealth, TargetHealth, TargetState};
pub use rules::Wanted;
pub use stream::ChatStream;
pub use target::{Need, Route, Target};
pub use witness::Witness;

use crate::{
    Catalogue, Dialect, Launcher, Models, ProviderError, ProviderSection, RouterSection, local,
    presets::Preset,
};
use breakers::Breakers;
use cofounder_domain::Clock;
use provider::{Origin, Parts, Provider};
use retries::Retries;
use std::{fmt, sync::Arc};
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
    /// What is known of models beside what the sections say.
    pub catalogue: Arc<Catalogue>,
}

/// The model that the engine of this program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedModel {
    /// As the model registry knows it, such as `smollm2-135m`.
    pub name: String,
    /// Tokens that messages and answer may have together.
    pub context: u64,
    /// Other local models, which can be named alone.
    pub others: Vec<String>,
}

/// A running Ollama.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundOllama {
    /// Where it is.
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
    breakers: Arc<Breakers>,
    retries: Retries,
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
        let (router, faults) = Self::made(config, launcher, clock);
        match faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(router),
        }
    }

    /// Everything that keeps a router from being made of it: [`ProviderError::Configuration`] of each section.
    #[must_use]
    pub fn faults(
        config: RouterConfig,
        launcher: Arc<dyn Launcher>,
        clock: Arc<dyn Clock>,
    ) -> Vec<ProviderError> {
        Self::made(config, launcher, clock).1
    }

    /// The router, and what keeps it from being one.
    fn made(
        config: RouterConfig,
        launcher: Arc<dyn Launcher>,
        clock: Arc<dyn Clock>,
    ) -> (Self, Vec<ProviderError>) {
        let (providers, mut faults) = providers(&config);
        let RouterConfig { router: section, embedded, budget_enforced, env_keys, .. } = config;
        let (breakers, retries) = (Arc::new(Breakers::new(clock.clone())), Retries::default());
        let router = Self {
            providers,
            section,
            embedded,
            budget_enforced,
            env_keys,
            breakers,
            retries,
            launcher,
            clock,
        };
        faults.extend(router.preference_faults());
        (router, faults)
    }

    /// Whether a provider is the engine of this program.
    #[must_use]
    pub fn is_embedded(&self, provider: &str) -> bool {
        self.provider(provider).is_some_and(Provider::is_embedded)
    }

    /// Lets go of every pooled connection. What runs ends as it would.
    pub fn close(&self) {
        self.providers.iter().for_each(Provider::close);
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|p| p.name == name)
    }

    fn configured(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter().filter(|p| p.origin == Origin::Configured)
    }
}

/// Everything that can be named: what is configured, the engine, and what was found; and the sections that cannot be
/// used.
fn providers(config: &RouterConfig) -> (Vec<Provider>, Vec<ProviderError>) {
    let context = config.embedded.as_ref().map(|e| e.context);
    let (mut providers, mut faults): (Vec<Provider>, Vec<ProviderError>) = Default::default();
    let made = |name: &str, origin, section, context| {
        Provider::new(Parts { name, origin, section, context, catalogue: config.catalogue.clone() })
    };
    for (name, section) in &config.providers {
        faults.extend(check_section(name, section, &providers).err());
        let embedded = section.dialect == Dialect::Embedded;
        let (origin, context) =
            if embedded { (Origin::Embedded, context) } else { (Origin::Configured, None) };
        providers.push(made(name, origin, section.clone(), context));
    }
    let alone = !providers.iter().any(|p| p.origin == Origin::Configured);
    if config.embedded.is_some() && !providers.iter().any(Provider::is_embedded) {
        let section = ProviderSection { dialect: Dialect::Embedded, ..ProviderSection::default() };
        providers.push(made(EMBEDDED, Origin::Embedded, section, context));
    }
    if let Some(found) = config.ollama.as_ref().filter(|_| alone) {
        providers.push(made(OLLAMA, Origin::Found, ollama_section(found), None));
    }
    for key in &config.env_keys {
        if let Some(preset) =
            Preset::of_key(key).filter(|preset| providers.iter().all(|p| p.name != preset.name))
        {
            let section = ProviderSection {
                dialect: preset.dialect,
                base_url: preset.url(),
                api_key: Some(crate::Secret::Env(key.clone())),
                ..ProviderSection::default()
            };
            providers.push(made(preset.name, Origin::Environment, section, None));
        }
    }
    (providers, faults)
}

fn ollama_section(found: &FoundOllama) -> ProviderSection {
    let chat = found.models.iter().filter(|name| !local::is_embedding_model(name));
    let model = Models(chat.map(|name| (name.clone(), Default::default())).collect());
    ProviderSection {
        dialect: Dialect::Ollama,
        base_url: Some(found.base_url.clone()),
        model,
        ..ProviderSection::default()
    }
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
