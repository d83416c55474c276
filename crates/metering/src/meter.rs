//! What every metered call shares: the router, the money, the ledger, the counters.

use cofounder_domain::{NanoUsd, Price, Timestamp};
use cofounder_providers::{Need, Role, Route, Router, Target, Usage};
use cofounder_storage::{CallTokens, Database, StorageError};
use serde::Serialize;
use std::sync::Arc;

use crate::{
    Budgets, CallError, Metrics, Payer, Tally, Texts, ledger::Ledger, purse::Purse, tab::Tab,
    turnstile::Turnstile, worst::Size,
};

/// What a meter is made from.
#[derive(Debug)]
pub struct MeterParts {
    /// Where calls, money and answers are kept.
    pub db: Arc<Database>,
    /// Who makes the calls.
    pub router: Arc<Router>,
    /// The name of this process: [`cofounder_storage::Owner::id`].
    pub owner: String,
    /// What may be spent.
    pub budgets: Budgets,
    /// What is kept of clients' questions and answers.
    pub texts: Texts,
    /// Counts calls by step, for whoever watches this process.
    pub tally: Arc<Tally>,
    /// Counts them for good.
    pub metrics: Metrics,
}

/// Makes calls, with their money and their ledger.
#[derive(Debug)]
pub struct Meter {
    pub(crate) db: Arc<Database>,
    pub(crate) router: Arc<Router>,
    pub(crate) owner: String,
    pub(crate) budgets: Budgets,
    pub(crate) texts: Texts,
    pub(crate) tally: Arc<Tally>,
    pub(crate) metrics: Metrics,
    pub(crate) purse: Arc<Purse>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) turnstile: Turnstile,
}

impl Meter {
    /// A meter over a router. It writes its ledger in the background of this runtime until [`Self::close`].
    #[must_use]
    pub fn new(parts: MeterParts) -> Self {
        let MeterParts { db, router, owner, budgets, texts, tally, metrics } = parts;
        let purse = Purse::new(db.clone(), owner.clone());
        let ledger = Ledger::start(db.clone(), owner.clone(), purse.clone());
        Self {
            db,
            router,
            owner,
            budgets,
            texts,
            tally,
            metrics,
            purse,
            ledger,
            turnstile: Turnstile::default(),
        }
    }

    /// The route that calls of this role take, for whoever wants to know before.
    ///
    /// # Errors
    /// [`CallError::Provider`] if no model can take them.
    pub fn route(&self, role: Role, pin: Option<&str>, need: &Need) -> Result<Route, CallError> {
        Ok(self.router.route(role, pin, need)?)
    }

    /// The router that it asks.
    #[must_use]
    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Calls that ended and are not in the ledger yet.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.ledger.waiting()
    }

    /// Waits until every call that ended is in the ledger.
    pub async fn flush(&self) {
        self.ledger.flush().await;
    }

    /// Writes what is not written, gives back what is not spent, and lets go of every connection to a provider. Calls
    /// that run go on; their money stays used.
    ///
    /// # Errors
    /// [`StorageError`] if the money could not be given back: it counts as used until it is reconciled.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.ledger.close().await;
        self.router.close();
        self.purse.give_back(true).await
    }

    /// Sets money aside for a call along a route.
    pub(crate) async fn open_tab(
        &self,
        size: Size,
        route: &Route,
        payer: &Payer,
        now: Timestamp,
    ) -> Result<(Tab, crate::budgets::Accounts), CallError> {
        let accounts = self.budgets.accounts(payer, now);
        let cap = self.budgets.call;
        let tab = Tab::open(&self.purse, &accounts, cap, size, &route.targets, self.metrics.clone()).await?;
        Ok((tab, accounts))
    }
}

/// What a call cost.
pub(crate) fn cost(target: &Target, usage: &Usage) -> NanoUsd {
    target.price.unwrap_or(Price::FREE).cost(usage.tokens())
}

pub(crate) fn tokens(usage: &Usage) -> CallTokens {
    CallTokens {
        input: usage.tokens_in,
        cached: usage.tokens_cached,
        cache_write: usage.tokens_cache_write,
        output: usage.tokens_out,
        reasoning: usage.tokens_reasoning,
        measured: usage.measured,
    }
}

/// A route as the ledger keeps it.
pub(crate) fn told(route: &Route) -> String {
    #[derive(Serialize)]
    struct Passed<'a> {
        target: &'a str,
        why: &'a str,
    }
    #[derive(Serialize)]
    struct Told<'a> {
        why: &'a str,
        chain: Vec<String>,
        passed_over: Vec<Passed<'a>>,
    }
    let passed_over = route.passed_over.iter().map(|(target, why)| Passed { target, why }).collect();
    let chain = route.targets.iter().map(|t| t.id()).collect();
    // Texts alone are always JSON.
    serde_json::to_string(&Told { why: &route.why, chain, passed_over }).unwrap_or_default()
}
