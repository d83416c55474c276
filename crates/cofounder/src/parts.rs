//! How each part of the program is, and why: one source for the start-up report, `/readyz` and `doctor`.

use cofounder_metering::Need;
use cofounder_providers::{Role, TargetState};
use cofounder_web::{Component, ComponentState};

use crate::{app::App, config::Config, logging, studio::Studio};

/// Calls that wait to be written into the ledger, from which on it does not keep up.
const BEHIND: usize = 1_000;

/// What of it this process does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doing {
    /// Whether it serves clients; else the parts that only a server has are told as what they would be.
    pub(crate) serves: bool,
    /// Whether it takes tasks from the queue; none if that is not for it to say.
    pub(crate) works: Option<bool>,
}

type Told = (ComponentState, String);

/// How each part is. None takes longer than its time-out to say so.
pub(crate) async fn components(app: &App, studio: &Studio, doing: Doing) -> Vec<Component> {
    let database = async {
        match app.db.check_schema().await {
            Ok(()) => (ComponentState::Ready, app.db.location().to_string()),
            Err(error) => (ComponentState::Down, error.to_string()),
        }
    };
    let [database, models] = asked(database, async { models(studio) }).await;
    let config = &app.files.config;
    let mut all = vec![database, models];
    all.extend(providers(config, studio));
    let others: [(&str, Told); 8] = [
        ("engine", engine(app, studio).await),
        ("worker", worker(doing)),
        ("research", research(config)),
        ("webhooks", webhooks(config)),
        ("ledger", ledger(studio)),
        ("gateway", gateway(config, doing)),
        ("sign-in", sign_in(config, doing)),
        ("log", (ComponentState::Ready, logging::told())),
    ];
    all.extend(others.map(|(name, (state, why))| Component::new(name, state, why)));
    all
}

/// The parts are asked at the same time, so that a slow one delays the answer by its own time only.
async fn asked(database: impl Future<Output = Told>, models: impl Future<Output = Told>) -> [Component; 2] {
    let (database, models) =
        tokio::join!(Component::within("database", database), Component::within("models", models));
    [database, models]
}

/// A program without a model that can be asked still serves what it has.
fn models(studio: &Studio) -> Told {
    let route = match studio.meter.route(Role::Chat, None, &Need::default()) {
        Ok(route) => route,
        Err(error) => return (ComponentState::Degraded, error.to_string()),
    };
    let health = studio.meter.router().health();
    let rests = |id: &str| {
        let mut targets = health.iter().flat_map(|p| &p.targets).filter(|t| t.target == id);
        targets.any(|t| matches!(t.state, TargetState::Resting(left) if !left.is_zero()))
    };
    let ids: Vec<String> = route.targets.iter().map(|t| t.id()).collect();
    let resting: Vec<&str> = ids.iter().map(String::as_str).filter(|id| rests(id)).collect();
    if resting.is_empty() {
        return (ComponentState::Ready, format!("{} ({})", ids.join(", "), route.why));
    }
    (ComponentState::Degraded, format!("failed several times and rest now: {}", resting.join(", ")))
}

/// Those of the configuration. What keeps one from being used is told with what to do.
fn providers(config: &Config, studio: &Studio) -> Vec<Component> {
    let health = studio.meter.router().health();
    let configured = health.into_iter().filter(|p| config.provider.iter().any(|(name, _)| *name == p.name));
    let told = configured.map(|provider| {
        let ill = |state| matches!(state, TargetState::Resting(left) if !left.is_zero());
        let resting: Vec<String> =
            provider.targets.iter().filter(|t| ill(t.state)).map(|t| t.target.clone()).collect();
        let (state, why) = match provider.problem {
            Some(problem) => (ComponentState::Degraded, problem),
            None if !resting.is_empty() => (
                ComponentState::Degraded,
                format!("failed several times and rest now: {}", resting.join(", ")),
            ),
            None => (ComponentState::Ready, provider.dialect.as_str().to_owned()),
        };
        Component::new(format!("provider {}", provider.name), state, why)
    });
    told.collect()
}

async fn engine(app: &App, studio: &Studio) -> Told {
    let name = &app.files.config.engine.model;
    let route = studio.meter.route(Role::Draft, None, &Need::default());
    let takes_part = |route: &cofounder_providers::Route| {
        route.targets.iter().any(|target| studio.meter.router().is_embedded(&target.provider))
    };
    if !route.as_ref().is_ok_and(takes_part) {
        return (ComponentState::Off, "no route leads to it; name it in router.prefer".to_owned());
    }
    match app.files.registry.get(name) {
        Err(_) => {
            let words = format!(
                "{name} is not here yet; the first task fetches it, or `cofounder model pull {name}`"
            );
            (ComponentState::Degraded, words)
        }
        Ok(_) if studio.launcher.runs(name).await => (ComponentState::Ready, format!("{name}, loaded")),
        Ok(_) => (ComponentState::Ready, format!("{name}, started when it is asked")),
    }
}

fn worker(doing: Doing) -> Told {
    match doing.works {
        Some(true) => (ComponentState::Ready, "takes tasks from the queue".to_owned()),
        Some(false) => (ComponentState::Off, "--no-worker".to_owned()),
        None => (ComponentState::Off, "`cofounder serve` and `cofounder worker` run tasks".to_owned()),
    }
}

fn research(config: &Config) -> Told {
    let wiki = config.research.wikipedia.base_url.host_str().unwrap_or_default();
    (ComponentState::Ready, format!("fetches what tasks name, and asks {wiki} where they name nothing"))
}

fn webhooks(config: &Config) -> Told {
    let names: Vec<&str> = config.webhook.keys().map(String::as_str).collect();
    match names.is_empty() {
        true => (ComponentState::Off, "no [webhook.NAME] is configured".to_owned()),
        false => (ComponentState::Ready, format!("{} are told of each new post", names.join(", "))),
    }
}

fn ledger(studio: &Studio) -> Told {
    match studio.meter.unwritten() {
        waiting @ BEHIND.. => (ComponentState::Degraded, format!("{waiting} calls wait to be written down")),
        _ => (ComponentState::Ready, "every call is written down".to_owned()),
    }
}

fn gateway(config: &Config, doing: Doing) -> Told {
    if !doing.serves {
        return (ComponentState::Off, "`cofounder serve` offers it".to_owned());
    }
    let largest = config.gateway.settings().largest >> 20;
    (ComponentState::Ready, format!("at /v1, requests of up to {largest} MiB"))
}

/// By what people come in. What is wrong with it keeps a server from starting.
fn sign_in(config: &Config, doing: Doing) -> Told {
    if !doing.serves {
        return (ComponentState::Off, "`cofounder serve` offers it".to_owned());
    }
    let ways: Vec<&str> = std::iter::once("passwords at /login").chain(config.auth.names()).collect();
    (ComponentState::Ready, format!("{}; programs by token", ways.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Barrier;

    /// Tried by asking one after the other: the test failed.
    #[tokio::test]
    async fn parts_that_wait_for_each_other_are_ready() {
        let both = Barrier::new(2);
        let look = || async {
            both.wait().await;
            (ComponentState::Ready, String::new())
        };
        for part in asked(look(), look()).await {
            assert_eq!(part.state, ComponentState::Ready, "{part:?}");
        }
    }
}
