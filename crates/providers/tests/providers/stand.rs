//! The stand on which routers are tried: sections from TOML as a person writes them, and calls in one line.

use async_trait::async_trait;
use cofounder_providers::{
    Answered, Attempt, Call, ChatAnswer, ChatRequest, EmbeddedModel, Launcher, Message, Need, NoEngine,
    ProviderError, ProviderSection, Question, Role, Route, Router, RouterConfig, RouterSection,
};
use cofounder_testkit::{clock::ManualClock, provider::FakeProvider};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The two sections as they stand in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct File {
    pub(crate) provider: toml::Table,
    pub(crate) router: RouterSection,
}

pub(crate) fn config(text: &str) -> RouterConfig {
    let file: File = toml::from_str(text).unwrap();
    let section = |(name, value): (String, toml::Value)| (name, value.try_into::<ProviderSection>().unwrap());
    let providers = file.provider.into_iter().map(section).collect();
    RouterConfig { providers, router: file.router, ..RouterConfig::default() }
}

pub(crate) fn with_embedded(text: &str) -> RouterConfig {
    let embedded = Some(EmbeddedModel { name: "smollm2-135m".into(), context: 2048, others: vec![] });
    RouterConfig { embedded, ..config(text) }
}

pub(crate) fn router(config: RouterConfig) -> Router {
    Router::new(config, Arc::new(NoEngine), Arc::new(ManualClock::default())).unwrap()
}

/// A router with the clock that its breakers go by.
pub(crate) fn clocked(text: &str) -> (Router, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    (Router::new(config(text), Arc::new(NoEngine), clock.clone()).unwrap(), clock)
}

/// `[provider.NAME]` for a fake, with one model `m` and more lines for the provider's own table.
pub(crate) fn section(name: &str, fake: &FakeProvider, more: &str) -> String {
    format!("[provider.{name}]\nbase_url = \"{}\"\n{more}\n[provider.{name}.model.m]\n", fake.url())
}

pub(crate) fn ids(route: &Route) -> Vec<String> {
    route.targets.iter().map(|t| t.id()).collect()
}

pub(crate) fn free(router: &Router) -> Route {
    router.route(Role::Draft, None, &Need::default()).unwrap()
}

pub(crate) fn pinned(router: &Router, pin: &str) -> Result<Route, ProviderError> {
    router.route(Role::Draft, Some(pin), &Need::default())
}

pub(crate) fn hello() -> ChatRequest {
    ChatRequest {
        messages: vec![Message::system("Be brief."), Message::user("Hello?")],
        ..ChatRequest::default()
    }
}

/// Asks along the free route.
pub(crate) async fn ask(router: &Router) -> Result<Answered<ChatAnswer>, ProviderError> {
    ask_with(router, &hello()).await
}

pub(crate) async fn ask_with(
    router: &Router,
    request: &ChatRequest,
) -> Result<Answered<ChatAnswer>, ProviderError> {
    observed(router, request).await.0
}

/// The outcome, and what the observer was told.
pub(crate) async fn observed(
    router: &Router,
    request: &ChatRequest,
) -> (Result<Answered<ChatAnswer>, ProviderError>, Vec<Attempt>) {
    let mut seen = Vec::new();
    let (route, cancel) = (free(router), CancellationToken::new());
    let outcome =
        router.chat(&route, request, "key-1", None, &cancel, &mut |attempt| seen.push(attempt)).await;
    (outcome, seen)
}

/// A launcher whose engine is always there.
#[derive(Debug)]
pub(crate) struct Ready(pub(crate) PathBuf);

#[async_trait]
impl Launcher for Ready {
    async fn socket(&self, _model: &str) -> Result<PathBuf, ProviderError> {
        Ok(self.0.clone())
    }
}

/// A call without a deadline that waits for nobody.
pub(crate) fn call<'a>(route: &'a Route, question: Question<'a>, cancel: &'a CancellationToken) -> Call<'a> {
    let (caller, patience) = ("".into(), Duration::ZERO);
    Call {
        route,
        question,
        key: "",
        caller,
        bound: None,
        deadline: None,
        patience,
        waits_it_out: false,
        cancel,
    }
}
