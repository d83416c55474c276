//! What makes model calls: one router, one meter and one launcher of engines for the whole process.

use cofounder_metering::{Meter, MeterParts, Metrics, Need, Tally};
use cofounder_models::{CATALOGUE, Registry};
use cofounder_providers::{
    EmbeddedModel, FoundOllama, OLLAMA_PATIENCE, OLLAMA_URL, Role, Route, Router, RouterConfig,
    discover_ollama, known_env_keys,
};
use cofounder_storage::Owner;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use url::Url;

use crate::{app::App, config::Config, failure::Failure, health::note_health, launcher::EngineLauncher};

/// What makes model calls.
pub(crate) struct Studio {
    pub(crate) meter: Arc<Meter>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) metrics: Metrics,
    pub(crate) launcher: Arc<EngineLauncher>,
    /// Looks after targets that rest.
    probing: Option<JoinHandle<()>>,
    /// As long as it lives, others see that this process's slices are in use.
    _owner: Owner,
}

impl Studio {
    pub(crate) async fn open(app: &App) -> Result<Self, Failure> {
        let config = &app.files.config;
        let settings = config.engine.settings();
        let launcher =
            Arc::new(EngineLauncher::new(app.files.registry.clone(), &app.files.data_dir, settings));
        let ollama = match config.provider.is_empty() && config.ollama.discover {
            true => find_ollama(config).await,
            false => None,
        };
        let router_config = router_config(config, &app.files.registry, ollama)?;
        let router = Router::new(router_config, launcher.clone(), app.clock.clone());
        let router = Arc::new(router.map_err(|e| Failure::of(e.kind(), e))?);
        let owner = app.owner()?;
        note_health(&router, app.db.clone(), owner.id().to_owned());
        let probing = router.probe_interval().map(|every| tokio::spawn(probe(router.clone(), every)));
        let (tally, metrics) = (Arc::new(Tally::default()), Metrics::default());
        let meter = Arc::new(Meter::new(MeterParts {
            db: app.db.clone(),
            router,
            owner: owner.id().to_owned(),
            budgets: config.budget.budgets(),
            texts: config.ledger.texts()?,
            tally: tally.clone(),
            metrics: metrics.clone(),
        }));
        Ok(Self { meter, tally, metrics, launcher, probing, _owner: owner })
    }

    /// Where the writer's calls go.
    pub(crate) fn route(&self, pin: Option<&str>) -> Result<Route, Failure> {
        self.meter.route(Role::Draft, pin, &Need::default()).map_err(|e| Failure::of(e.kind(), e))
    }

    /// Ends local models, writes what is not written, and gives back what is not spent.
    pub(crate) async fn close(&self) {
        if let Some(probing) = &self.probing {
            probing.abort();
        }
        self.launcher.stop().await;
        if let Err(error) = self.meter.close().await {
            tracing::warn!(%error, "money that was not spent could not be given back; it counts as used until `cofounder budget reconcile`");
        }
    }
}

async fn probe(router: Arc<Router>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        router.probe().await;
    }
}

/// What the router is made from.
pub(crate) fn router_config(
    config: &Config,
    registry: &Registry,
    ollama: Option<FoundOllama>,
) -> Result<RouterConfig, Failure> {
    // A model that is here, or can be had, can be named without its provider.
    let here = registry.list().map(|listing| listing.models).unwrap_or_default();
    let here = here.into_iter().map(|model| model.name);
    let others = here.chain(CATALOGUE.iter().map(|entry| entry.name.to_owned())).collect();
    Ok(RouterConfig {
        providers: config.provider.clone(),
        router: config.router.clone(),
        embedded: Some(EmbeddedModel {
            name: config.engine.model.clone(),
            context: config.engine.context,
            others,
        }),
        ollama,
        budget_enforced: config.budget.budgets().any(),
        env_keys: known_env_keys().filter(|key| std::env::var_os(key).is_some()).map(str::to_owned).collect(),
        catalogue: Arc::new(config.catalogue.read()?),
    })
}

async fn find_ollama(config: &Config) -> Option<FoundOllama> {
    let base_url = config.ollama.base_url.clone().or_else(|| Url::parse(OLLAMA_URL).ok())?;
    let models = discover_ollama(&base_url, OLLAMA_PATIENCE).await.filter(|models| !models.is_empty())?;
    Some(FoundOllama { base_url, models })
}
