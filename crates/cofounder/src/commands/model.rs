//! `cofounder model`: local models.

use cofounder_models::{CATALOGUE, Entry, Installed, Placement, find};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Files},
    chosen,
    cli::ModelCommand,
    commands::model_route,
    failure::Failure,
    lifecycle, output,
    pull::{PullBar, fetch, megabytes},
};

pub(crate) async fn run(files: Files, command: &ModelCommand, json: bool) -> Result<(), Failure> {
    match command {
        ModelCommand::List => list(&files, json),
        ModelCommand::Route { .. } => model_route::run(App::open(files).await?, command, json).await,
        ModelCommand::Rm { name } => {
            files.registry.rm(name).map_err(|e| Failure::of(e.kind(), e))?;
            if json {
                output::json(&json!({"removed": name}))
            } else {
                output::line(format!("{name} is removed"))
            }
        }
        ModelCommand::Pull { name, file } => {
            let stop = lifecycle::stop_token().map_err(Failure::failed)?;
            let bar = PullBar::new();
            let installed = match file {
                None => fetch(&files, name, &bar, &stop).await,
                Some(path) => register(&files, name, path.clone(), &stop).await,
            };
            bar.finish();
            pulled(files, installed?, json, &stop).await
        }
    }
}

async fn register(
    files: &Files,
    name: &str,
    path: std::path::PathBuf,
    stop: &CancellationToken,
) -> Result<Installed, Failure> {
    let (registry, name, stop) = (files.registry.clone(), name.to_owned(), stop.clone());
    let work = move || registry.register_file(&name, &path, Placement::Copy, &stop, |_| {});
    let registered = tokio::task::spawn_blocking(work).await.map_err(Failure::failed)?;
    registered.map_err(|e| Failure::of(e.kind(), e))
}

/// Measures what the model is able to and tells what is here now.
async fn pulled(
    files: Files,
    installed: Installed,
    json: bool,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let name = installed.name.clone();
    if installed.ability.is_none() {
        let app = App::open(files).await?;
        let studio = app.studio().await?;
        let measured = chosen::measure(&app, &studio, &name, stop).await;
        studio.close().await;
        measured
            .map_err(|f| f.and("The model is here and checked; only its ability could not be measured"))?;
        return told(&app.files.registry.get(&name).map_err(|e| Failure::of(e.kind(), e))?, json);
    }
    told(&installed, json)
}

fn told(model: &Installed, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&described(model));
    }
    output::line(format!("{}  {}  {}", model.name, megabytes(model.bytes), model.path.display()))
}

fn list(files: &Files, json: bool) -> Result<(), Failure> {
    let listing = files.registry.list().map_err(|e| Failure::of(e.kind(), e))?;
    for problem in &listing.problems {
        eprintln!("warning: {problem}");
    }
    let here = listing.models.iter().map(described);
    let from =
        |e: &Entry| [e.hub.map(|_| "hub"), e.wheel.map(|_| "pip")].into_iter().flatten().collect::<Vec<_>>();
    let others = CATALOGUE.iter().filter(|e| !listing.models.iter().any(|m| m.name == e.name)).map(|e| {
        json!({
            "name": e.name, "title": e.title, "installed": false, "bytes": e.bytes, "memory_bytes": e.memory(),
            "parameters": e.parameters, "licence": e.licence, "quantisation": e.quantisation,
            "sources": from(e),
        })
    });
    let items: Vec<Value> = here.chain(others).collect();
    output::page(json, &items, None, |m| {
        let text = |key: &str| m[key].as_str().unwrap_or_default().to_owned();
        let size = |key: &str| m[key].as_u64().map_or_else(String::new, megabytes);
        let state = if m["installed"] == true { "here" } else { "can be had" };
        vec![
            text("name"),
            state.to_owned(),
            size("bytes"),
            format!("{} of memory", size("memory_bytes")),
            text("licence"),
            text("strategy"),
        ]
    })
}

fn described(model: &Installed) -> Value {
    json!({
        "name": model.name, "installed": true, "path": model.path, "bytes": model.bytes, "sha256": model.sha256,
        "parameters": model.parameters, "architecture": model.architecture, "context": model.context_length,
        "licence": model.licence, "origin": model.origin,
        "memory_bytes": find(&model.name).map(Entry::memory),
        "strategy": model.ability.as_ref().map(|a| &a.strategy),
        "probe": model.ability,
    })
}
