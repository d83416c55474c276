//! What handlers work with, made before the listener opens.

use axum::extract::FromRef;
use cofounder_auth::{Elsewhere, Grants, Links, People, Sessions, Tokens};
use cofounder_domain::Timestamp;
use cofounder_metering::{Budgets, Meter};
use cofounder_publish::Webhooks;
use cofounder_storage::Database;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    content::Content, documents::SettingItem, health::Readiness, metrics::Scrape, place::Place, rates::Rates,
    traffic::Traffic,
};

/// What a service is made from.
pub struct ServiceParts {
    /// What there is.
    pub db: Arc<Database>,
    /// Whom to tell of a post.
    pub webhooks: Arc<Webhooks>,
    /// Knows which sources can be fetched.
    pub sources: Sources,
    /// Knows when a rule's time comes.
    pub rules: Rules,
    /// Makes the calls.
    pub meter: Arc<Meter>,
    /// Knows who may.
    pub tokens: Arc<Tokens>,
    /// Knows who is signed in.
    pub sessions: Arc<Sessions>,
    /// Signs people in.
    pub people: Arc<People>,
    /// Invites people.
    pub links: Arc<Links>,
    /// What is set, and by what.
    pub settings: Arc<Vec<SettingItem>>,
    /// The most that may be spent.
    pub budgets: Budgets,
    /// Signs people in at providers.
    pub elsewhere: Arc<Elsewhere>,
    /// Makes access tokens.
    pub grants: Arc<Grants>,
    /// Where browsers see the program.
    pub place: Place,
    /// Counts requests.
    pub rates: Arc<Rates>,
    /// Knows whether the parts are ready.
    pub readiness: Readiness,
    /// What is counted.
    pub scrape: Scrape,
    /// Counts requests.
    pub traffic: Traffic,
    /// Limits of the gateway, which may change.
    pub gateway: watch::Receiver<GatewaySettings>,
    /// Tells that the program ends: answers that would go on end as well.
    pub stop: CancellationToken,
}

/// Whether a source that somebody names from outside could be fetched: an address on the web, and no path on this machine.
#[derive(Clone, Copy)]
pub struct Sources(pub fn(&str) -> Result<(), String>);

/// When the next time of a rule comes after some time, by its cron expression and its time zone; or what is wrong with it.
#[derive(Clone, Copy)]
pub struct Rules(pub fn(&str, &str, Timestamp) -> Result<Option<Timestamp>, String>);

/// Limits of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewaySettings {
    /// The largest request that is read, in bytes.
    pub largest: usize,
    /// How long a request's bytes may take to come.
    pub read: Duration,
    /// How long a call may wait for a target that is free.
    pub patience: Duration,
    /// When a call must have ended.
    pub deadline: Duration,
    /// How long a client may leave a piece of a streamed answer untaken.
    pub stall: Duration,
}

impl Default for GatewaySettings {
    /// 8 MiB within 30 s; 1 s for a free target; 10 minutes in all, 30 s for a piece to be taken.
    fn default() -> Self {
        Self {
            largest: 8 << 20,
            read: Duration::from_secs(30),
            patience: Duration::from_secs(1),
            deadline: Duration::from_mins(10),
            stall: Duration::from_secs(30),
        }
    }
}

/// What every handler can ask for a part of. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<ServiceParts>, Arc<Content>);

impl Service {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        Self(Arc::new(parts), Arc::default())
    }

    pub(crate) fn scrape(&self) -> &Scrape {
        &self.0.scrape
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }
}

impl FromRef<Service> for Arc<Meter> {
    fn from_ref(service: &Service) -> Self {
        service.0.meter.clone()
    }
}

impl FromRef<Service> for Arc<Database> {
    fn from_ref(service: &Service) -> Self {
        service.0.db.clone()
    }
}

impl FromRef<Service> for Arc<Webhooks> {
    fn from_ref(service: &Service) -> Self {
        service.0.webhooks.clone()
    }
}

impl FromRef<Service> for Sources {
    fn from_ref(service: &Service) -> Self {
        service.0.sources
    }
}

impl FromRef<Service> for Rules {
    fn from_ref(service: &Service) -> Self {
        service.0.rules
    }
}

impl FromRef<Service> for Arc<Tokens> {
    fn from_ref(service: &Service) -> Self {
        service.0.tokens.clone()
    }
}

impl FromRef<Service> for Arc<Sessions> {
    fn from_ref(service: &Service) -> Self {
        service.0.sessions.clone()
    }
}

impl FromRef<Service> for Arc<People> {
    fn from_ref(service: &Service) -> Self {
        service.0.people.clone()
    }
}

impl FromRef<Service> for Arc<Elsewhere> {
    fn from_ref(service: &Service) -> Self {
        service.0.elsewhere.clone()
    }
}

impl FromRef<Service> for Arc<Grants> {
    fn from_ref(service: &Service) -> Self {
        service.0.grants.clone()
    }
}

impl FromRef<Service> for Arc<Links> {
    fn from_ref(service: &Service) -> Self {
        service.0.links.clone()
    }
}

impl FromRef<Service> for Arc<Vec<SettingItem>> {
    fn from_ref(service: &Service) -> Self {
        service.0.settings.clone()
    }
}

impl FromRef<Service> for Budgets {
    fn from_ref(service: &Service) -> Self {
        service.0.budgets
    }
}

impl FromRef<Service> for Arc<Content> {
    fn from_ref(service: &Service) -> Self {
        service.1.clone()
    }
}

impl FromRef<Service> for Place {
    fn from_ref(service: &Service) -> Self {
        service.0.place.clone()
    }
}

impl FromRef<Service> for Arc<Rates> {
    fn from_ref(service: &Service) -> Self {
        service.0.rates.clone()
    }
}

impl FromRef<Service> for Readiness {
    fn from_ref(service: &Service) -> Self {
        service.0.readiness.clone()
    }
}

impl FromRef<Service> for CancellationToken {
    fn from_ref(service: &Service) -> Self {
        service.0.stop.clone()
    }
}

impl FromRef<Service> for GatewaySettings {
    fn from_ref(service: &Service) -> Self {
        *service.0.gateway.borrow()
    }
}
