//! `cofounder doctor`: each part of the installation is ok, a warning or a problem, with its remedy.

use cofounder_domain::SystemClock;
use cofounder_models::DEFAULT_MODEL;
use cofounder_providers::known_env_keys;
use cofounder_storage::{Database, Location};
use serde::Serialize;
use serde_json::json;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::process::Command;

use crate::{
    app::{App, Files},
    chosen::available_memory,
    failure::Failure,
    output,
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
    name: &'static str,
    state: State,
    message: String,
    /// What to do; empty if there is nothing to do.
    remedy: String,
}

impl Check {
    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, state: State::Ok, message: message.into(), remedy: String::new() }
    }

    fn warning(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: State::Warning, message: message.into(), remedy: remedy.into() }
    }

    fn problem(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Problem, ..Self::warning(name, message, remedy) }
    }
}

pub(crate) async fn run(files: Files, as_json: bool) -> Result<(), Failure> {
    let file = files
        .config_file
        .as_ref()
        .map_or_else(|| "defaults, no file".to_owned(), |f| f.display().to_string());
    let mut checks = vec![Check::ok("configuration", file), data_dir(&files.data_dir), disk(&files.data_dir)];
    let database = database(&files).await;
    let usable = database.state != State::Problem;
    checks.extend([database, processor(), memory(&files), model(&files), pip().await]);
    checks.extend(keys());
    checks.push(sign_in(&files));
    if usable {
        checks.push(route(files).await);
    }
    let problems = checks.iter().filter(|c| c.state == State::Problem).count();
    if as_json {
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

/// Providers whose configuration cannot work would stop `serve`.
fn sign_in(files: &Files) -> Check {
    let (auth, server) = (&files.config.auth, &files.config.server);
    let site = auth.site(server.public_url.as_ref(), server.bind);
    match site.and_then(|_| auth.admission()).and_then(|_| auth.providers()) {
        Ok(_) => {
            let ways: Vec<&str> = std::iter::once("passwords").chain(auth.names()).collect();
            Check::ok("sign-in", ways.join(", "))
        }
        Err(failure) => Check::problem("sign-in", failure.text(), "correct it in the configuration"),
    }
}

async fn route(files: Files) -> Check {
    let chosen = async {
        let app = App::open(files).await?;
        let studio = app.studio().await?;
        let route = studio.route(None);
        studio.close().await;
        route
    };
    match chosen.await {
        Ok(route) => {
            let names: Vec<String> = route.targets.iter().map(ToString::to_string).collect();
            Check::ok("route", format!("{} ({})", names.join(", "), route.why))
        }
        Err(failure) => Check::problem("route", failure.text(), "see above"),
    }
}
