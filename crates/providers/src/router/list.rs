//! What models a provider says that it has.

use super::{
    Router,
    provider::{Key, Provider},
};
use crate::{
    Dialect, ProviderError, Stage,
    dialect::{self, Page, Refusal, refusal, retry_after},
    http,
};
use secrecy::ExposeSecret;
use std::time::Duration;

/// Pages that are asked for at the most.
const PAGES: usize = 20;
/// Names that are kept at the most.
const NAMES: usize = 10_000;
/// The longest page that is read.
const LARGEST: usize = 16 << 20;

impl Router {
    /// Asks a provider which models it has, in its order. It takes none of the provider's places, and teaches its
    /// breaker nothing.
    ///
    /// # Errors
    /// Why there is no list; [`ProviderError::Timeout`] if it takes longer than `patience` in all.
    pub async fn list_models(
        &self,
        provider: &str,
        patience: Duration,
    ) -> Result<Vec<String>, ProviderError> {
        let late = |_| Err(ProviderError::Timeout { stage: Stage::Total });
        tokio::time::timeout(patience, self.listed(provider, patience)).await.unwrap_or_else(late)
    }

    async fn listed(&self, name: &str, patience: Duration) -> Result<Vec<String>, ProviderError> {
        let unknown =
            || ProviderError::UnknownModel { name: name.to_owned(), nearest: None, known: self.known() };
        let provider = self.provider(name).ok_or_else(unknown)?;
        if provider.section.dialect == Dialect::Embedded {
            let own = provider.targets().iter().map(|target| target.model.clone());
            let embedded = self.embedded.iter().map(|embedded| embedded.name.clone());
            let mut names: Vec<String> = embedded.chain(own).collect();
            names.dedup();
            return Ok(names);
        }
        let (mut names, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = self.page(provider, next.as_deref(), patience).await?;
            names.extend(page.names);
            next = page.next;
            if next.is_none() || names.len() >= NAMES {
                break;
            }
        }
        names.truncate(NAMES);
        Ok(names)
    }

    async fn page(
        &self,
        provider: &Provider,
        page: Option<&str>,
        idle: Duration,
    ) -> Result<Page, ProviderError> {
        let key = match &provider.key {
            Key::There(key) => Some(key),
            Key::None => None,
            Key::Missing(why) => return Err(ProviderError::KeyMissing { why: why.clone() }),
        };
        let words = dialect::words(provider.section.dialect);
        let gone = || ProviderError::Bug { why: format!("{} has no address", provider.name) };
        let base = provider.base("").ok_or_else(gone)?;
        let client = provider.client(None, provider.patience("").connect)?;
        let mut headers = words.signed(key)?;
        headers.extend(provider.headers.clone());
        let sent = client.get(words.list(&base, page)).headers(headers).send();
        let answer = sent.await.map_err(http::sending)?;
        let (status, wait) = (answer.status(), retry_after(answer.headers(), self.clock.now()));
        let body = http::bounded(answer, idle, LARGEST).await;
        let outcome = match status.is_success() {
            true => body.and_then(|body| words.names(&body)),
            false => Err(refusal(status.as_u16(), &Refusal::of_bytes(&body.unwrap_or_default()), wait)),
        };
        outcome.map_err(|error| error.cleaned(key.map_or("", ExposeSecret::expose_secret)))
    }
}
