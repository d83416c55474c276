//! `cofounder provider`: places where models are.

use cofounder_domain::{StepPath, format_timestamp};
use cofounder_metering::{Call, ChatRequest, Message};
use cofounder_providers::{ProviderHealth, Role, TargetState};
use cofounder_storage::owner_name;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Files},
    cli::ProviderCommand,
    commands::provider_add,
    failure::Failure,
    output,
    studio::Studio,
};

/// How long a provider may take to list its models.
const PATIENCE: Duration = Duration::from_secs(20);
/// Models that are shown of a longer list.
const SHOWN: usize = 8;

pub(crate) async fn run(files: Files, command: &ProviderCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        ProviderCommand::Add { name, place } => {
            let written = provider_add::add(&files, name, place)?;
            eprintln!("{written}");
            // As any later command sees it.
            let app = App::open(files.reread()?).await?;
            let told = if place.no_test { Ok(()) } else { added(&app, name, &place.models, as_json).await };
            tell_who_writes(App { files: app.files.reread()?, ..app }).await?;
            told.map_err(|failure| failure.and(format!("The section [provider.{name}] is written; when this is mended, `cofounder provider test {name}` tries it again")))
        }
        ProviderCommand::Test { name, model } => tested(files, name, model.as_deref(), as_json).await,
        ProviderCommand::List => list(App::open(files).await?, as_json).await,
    }
}

/// Tries a provider that was written just now. One on this machine or its network costs nothing: its models are written
/// down as well, so that it is used from now on.
async fn added(app: &App, name: &str, named: &[String], as_json: bool) -> Result<(), Failure> {
    let studio = app.studio().await?;
    let told = test(&studio, name, None).await;
    let near = studio.meter.router().health().iter().any(|p| p.name == name && p.local);
    studio.close().await;
    let told = told?;
    let models: Vec<String> = names(&told).map(str::to_owned).collect();
    for model in named.iter().filter(|model| !models.is_empty() && !models.contains(model)) {
        eprintln!(
            "{name} does not list the model {model}: check its name, or try it with `cofounder provider test {name} --model {model}`"
        );
    }
    if near && named.is_empty() && !models.is_empty() {
        provider_add::add_models(&app.files, name, &models)?;
        eprintln!("its models are written there too, and take calls from now on");
    }
    shown(name, &told, as_json)
}

/// What a new section means for articles: who writes them, or that nobody does any more.
async fn tell_who_writes(app: App) -> Result<(), Failure> {
    let studio = app.studio().await?;
    match studio.route(None) {
        Ok(route) => {
            let first = route.targets.first().map(ToString::to_string).unwrap_or_default();
            eprintln!("articles are written with {first} now ({})", route.why);
        }
        Err(failure) => {
            eprintln!("no model writes articles now unless one is named with --model: {}", failure.text())
        }
    }
    studio.close().await;
    Ok(())
}

fn names(told: &Value) -> impl Iterator<Item = &str> {
    told["models"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

async fn tested(files: Files, name: &str, model: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let app = App::open(files).await?;
    let studio = app.studio().await?;
    let done = test(&studio, name, model).await;
    studio.close().await;
    shown(name, &done?, as_json)
}

fn shown(name: &str, told: &Value, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(told);
    }
    let models: Vec<&str> = names(told).collect();
    let more = models.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = models.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    output::line(format!(
        "{name} answers in {} ms and has {} model(s): {shown}{more}",
        told["ms"],
        models.len()
    ))?;
    match told.get("answer") {
        Some(answer) => output::line(format!(
            "{} answered in {} ms: {}",
            answer["model"].as_str().unwrap_or_default(),
            answer["ms"],
            answer["text"]
        )),
        None => {
            eprintln!(
                "use one with `cofounder write … --model {name}/MODEL`, or ask it something with `cofounder provider test {name} --model MODEL`"
            );
            Ok(())
        }
    }
}

/// What it lists, and what a model of it answers.
async fn test(studio: &Studio, name: &str, model: Option<&str>) -> Result<Value, Failure> {
    let router = studio.meter.router();
    let begun = Instant::now();
    let models = router.list_models(name, PATIENCE).await.map_err(|e| Failure::of(e.kind(), e))?;
    let mut told = json!({"provider": name, "ms": millis(begun), "models": models});
    if let Some(model) = model {
        let begun = Instant::now();
        let request = ChatRequest {
            messages: vec![Message::user("Answer with the one word: ready")],
            max_tokens: Some(64),
            ..ChatRequest::default()
        };
        let pin =
            if model.starts_with(&format!("{name}/")) { model.to_owned() } else { format!("{name}/{model}") };
        let call = Call {
            run: None,
            step: &StepPath::new("provider-test"),
            ordinal: 0,
            role: Role::Chat,
            pin: Some(&pin),
            request,
            cancel: CancellationToken::new(),
            deadline: None,
        };
        let answer = studio.meter.chat(call).await.map_err(|e| Failure::of(e.kind(), e))?;
        told["answer"] = json!({"model": answer.model, "text": answer.text, "ms": millis(begun), "cost_usd": answer.cost.as_usd()});
    }
    Ok(told)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What this process knows from the configuration, and what running ones have seen.
async fn list(app: App, as_json: bool) -> Result<(), Failure> {
    let studio = app.studio().await?;
    let (health, owner) = (studio.meter.router().health(), app.owner()?);
    studio.close().await;
    let now = app.clock.now();
    let mut seen: Vec<Value> = Vec::new();
    for (process, target) in app.db.health().await? {
        if owner.is_gone(&process) {
            app.db.forget_health(&process).await?;
            continue;
        }
        // A rest that is over is waiting for its probe.
        let over = target.until.is_some_and(|until| until <= now);
        let state = if over { "waits for a probe".to_owned() } else { target.state.clone() };
        seen.push(json!({
            "target": target.target, "state": state, "failures": target.failures, "until": target.until.map(format_timestamp),
            "last_error": target.last_error, "process": owner_name(&process), "at": format_timestamp(target.updated_at),
        }));
    }
    let items: Vec<Value> = health.iter().map(|provider| described(provider, &seen)).collect();
    output::page(as_json, &items, None, |item| {
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let models: Vec<&str> =
            item["targets"].as_array().into_iter().flatten().filter_map(|t| t["target"].as_str()).collect();
        let resting = item["seen"].as_array().into_iter().flatten().filter(|s| s["state"] != "ready");
        let resting: Vec<String> = resting
            .map(|s| {
                format!(
                    "{} {} in {}: {}",
                    s["target"].as_str().unwrap_or_default(),
                    s["state"].as_str().unwrap_or_default(),
                    s["process"].as_str().unwrap_or_default(),
                    s["last_error"].as_str().unwrap_or_default()
                )
            })
            .collect();
        let state = match item["problem"].as_str() {
            Some(problem) => problem.to_owned(),
            None if item["seen"] == json!([]) => "not tried by a running process".to_owned(),
            None if resting.is_empty() => "ready".to_owned(),
            None => resting.join("; "),
        };
        vec![
            text("name"),
            text("dialect"),
            if item["local"] == true { "near".to_owned() } else { "remote".to_owned() },
            models.join(", "),
            state,
        ]
    })
}

fn described(provider: &ProviderHealth, seen: &[Value]) -> Value {
    let prefix = format!("{}/", provider.name);
    let own: Vec<&Value> =
        seen.iter().filter(|s| s["target"].as_str().is_some_and(|t| t.starts_with(&prefix))).collect();
    let targets: Vec<Value> = provider
        .targets
        .iter()
        .map(|t| {
            let state = match t.state {
                TargetState::Ready => "ready",
                TargetState::Cooling(_) => "cooling",
                TargetState::Resting(_) => "resting",
            };
            json!({"target": t.target, "state": state, "last_error": t.last_error})
        })
        .collect();
    json!({
        "name": provider.name, "dialect": provider.dialect, "local": provider.local, "problem": provider.problem,
        "targets": targets, "seen": own,
    })
}
