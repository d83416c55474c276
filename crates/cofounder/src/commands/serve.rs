//! `cofounder serve`: the HTTP server, with a worker inside unless it is told otherwise.

use cofounder_auth::Elsewhere;
use cofounder_domain::Timestamp;
use cofounder_executor::{Report, Rule, Stop, Worker};
use cofounder_publish::Calendar;
use cofounder_research::Reference;
use cofounder_storage::Act;
use cofounder_web::{
    Component, Place, Rates, Readiness, Rules, Scrape, Service, ServiceParts, Sources, Traffic, link_path,
    listen,
};
use futures_util::FutureExt;
use prometheus_client::{metrics::info::Info, registry::Registry};
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Files},
    cli::{Global, ServeArgs},
    doors::Doors,
    failure::Failure,
    faults::{Faults, unheard},
    gauges::{Gauges, Process},
    lifecycle::{self, Manager},
    logging::{self, say},
    looked_up::LookedUp,
    parts::{Doing, components},
    reload::{self, Live},
    studio::Studio,
    workshop::Atelier,
};

/// How often what is due now and then is done: texts that are kept long enough, tokens that were used.
const NOW_AND_THEN: Duration = Duration::from_secs(5);

/// How long what has ended of signing in is kept, for whoever looks after what happened.
const ENDED: Duration = Duration::from_secs(30 * 24 * 3600);

pub(crate) async fn run(global: &Global, args: &ServeArgs) -> Result<(), Failure> {
    let (stop, hangups) =
        (lifecycle::stop_token().map_err(Failure::failed)?, lifecycle::hangups().map_err(Failure::failed)?);
    let (files, problems) = Files::look(global)?;
    logging::configure(&files.config.log);
    let bind = args.bind.unwrap_or(files.config.server.bind);
    let faults = Faults::find(&files, problems, Some(bind)).await;
    if !faults.is_empty() {
        return faults.and_database(&files).await.told();
    }
    let outage = files.config.worker.runs().outage;
    let app = Arc::new(App::open_within(files, outage, &stop).await?);
    let studio = Arc::new(app.studio().await?);
    let doors = Doors::new(&app)?;
    let config = &app.files.config;
    let listening = listen(bind).await.map_err(|error| Failure::failed(unheard(bind, &error)))?;
    let elsewhere = doors.elsewhere(&app, listening.address)?;
    let doing = Doing { serves: true, works: Some(!args.no_worker) };
    report(&components(&app, &studio, doing).await);
    let place = Place::new(config.server.public_url.clone(), listening.address);
    say(format!("listening on http://{}; ctrl-c ends it after what runs", listening.address));
    invite_owner(&app, &doors, &place).await;
    let (counted, live) = (Counted::default(), Live::new(config));
    let service = service(&app, &studio, &doors, (place, elsewhere), doing, &counted, &live, &stop)?;
    let limits = live.listen.subscribe();
    let held = config.written.clone();
    let reloading = tokio::spawn(reload::at_each_signal(hangups, global.clone(), held, Some(live)));
    Manager.ready();
    let tidying = tokio::spawn(tidy(app.clone(), doors.clone(), stop.clone()));
    // What ends one of the two ends the other.
    let ((), working) = tokio::join!(
        ending(&stop, listening.serve(service, limits, stop.clone())),
        ending(&stop, work(&app, &studio, &stop, &counted, args.no_worker)),
    );
    reloading.abort();
    drop(tidying.await);
    doors.flush().await;
    studio.close().await;
    working
}

/// What handlers work with.
#[expect(clippy::too_many_arguments, reason = "this is where the parts come together")]
fn service(
    app: &Arc<App>,
    studio: &Arc<Studio>,
    doors: &Doors,
    (place, elsewhere): (Place, Arc<Elsewhere>),
    doing: Doing,
    counted: &Counted,
    live: &Live,
    stop: &CancellationToken,
) -> Result<Service, Failure> {
    Ok(Service::new(ServiceParts {
        db: app.db.clone(),
        webhooks: app.webhooks()?,
        sources: Sources(on_the_web),
        rules: Rules(next_time),
        meter: studio.meter.clone(),
        tokens: doors.tokens.clone(),
        sessions: doors.sessions.clone(),
        people: doors.people.clone(),
        links: doors.links.clone(),
        elsewhere,
        grants: doors.grants.clone(),
        settings: Arc::new(app.files.config.settings.clone()),
        budgets: app.files.config.budget.budgets(),
        place,
        rates: Arc::new(Rates::new(app.files.config.server.rates())),
        readiness: readiness(app, studio, doing),
        scrape: scrape(app, studio, counted),
        traffic: counted.traffic.clone(),
        gateway: live.gateway.subscribe(),
        stop: stop.clone(),
    }))
}

/// Whoever starts a server in which nobody is an owner can become one.
async fn invite_owner(app: &App, doors: &Doors, place: &Place) {
    match app.db.has_owner().await {
        Ok(true) => return,
        Ok(false) => {}
        Err(error) => return tracing::warn!(%error, "whether there is an owner cannot be told now"),
    }
    if logging::is_json() {
        // What opens a door is not for those who keep logs.
        return say("nobody can sign in yet. `cofounder init` makes a link by which you become the owner");
    }
    match doors.links.for_owner(&Act::PROGRAM).await {
        Ok(made) => {
            say("nobody can sign in yet. To become the owner, open within an hour, once:");
            say(format!("  {}", place.url(&link_path(made.secret.expose_secret()))));
        }
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
    counted: &Counted,
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
    let executor = app.executor()?.with_metrics(counted.runs.clone());
    let worker = Worker::new(executor, atelier, settings).with_courier(webhooks).with_chore(calendar);
    let Report { ended, failed, released } = worker.run(&stop).await?;
    say(format!("worker: {ended} run(s) ended, {failed} failed, {released} released for others"));
    Ok(())
}

/// What is due now and then, until the program ends.
async fn tidy(app: Arc<App>, doors: Doors, stop: CancellationToken) {
    let keep = app.files.config.ledger.texts().map_or(Duration::ZERO, |texts| texts.keep);
    while !stop.is_cancelled() {
        tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(NOW_AND_THEN) => {} }
        doors.flush().await;
        // So that nobody who begins to follow the site waits for it.
        if let Err(error) = app.db.number_feed(10_000).await {
            tracing::warn!(%error, "the feed could not be numbered; it is tried again");
        }
        if let Err(error) = app.db.sweep_sign_ins(app.clock.now() - ENDED, 1_000).await {
            tracing::warn!(%error, "sessions and links that have ended could not be dropped; it is tried again");
        }
        if let Err(error) = app.db.forget_texts(app.clock.now() - keep, 1_000).await {
            tracing::warn!(%error, "texts that were kept long enough could not be dropped; it is tried again");
        }
    }
}

fn readiness(app: &Arc<App>, studio: &Arc<Studio>, doing: Doing) -> Readiness {
    let (app, studio) = (app.clone(), studio.clone());
    Readiness::new(move || {
        let (app, studio) = (app.clone(), studio.clone());
        async move { components(&app, &studio, doing).await }.boxed()
    })
}

/// The start-up report.
pub(crate) fn report(components: &[Component]) {
    for Component { name, state, why } in components {
        say(format!("{name}: {} ({why})", state.as_str()));
    }
}

/// What counts requests and runs.
#[derive(Default)]
struct Counted {
    traffic: Traffic,
    runs: cofounder_executor::Metrics,
}

/// What whoever reads the metrics is shown.
fn scrape(app: &Arc<App>, studio: &Arc<Studio>, counted: &Counted) -> Scrape {
    let mut all = Registry::default();
    all.register_collector(Box::new(Process { began: app.clock.now() }));
    let registry = all.sub_registry_with_prefix("cofounder");
    let build = vec![("version", env!("CARGO_PKG_VERSION")), ("target", std::env::consts::ARCH)];
    registry.register("build", "What is running", Info::new(build));
    counted.traffic.register(registry);
    counted.runs.register(registry);
    studio.metrics.register(registry);
    let looked_up = LookedUp::default();
    registry.register_collector(Box::new(Gauges { meter: studio.meter.clone(), db: app.db.clone() }));
    registry.register_collector(Box::new(looked_up.clone()));
    let (app, studio) = (app.clone(), studio.clone());
    Scrape::new(all, move || {
        let (app, studio, looked_up) = (app.clone(), studio.clone(), looked_up.clone());
        async move { looked_up.look(&app, &studio.launcher).await }.boxed()
    })
}
