//! A provider while the program runs: its section, its key, its connections, its places.

use super::Target;
use crate::{
    Ability, Dialect, ModelSection, ProviderError, ProviderSection, config::Patience, http, limits::Limiter,
    local,
};
use cofounder_domain::Price;
use secrecy::SecretString;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
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

/// One provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) section: ProviderSection,
    pub(crate) key: Key,
    pub(crate) limiter: Limiter,
    /// The context of an embedded model that does not declare one.
    context: Option<u64>,
    clients: Mutex<HashMap<(Option<PathBuf>, Duration), reqwest::Client>>,
}

impl Provider {
    pub(crate) fn new(name: &str, origin: Origin, section: ProviderSection, context: Option<u64>) -> Self {
        let key = match section.api_key.as_ref().map(crate::Secret::read) {
            None => Key::None,
            Some(Ok(key)) => Key::There(key),
            Some(Err(why)) => Key::Missing(why),
        };
        let limiter = Limiter::new(section.limits, section.dialect);
        Self { name: name.to_owned(), origin, section, key, limiter, context, clients: Mutex::default() }
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.section.dialect == Dialect::Embedded
    }

    /// On this machine or its network.
    pub(crate) fn is_local(&self) -> bool {
        self.is_embedded() || self.section.base_url.as_ref().is_some_and(local::is_local)
    }

    /// A model of this provider; of one without a table, any.
    pub(crate) fn target(&self, model: &str) -> Option<Target> {
        match self.section.model.get(model) {
            Some(section) => Some(self.build(model, section)),
            None if self.takes_any_name() => Some(self.build(model, &ModelSection::default())),
            None => None,
        }
    }

    /// Its models in order.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.section.model.0.iter().map(|(name, section)| self.build(name, section)).collect()
    }

    /// Models that are not in its table can be named: there is none, or the engine can be given any file.
    pub(crate) fn takes_any_name(&self) -> bool {
        self.section.model.0.is_empty() || self.origin != Origin::Configured
    }

    /// Whether the model can answer messages.
    pub(crate) fn chats(&self, model: &str) -> bool {
        self.section.model.get(model).is_none_or(|m| m.abilities.has(Ability::Chat))
    }

    fn build(&self, model: &str, section: &ModelSection) -> Target {
        let costless = matches!(self.origin, Origin::Embedded | Origin::Found);
        let price = section.price.or(costless.then_some(Price::FREE));
        let free = match price {
            Some(price) => price.is_free(),
            None => self.is_local() && self.section.api_key.is_none(),
        };
        Target {
            provider: self.name.clone(),
            model: model.to_owned(),
            price,
            context: section.context.or(self.context),
            max_output: section.max_output,
            free,
            json: section.abilities.has(Ability::Json),
        }
    }

    pub(crate) fn patience(&self, model: &str) -> Patience {
        let own = self.section.model.get(model).map(|m| m.timeouts).unwrap_or_default();
        own.or(self.section.timeouts).patience(self.section.dialect)
    }

    /// Where requests go; an embedded engine's socket needs a host all the same.
    pub(crate) fn base(&self) -> Result<Url, ProviderError> {
        let url = if self.is_embedded() {
            Url::parse("http://localhost/v1").ok()
        } else {
            self.section.base_url.clone()
        };
        url.ok_or_else(|| ProviderError::Bug { why: format!("provider {} has no address", self.name) })
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
}
