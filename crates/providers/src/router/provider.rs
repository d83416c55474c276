//! A provider while the program runs: its section, its key, its connections, its places.

use super::Target;
use crate::{
    Abilities, Ability, Catalogue, Dialect, ModelSection, ProviderError, ProviderSection, Verb,
    catalogue::Entry,
    config::Patience,
    http,
    limits::{Limiter, Place, Wish},
    local,
};
use cofounder_domain::{Price, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::Url;

/// Where a provider was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A section of the configuration.
    Configured,
    /// The engine in this program, with or without a section.
    Embedded,
    /// It was found running.
    Found,
    /// A key in the environment.
    Environment,
}

/// A provider's key. `Debug` shows none: `SecretString` hides it.
#[derive(Debug)]
pub(crate) enum Key {
    /// None is needed.
    None,
    /// It is needed and not there, and why.
    Missing(String),
    /// Here it is.
    There(SecretString),
}

/// What a provider is made from.
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) origin: Origin,
    pub(crate) section: ProviderSection,
    /// The context of an embedded model that does not declare one.
    pub(crate) context: Option<u64>,
    pub(crate) catalogue: Arc<Catalogue>,
}

/// One provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) section: ProviderSection,
    pub(crate) key: Key,
    pub(crate) headers: HeaderMap,
    /// The models of its table, in order.
    targets: Vec<Arc<Target>>,
    limiter: Arc<Limiter>,
    /// Of those models that have limits of their own.
    own: HashMap<String, Arc<Limiter>>,
    context: Option<u64>,
    catalogue: Arc<Catalogue>,
    clients: Mutex<HashMap<(Option<PathBuf>, Duration), reqwest::Client>>,
}

/// The places of one request: the provider's, and the model's own if it has limits.
#[derive(Debug)]
pub(crate) struct Places(Vec<Place>);

impl Places {
    /// Says how many tokens the request took in the end.
    pub(crate) fn took(&self, tokens: u64) {
        self.0.iter().for_each(|place| place.took(tokens));
    }
}

impl Provider {
    pub(crate) fn new(parts: Parts<'_>) -> Self {
        let Parts { name, origin, section, context, catalogue } = parts;
        let key = match section.api_key.as_ref().map(crate::Secret::read) {
            None => Key::None,
            Some(Ok(key)) => Key::There(key),
            Some(Err(why)) => Key::Missing(why),
        };
        let limiter = Limiter::of_provider(section.limits, section.dialect);
        let own = section.model.0.iter();
        let own = own.filter_map(|(model, m)| Some((model.clone(), Limiter::of_model(m.limits)?))).collect();
        let headers = section.headers.iter().filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
        });
        let headers = headers.collect();
        let (name, clients, targets) = (name.to_owned(), Mutex::default(), Vec::new());
        let mut provider =
            Self { name, origin, section, key, headers, targets, limiter, own, context, catalogue, clients };
        let models = provider.section.model.0.iter();
        // A model of a configuration can chat unless it is said to do something else; a found one may do anything.
        let assumed = (origin != Origin::Found).then(Abilities::default);
        let made = models.map(|(model, section)| provider.build(model, section, assumed.as_ref()));
        provider.targets = made.map(Arc::new).collect();
        provider
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.section.dialect == Dialect::Embedded
    }

    /// On this machine or its network.
    pub(crate) fn is_local(&self) -> bool {
        self.is_embedded() || self.base("").is_some_and(|url| local::is_local(&url))
    }

    /// A model of this provider; of one without a table, any.
    pub(crate) fn target(&self, model: &str) -> Option<Arc<Target>> {
        let known = self.targets.iter().find(|target| target.model == model).cloned();
        // Of one that is only named nobody could say what it can do; but the engine in this program is known.
        let assumed = self.is_embedded().then(Abilities::default);
        let any = || {
            self.takes_any_name()
                .then(|| Arc::new(self.build(model, &ModelSection::default(), assumed.as_ref())))
        };
        known.or_else(any)
    }

    /// Its models in order.
    pub(crate) fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// Models that are not in its table can be named: there is none, or the engine can be given any file.
    pub(crate) fn takes_any_name(&self) -> bool {
        self.section.model.0.is_empty() || self.origin != Origin::Configured
    }

    fn build(&self, model: &str, section: &ModelSection, assumed: Option<&Abilities>) -> Target {
        let known = self.known(model);
        let costless = matches!(self.origin, Origin::Embedded | Origin::Found);
        let price = section.price.or(costless.then_some(Price::FREE)).or(known.and_then(|e| e.price));
        let free = match price {
            Some(price) => price.is_free(),
            None => self.is_local() && self.section.api_key.is_none(),
        };
        let abilities = section.abilities.as_ref().or_else(|| known?.abilities.as_ref()).or(assumed).cloned();
        Target {
            provider: self.name.clone(),
            model: model.to_owned(),
            price,
            context: section.context.or(known.and_then(|e| e.context)).or(self.context),
            max_output: section.max_output.or(known.and_then(|e| e.max_output)),
            free,
            json: abilities.as_ref().is_none_or(|abilities| abilities.has(Ability::Json)),
            family: section.family.clone().or_else(|| self.catalogue.family(model)),
            tier: known.and_then(|e| e.tier),
            abilities,
        }
    }

    /// What the catalogue knows of a model of this provider.
    fn known(&self, model: &str) -> Option<&Entry> {
        self.catalogue.find(&self.base(model)?, model)
    }

    pub(crate) fn patience(&self, model: &str) -> Patience {
        let own = self.section.model.get(model).map(|m| m.timeouts).unwrap_or_default();
        own.or(self.section.timeouts).patience(self.section.dialect)
    }

    /// The largest answer that is read, in bytes.
    pub(crate) fn largest(&self, model: &str, verb: Verb) -> usize {
        let own = self.section.model.get(model).and_then(|m| m.limits.answer_mib);
        let default = if verb == Verb::Chat { 8 } else { 64 };
        (own.or(self.section.limits.answer_mib).unwrap_or(default) as usize) << 20
    }

    /// Waits for the places that a request takes.
    pub(crate) async fn enter(&self, wish: &Wish) -> Result<Places, ProviderError> {
        // The model's own first: the provider's places are not held by those who wait for one model.
        let mut places = Vec::new();
        if let Some(own) = self.own.get(&wish.model) {
            places.push(own.enter(wish).await?);
        }
        places.push(self.limiter.enter(wish).await?);
        Ok(Places(places))
    }

    /// Learns what is left of the provider's own limits.
    pub(crate) fn learn(&self, model: &str, headers: &HeaderMap, now: Timestamp) {
        self.limiter.learn(model, headers, now);
    }

    /// How many calls wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.limiter.waiting()
    }

    /// Where requests go; an embedded engine's socket needs a host all the same.
    pub(crate) fn base(&self, model: &str) -> Option<Url> {
        if self.is_embedded() {
            return Url::parse("http://localhost/v1").ok();
        }
        let own = self.section.model.get(model).and_then(|m| m.base_url.clone());
        let home = || self.section.dialect.home().and_then(|url| Url::parse(url).ok());
        own.or_else(|| self.section.base_url.clone()).or_else(home)
    }

    /// The pooled client of this provider.
    pub(crate) fn client(
        &self,
        socket: Option<&Path>,
        connect: Duration,
    ) -> Result<reqwest::Client, ProviderError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (socket.map(Path::to_path_buf), connect);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = http::client(socket, connect, self.is_local())?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    /// Lets go of the pooled connections. Requests that run end as they would.
    pub(crate) fn close(&self) {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
