//! What the metrics show that must be looked up before: queues and money in the database, the engine's process.
//!
//! What could not be looked up is left out and told as `…_up 0`: never as nothing.

use cofounder_domain::NanoUsd;
use cofounder_metering::{day, month, site};
use cofounder_storage::{Account, AccountState, Depths, StorageError};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::timeout;

use crate::{
    app::App,
    gauges::gauge,
    launcher::{EngineLauncher, EngineState},
};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tokens whose money is shown: those that were made last.
const TOKENS: u64 = 100;

/// What was found last. Cheap to clone: all clones show the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct LookedUp(Arc<Mutex<Found>>);

#[derive(Clone, Debug, Default)]
struct Found {
    database: Option<Stored>,
    engines: Vec<EngineState>,
}

#[derive(Clone, Debug)]
struct Stored {
    depths: Depths,
    money: Vec<Money>,
}

/// One account of a period that is not over.
#[derive(Clone, Debug)]
struct Money {
    /// `site`, or a token's id.
    account: String,
    period: &'static str,
    state: AccountState,
    limit: Option<NanoUsd>,
}

impl LookedUp {
    /// Looks everything up.
    pub(crate) async fn look(&self, app: &App, launcher: &EngineLauncher) {
        let database = timeout(PATIENCE, stored(app)).await;
        let database = match database {
            Ok(Ok(stored)) => Some(stored),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the metrics go without what stands in the database");
                None
            }
            Err(_) => {
                tracing::warn!("the metrics go without what stands in the database, which does not answer");
                None
            }
        };
        let engines = launcher.states().await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Found { database, engines };
    }
}

async fn stored(app: &App) -> Result<Stored, StorageError> {
    let depths = app.db.depths().await?;
    let now = app.clock.now();
    let periods = [("day", day(now)), ("month", month(now))];
    let names: Vec<String> = periods.iter().map(|(_, name)| name.clone()).collect();
    let mut known: HashMap<Account, AccountState> =
        app.db.accounts(&site(), &names, 2).await?.into_iter().collect();
    let budgets = app.files.config.budget.budgets();
    let mut owners = vec![(site(), "site".to_owned(), [budgets.day, budgets.month])];
    let tokens = app.db.tokens(TOKENS, None).await?.items;
    for token in tokens.into_iter().filter(|token| token.revoked_at.is_none() && token.expires_at > now) {
        let scope = format!("token:{}", token.id);
        if token.budget_day.is_some() || token.budget_month.is_some() {
            known.extend(app.db.accounts(&scope, &names, 2).await?);
            owners.push((scope, token.id.to_string(), [token.budget_day, token.budget_month]));
        }
    }
    let mut money = Vec::new();
    for (scope, account, limits) in owners {
        for ((period, name), limit) in periods.iter().zip(limits) {
            let state = known.get(&Account { scope: scope.clone(), period: name.clone() });
            if state.is_some() || limit.is_some() {
                let state = state.copied().unwrap_or_default();
                money.push(Money { account: account.clone(), period, state, limit });
            }
        }
    }
    Ok(Stored { depths, money })
}

impl Collector for LookedUp {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = "Whether the database answered; if not, what stands in it is left out";
        gauge(&mut encoder, "database_up", help, i64::from(found.database.is_some()))?;
        if let Some(Stored { depths, money }) = &found.database {
            queues(&mut encoder, depths)?;
            budgets(&mut encoder, money)?;
        }
        engines(&mut encoder, &found.engines)
    }
}

fn queues(encoder: &mut DescriptorEncoder<'_>, depths: &Depths) -> fmt::Result {
    let help = "Tasks of which something is still to come, by status";
    let mut tasks = encoder.encode_descriptor("tasks", help, None, MetricType::Gauge)?;
    for (status, count) in &depths.tasks {
        let labels = [("status", status.as_str())];
        ConstGauge::new(signed(*count)).encode(tasks.encode_family(&labels)?)?;
    }
    let help = "Effects outside that wait, or that somebody is carrying out";
    let mut effects = encoder.encode_descriptor("effects_open", help, None, MetricType::Gauge)?;
    for (state, count) in depths.effects {
        ConstGauge::new(signed(count)).encode(effects.encode_family(&[("state", state)])?)?;
    }
    Ok(())
}

/// A name, what it means, and its value of an account, if the account has it.
type Sum = (&'static str, &'static str, fn(&Money) -> Option<NanoUsd>);

fn budgets(encoder: &mut DescriptorEncoder<'_>, money: &[Money]) -> fmt::Result {
    let sums: [Sum; 3] = [
        ("budget_spent_usd", "Spent of an account by calls that are written down", |m| Some(m.state.spent)),
        ("budget_reserved_usd", "Set aside of an account and not spent", |m| {
            Some(m.state.used.saturating_sub(m.state.spent))
        }),
        ("budget_limit_usd", "The most that may be used of an account", |m| m.limit),
    ];
    for (name, help, of) in sums {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for one in money {
            let Some(amount) = of(one) else { continue };
            let labels = [("account", one.account.as_str()), ("period", one.period)];
            ConstGauge::new(amount.as_usd()).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn engines(encoder: &mut DescriptorEncoder<'_>, engines: &[EngineState]) -> fmt::Result {
    let help = "Whether the engine of a local model runs in this process's care, with the model loaded";
    let mut up = encoder.encode_descriptor("engine_up", help, None, MetricType::Gauge)?;
    for engine in engines {
        let running = i64::from(engine.pid.is_some());
        ConstGauge::new(running).encode(up.encode_family(&[("model", engine.model.as_str())])?)?;
    }
    let help = "How often an engine was started again";
    let mut restarts = encoder.encode_descriptor("engine_restarts", help, None, MetricType::Counter)?;
    for engine in engines {
        let labels = [("model", engine.model.as_str())];
        ConstCounter::new(engine.restarts).encode(restarts.encode_family(&labels)?)?;
    }
    let help = "Memory of an engine's process";
    let unit = Some(&Unit::Bytes);
    let mut memory = encoder.encode_descriptor("engine_resident_memory", help, unit, MetricType::Gauge)?;
    for engine in engines {
        let Some(resident) = engine.pid.and_then(resident) else { continue };
        let labels = [("model", engine.model.as_str())];
        ConstGauge::new(signed(resident)).encode(memory.encode_family(&labels)?)?;
    }
    Ok(())
}

/// The memory of a process, in bytes, where the system says it.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
