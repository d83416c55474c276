//! `cofounder doctor`: each part of the installation is ok, a warning or a problem, with its remedy.

use cofounder_domain::SystemClock;
use cofounder_models::DEFAULT_MODEL;
use cofounder_providers::known_env_keys;
use cofounder_storage::{Database, Location};
use cofounder_web::{Component, ComponentState};
use serde::Serialize;
use serde_json::json;
use std::{borrow::Cow, path::Path, sync::Arc, time::Duration};
use tokio::process::Command;

use crate::{
    app::{App, Files},
    chosen::available_memory,
    cli::Global,
    failure::Failure,
    faults::Faults,
    logging, output,
    parts::{Doing, components},
    pull::megabytes,
};

/// Free disk space below which a warning is given, in bytes.
const LOW_DISK: u64 = 500_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Problem,
}

#[derive(Debug, Serialize)]
struct Check {
    name: Cow<'static, str>,
    state: State,
    message: String,
    /// What to do; empty if there is nothing to do.
    remedy: String,
}

impl Check {
    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, message: message.into(), remedy: String::new() }
    }

    fn warning(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Warning, message: message.into(), remedy: remedy.into() }
    }

    fn of_failure(name: &'static str, failure: &Failure) -> Self {
        Self::problem(name, failure.text(), "see above")
    }

    fn of_part(Component { name, state, why }: Component) -> Self {
        let message = format!("{} ({why})", state.as_str());
        let state = match state {
            ComponentState::Ready | ComponentState::Off => State::Ok,
            ComponentState::Degraded => State::Warning,
            ComponentState::Down => State::Problem,
        };
        let remedy = if state == State::Ok { String::new() } else { "see above".to_owned() };
        Self { name: name.into(), state, message, remedy }
    }

    fn problem(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Problem, ..Self::warning(name, message, remedy) }
    }
}

pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let (files, problems) = Files::look(global)?;
    logging::configure(&files.config.log);
    let mut checks = configuration(&files, problems).await;
    checks.extend([data_dir(&files.data_dir), disk(&files.data_dir)]);
    let database = database(&files).await;
    let usable = database.state != State::Problem;
    checks.extend([database, processor(), memory(&files), model(&files), pip().await]);
    checks.extend(keys());
    if usable && checks.iter().all(|check| check.name != "configuration" || check.state == State::Ok) {
        checks.extend(parts(files).await);
    }
    let problems = checks.iter().filter(|c| c.state == State::Problem).count();
    if global.json {
        output::json(&json!({"items": checks, "next_cursor": null}))?;
    } else {
        for check in &checks {
            let mark = match check.state {
                State::Ok => "ok     ",
                State::Warning => "warning",
                State::Problem => "problem",
            };
            output::line(format!("{mark}  {}: {}", check.name, check.message))?;
            if !check.remedy.is_empty() {
                output::line(format!("         remedy: {}", check.remedy))?;
            }
        }
    }
    if problems > 0 { Err(Failure::silent()) } else { Ok(()) }
}

/// What keeps it from being used, if anything does.
async fn configuration(files: &Files, problems: Vec<String>) -> Vec<Check> {
    let faults = Faults::find(files, problems, None).await;
    if faults.wrong.is_empty() {
        let file = files.config_file.as_ref();
        let file = file.map_or_else(|| "defaults, no file".to_owned(), |f| f.display().to_string());
        return vec![Check::ok("configuration", file)];
    }
    let told = faults.wrong.into_iter();
    told.map(|wrong| Check::problem("configuration", wrong, "mend it in the configuration")).collect()
}

fn data_dir(folder: &Path) -> Check {
    match crate::files::prepare(folder) {
        Ok(folder) => Check::ok("data directory", folder.display().to_string()),
        Err(_) => Check::problem(
            "data directory",
            format!("{} cannot be written", folder.display()),
            "make it writable, or name another with --data-dir",
        ),
    }
}

fn disk(folder: &Path) -> Check {
    match rustix::fs::statvfs(folder) {
        Ok(stat) => {
            let free = stat.f_bavail * stat.f_frsize;
            let message = format!("{} free", megabytes(free));
            if free < LOW_DISK {
                Check::warning(
                    "disk",
                    message,
                    "make room: a model and its working files take some hundred MB",
                )
            } else {
                Check::ok("disk", message)
            }
        }
        Err(error) => Check::warning("disk", format!("the free space is not known: {error}"), ""),
    }
}

async fn database(files: &Files) -> Check {
    let place = &files.database;
    let opened = match Database::open(place, files.config.database.pool(), Arc::new(SystemClock)).await {
        Ok(db) => db.check().await.map(|()| db.schema()),
        Err(error) => Err(error),
    };
    match opened {
        Ok(schema) => {
            let sound = if matches!(place, Location::Sqlite(_)) { ", every page is sound" } else { "" };
            Check::ok("database", format!("{place}, schema {schema}{sound}"))
        }
        Err(error) => Check::problem("database", error.to_string(), "see above"),
    }
}

/// What the embedded model's arithmetic was compiled for.
fn processor() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cfg!(all(target_arch = "x86_64", not(target_feature = "avx2"))) {
        let remedy = "build without RUSTFLAGS for AVX2 and FMA, if the processor has them: the embedded model is faster then";
        return Check::warning(
            "processor",
            format!("{cores} core(s); built for processors without AVX2"),
            remedy,
        );
    }
    Check::ok("processor", format!("{cores} core(s), built for {}", std::env::consts::ARCH))
}

fn memory(files: &Files) -> Check {
    let name = &files.config.engine.model;
    let needed = cofounder_models::find(name).map(cofounder_models::Entry::memory);
    match (available_memory(), needed) {
        (Some(free), Some(needed)) if free < needed => {
            let message = format!("{} free, and {name} needs about {}", megabytes(free), megabytes(needed));
            Check::warning("memory", message, "close programs, or use a remote model")
        }
        (Some(free), _) => Check::ok("memory", format!("{} free", megabytes(free))),
        (None, _) => Check::warning("memory", "the system does not say how much is free", ""),
    }
}

fn model(files: &Files) -> Check {
    let name = &files.config.engine.model;
    match files.registry.get(name) {
        Ok(model) => {
            Check::ok("model", format!("{name}, {}, {}", megabytes(model.bytes), model.path.display()))
        }
        Err(error) => {
            let remedy = format!("`cofounder model pull {name}`; `cofounder write` does it by itself");
            Check::warning(
                "model",
                error.to_string(),
                if name == DEFAULT_MODEL { remedy } else { String::new() },
            )
        }
    }
}

async fn pip() -> Check {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "--version"]).kill_on_drop(true).stdin(std::process::Stdio::null());
    match tokio::time::timeout(Duration::from_secs(10), command.output()).await {
        Ok(Ok(output)) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout);
            Check::ok("pip", version.split(" from ").next().unwrap_or_default().trim().to_owned())
        }
        _ => Check::warning(
            "pip",
            "`python3 -m pip` does not run",
            "install python3-pip: the default model comes through it where the hub does not answer",
        ),
    }
}

fn keys() -> Vec<Check> {
    let set = known_env_keys().filter(|key| std::env::var_os(key).is_some());
    set.map(|key| {
        Check::ok("key", format!("{key} is set; it is used only with --model or router.allow_paid"))
    })
    .collect()
}

/// The parts as a server would report them, but for the database, which was looked at more closely, and the log.
async fn parts(files: Files) -> Vec<Check> {
    let found = async {
        let app = App::open(files).await?;
        let studio = app.studio().await?;
        let (doing, route) = (Doing { serves: false, works: None }, studio.route(None));
        let parts = components(&app, &studio, doing).await;
        studio.close().await;
        Ok((parts, route))
    };
    let (parts, route) = match found.await {
        Ok(found) => found,
        Err(failure) => return vec![Check::of_failure("route", &failure)],
    };
    let route = match route {
        Ok(route) => {
            let names: Vec<String> = route.targets.iter().map(ToString::to_string).collect();
            Check::ok("route", format!("{} ({})", names.join(", "), route.why))
        }
        Err(failure) => Check::of_failure("route", &failure),
    };
    let told = parts.into_iter().filter(|part| !["database", "models", "log"].contains(&part.name.as_str()));
    [route].into_iter().chain(told.map(Check::of_part)).collect()
}
