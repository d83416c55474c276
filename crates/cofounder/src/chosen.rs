//! Which model a task is written with: fetched if it is missing, measured if it is new, and told to the person.

use cofounder_metering::Need;
use cofounder_models::{Ability, better_for};
use cofounder_pipeline::{PROBE_VERSION, Probe, Strategy, probe};
use cofounder_providers::{EMBEDDED, Role, Route};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    failure::Failure,
    logging::say,
    pull::{PullBar, fetch, megabytes},
    studio::Studio,
};

/// Makes sure that the model that will write is here and measured, and says which it is, why, and what would be
/// better on this machine. Returns how articles are written with it.
pub(crate) async fn prepare(
    app: &App,
    studio: &Studio,
    pin: Option<&str>,
    cancel: &CancellationToken,
) -> Result<Strategy, Failure> {
    let route = studio.route(pin)?;
    let Some(first) = route.targets.first() else {
        return Err(Failure::failed("no model can take this task"));
    };
    say(format!("model: {first} ({})", route.why));
    tell_passed_over(&route);
    if !studio.meter.router().is_embedded(&first.provider) {
        // Remote models count as able: nobody wants to pay for a probe.
        check_others(studio, pin)?;
        return Ok(Strategy::Sections);
    }
    let installed = match app.files.registry.get(&first.model) {
        Ok(installed) => installed,
        Err(_) => {
            let bar = PullBar::new();
            let fetched = fetch(&app.files, &first.model, &bar, cancel).await;
            bar.finish();
            fetched?
        }
    };
    tell_better(&first.model);
    if let Some(ability) = installed.ability.filter(|a| a.probe == PROBE_VERSION)
        && let Some(strategy) = Strategy::from_name(&ability.strategy)
    {
        return Ok(strategy);
    }
    measure(app, studio, &first.model, cancel).await.map(|probe| probe.strategy)
}

/// A role that no model can take would be noticed when its turn comes, after others were paid for.
fn check_others(studio: &Studio, pin: Option<&str>) -> Result<(), Failure> {
    for role in [Role::Outline, Role::Critic, Role::Verify, Role::Seo] {
        let route = studio.meter.route(role, pin, &Need::default());
        route.map_err(|error| Failure::of(error.kind(), error).and("No model was asked"))?;
    }
    Ok(())
}

/// Asks the model a few questions and keeps what came of it with the model.
pub(crate) async fn measure(
    app: &App,
    studio: &Studio,
    model: &str,
    cancel: &CancellationToken,
) -> Result<Probe, Failure> {
    let pin = format!("{EMBEDDED}/{model}");
    let probe = probe(&studio.meter, &pin, cancel).await.map_err(|e| Failure::of(e.kind(), e))?;
    let Probe { strategy, sentences, supported } = &probe;
    let ability = Ability {
        probe: PROBE_VERSION,
        strategy: strategy.name().to_owned(),
        sentences: *sentences,
        supported: *supported,
    };
    app.files.registry.set_ability(model, ability).map_err(|e| Failure::of(e.kind(), e))?;
    let how = match strategy {
        Strategy::Sections => "it can write whole sections",
        Strategy::Sentences => {
            "it is too small for whole sections: articles are written sentence by sentence, and what fails a check is quoted"
        }
    };
    say(format!(
        "probe: {supported} of {sentences} sentences of {model} were cited, supported and its own; {how}"
    ));
    Ok(probe)
}

fn tell_passed_over(route: &Route) {
    for (name, why) in &route.passed_over {
        say(format!("  not used: {name} ({why})"));
    }
}

fn tell_better(model: &str) {
    if let Some(available) = available_memory()
        && let Some(better) = better_for(available, model)
    {
        say(format!(
            "  better on this machine: {} ({}, {} to fetch, needs about {} of memory of {} free): `cofounder model pull {}`, then --model {}",
            better.title,
            better.licence,
            megabytes(better.bytes),
            megabytes(better.memory()),
            megabytes(available),
            better.name,
            better.name
        ));
    }
}

/// Memory that programs can still have, in bytes, as the system estimates it.
pub(crate) fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
