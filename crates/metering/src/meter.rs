//! What every metered call shares: the router, the money, the ledger, the counters.

use cofounder_domain::Timestamp;
use cofounder_providers::{Need, Role, Route, Router};
use cofounder_storage::{Database, StorageError};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

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

/// How long calls that are stopped may take to be settled.
const SETTLING: Duration = Duration::from_secs(5);
/// How long the database may take to take the last lines of the ledger.
const WRITING: Duration = Duration::from_secs(10);

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
    /// Clients' calls that run.
    pub(crate) running: TaskTracker,
    /// Stops them.
    pub(crate) stop: CancellationToken,
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
            running: TaskTracker::new(),
            stop: CancellationToken::new(),
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

    /// What stops a client's call: cancelled when who asked goes away, and when the program ends.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Stops every client's call that runs, and begins no more: each is settled, and told as stopped to who asked.
    pub fn stop_calls(&self) {
        self.stop.cancel();
    }

    /// Stops the clients' calls that run, writes what is not written, gives back what is not spent, and lets go of every
    /// connection to a provider. Each of it is waited for, but never without end: what a database that is away does not
    /// take is logged, and its money stays used.
    ///
    /// # Errors
    /// [`StorageError`] if the money could not be given back: it counts as used until it is reconciled.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.stop_calls();
        self.running.close();
        if tokio::time::timeout(SETTLING, self.running.wait()).await.is_err() {
            tracing::error!(
                calls = self.running.len(),
                "calls that were stopped did not end; their money stays used"
            );
        }
        self.ledger.close(WRITING).await;
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

/// A route as the ledger keeps it, with the targets that a call went past on its way.
pub(crate) fn told(route: &Route, on_the_way: &[(String, String)]) -> String {
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
    let passed_over = route.passed_over.iter().chain(on_the_way);
    let passed_over = passed_over.map(|(target, why)| Passed { target, why }).collect();
    let chain = route.targets.iter().map(|t| t.id()).collect();
    // Texts alone are always JSON.
    serde_json::to_string(&Told { why: &route.why, chain, passed_over }).unwrap_or_default()
}
