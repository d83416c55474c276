//! `cofounder serve`: the HTTP server, with a worker inside unless it is told otherwise.

use cofounder_domain::Timestamp;
use cofounder_executor::{Report, Rule, Stop, Worker};
use cofounder_metering::Need;
use cofounder_providers::{Role, TargetState};
use cofounder_publish::Calendar;
use cofounder_research::Reference;
use cofounder_storage::Act;
use cofounder_web::{
    Component, ComponentState, Place, Readiness, Rules, Service, ServiceParts, Sources, link_path, listen,
};
use futures_util::FutureExt;
use prometheus_client::registry::Registry;
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Files},
    cli::ServeArgs,
    doors::Doors,
    failure::Failure,
    lifecycle,
    studio::Studio,
    workshop::Atelier,
};

/// How often what is due now and then is done: texts that are kept long enough, tokens that were used.
const NOW_AND_THEN: Duration = Duration::from_secs(5);

/// How long what has ended of signing in is kept, for whoever looks after what happened.
const ENDED: Duration = Duration::from_secs(30 * 24 * 3600);

pub(crate) async fn run(files: Files, args: &ServeArgs) -> Result<(), Failure> {
    let stop = lifecycle::stop_token().map_err(Failure::failed)?;
    let outage = files.config.worker.runs().outage;
    let app = Arc::new(App::open_within(files, outage, &stop).await?);
    let studio = Arc::new(app.studio().await?);
    let doors = Doors::new(&app)?;
    let config = &app.files.config;
    let bind = args.bind.unwrap_or(config.server.bind);
    let listening = listen(bind).await.map_err(|error| {
        Failure::failed(format!("{bind} cannot be listened on: {error}. Choose another with --bind"))
    })?;
    report(&components(&app, &studio, !args.no_worker).await);
    let place = Place::new(config.server.public_url.clone(), listening.address);
    eprintln!("listening on http://{}; ctrl-c ends it after what runs", listening.address);
    invite_owner(&app, &doors, &place).await;
    let service = Service::new(ServiceParts {
        db: app.db.clone(),
        webhooks: app.webhooks()?,
        sources: Sources(on_the_web),
        rules: Rules(next_time),
        meter: studio.meter.clone(),
        tokens: doors.tokens.clone(),
        sessions: doors.sessions.clone(),
        people: doors.people.clone(),
        links: doors.links.clone(),
        budgets: config.budget.budgets(),
        place,
        readiness: readiness(&app, &studio, !args.no_worker),
        registry: registry(&studio),
        gateway: config.gateway.settings(),
        stop: stop.clone(),
    });
    let tidying = tokio::spawn(tidy(app.clone(), doors.clone(), stop.clone()));
    // What ends one of the two ends the other.
    let ((), working) = tokio::join!(
        ending(&stop, listening.serve(service, config.server.settings(), stop.clone())),
        ending(&stop, work(&app, &studio, &stop, args.no_worker)),
    );
    drop(tidying.await);
    doors.flush().await;
    studio.close().await;
    working
}

/// Whoever starts a server in which nobody is an owner can become one.
async fn invite_owner(app: &App, doors: &Doors, place: &Place) {
    match app.db.has_owner().await {
        Ok(true) => return,
        Ok(false) => {}
        Err(error) => return tracing::warn!(%error, "whether there is an owner cannot be told now"),
    }
    match doors.links.for_owner(&Act::PROGRAM).await {
        Ok(made) => eprintln!(
            "nobody can sign in yet. To become the owner, open within an hour, once:\n  {}",
            place.url(&link_path(made.secret.expose_secret()))
        ),
        Err(error) => {
            tracing::warn!(%error, "no link for the first owner could be made; `cofounder init` makes one")
        }
    }
}

/// Paths are for whoever has this machine's command line.
fn on_the_web(named: &str) -> Result<(), String> {
    match Reference::parse(named) {
        Ok(Reference::Url(_)) => Ok(()),
        Ok(Reference::Path(_)) => Err(format!("`{named}` is no address on the web (http or https)")),
        Err(error) => Err(error.to_string()),
    }
}

/// The next time after a moment by a cron expression in a time zone.
fn next_time(cron: &str, zone: &str, after: Timestamp) -> Result<Option<Timestamp>, String> {
    let rule = Rule::new(cron, zone, after).map_err(|error| error.to_string())?;
    Ok(rule.after(after))
}

async fn ending<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> T {
    let done = work.await;
    stop.cancel();
    done
}

async fn work(
    app: &Arc<App>,
    studio: &Arc<Studio>,
    stop: &CancellationToken,
    off: bool,
) -> Result<(), Failure> {
    if off {
        stop.cancelled().await;
        return Ok(());
    }
    let config = &app.files.config;
    let settings = config.worker.worker(config.database.notifications);
    let stop = Stop { drain: stop.clone(), ..Stop::default() };
    let atelier = Arc::new(Atelier::new(app.clone(), studio.clone()));
    let webhooks = app.webhooks()?;
    let calendar = Arc::new(Calendar { db: app.db.clone(), webhooks: webhooks.clone() });
    let worker = Worker::new(app.executor()?, atelier, settings).with_courier(webhooks).with_chore(calendar);
    let Report { ended, failed, released } = worker.run(&stop).await?;
    eprintln!("worker: {ended} run(s) ended, {failed} failed, {released} released for others");
    Ok(())
}

/// What is due now and then, until the program ends.
async fn tidy(app: Arc<App>, doors: Doors, stop: CancellationToken) {
    let keep = app.files.config.ledger.texts().map_or(Duration::ZERO, |texts| texts.keep);
    while !stop.is_cancelled() {
        tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(NOW_AND_THEN) => {} }
        doors.flush().await;
        if let Err(error) = app.db.sweep_sign_ins(app.clock.now() - ENDED, 1_000).await {
            tracing::warn!(%error, "sessions and links that have ended could not be dropped; it is tried again");
        }
        if let Err(error) = app.db.forget_texts(app.clock.now() - keep, 1_000).await {
            tracing::warn!(%error, "texts that were kept long enough could not be dropped; it is tried again");
        }
    }
}

/// How each part is, and why.
async fn components(app: &App, studio: &Studio, worker: bool) -> Vec<Component> {
    let database = async {
        match app.db.check_schema().await {
            Ok(()) => (ComponentState::Ready, app.db.location().to_string()),
            Err(error) => (ComponentState::Down, error.to_string()),
        }
    };
    let models = async { models(studio) };
    let [database, models] = asked(database, models).await;
    let worker = match worker {
        true => (ComponentState::Ready, "takes tasks from the queue".to_owned()),
        false => (ComponentState::Off, "--no-worker".to_owned()),
    };
    vec![database, models, Component { name: "worker", state: worker.0, why: worker.1 }]
}

type Told = (ComponentState, String);

/// The parts are asked at the same time, so that a slow one delays the answer by its own time only.
async fn asked(database: impl Future<Output = Told>, models: impl Future<Output = Told>) -> [Component; 2] {
    let (database, models) =
        tokio::join!(Component::within("database", database), Component::within("models", models));
    [database, models]
}

/// A program without a model that can be asked still serves what it has.
fn models(studio: &Studio) -> (ComponentState, String) {
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

fn readiness(app: &Arc<App>, studio: &Arc<Studio>, worker: bool) -> Readiness {
    let (app, studio) = (app.clone(), studio.clone());
    Readiness::new(move || {
        let (app, studio) = (app.clone(), studio.clone());
        async move { components(&app, &studio, worker).await }.boxed()
    })
}

/// The start-up report.
fn report(components: &[Component]) {
    for Component { name, state, why } in components {
        let state = match state {
            ComponentState::Ready => "ready",
            ComponentState::Degraded => "degraded",
            ComponentState::Off => "off",
            ComponentState::Down => "down",
        };
        eprintln!("{name}: {state} ({why})");
    }
}

fn registry(studio: &Studio) -> Registry {
    let mut registry = Registry::with_prefix("cofounder");
    studio.metrics.register(&mut registry);
    registry.register_collector(Box::new(crate::gauges::Gauges::new(studio.meter.clone())));
    registry
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
