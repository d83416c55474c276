//! `cofounder write`: one task, from the brief to a draft that waits for approval, in this process.

use cofounder_domain::{Brief, Status, TaskId};
use cofounder_executor::Finished;
use cofounder_research::{Reference, read_path};
use cofounder_storage::{Act, Asked, NewSource, Terms};
use std::{path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    chosen,
    cli::{BriefArgs, WriteArgs},
    failure::Failure,
    files, lifecycle,
    progress::Display,
    result,
};

pub(crate) async fn run(app: App, args: &WriteArgs, json: bool) -> Result<(), Failure> {
    let mut brief = brief(&args.topic, &args.brief)?;
    let folder = files::prepare(&args.out)?;
    brief.out_dir = Some(folder.display().to_string());
    let Asked { task, .. } = create(&app, &brief, &Terms::default()).await?;
    eprintln!("task: {}", task.id);
    carry_out(&app, task.id, json).await
}

/// The brief that the options make.
pub(crate) fn brief(topic: &str, args: &BriefArgs) -> Result<Brief, Failure> {
    Brief::new(topic, args.words, args.sources.clone(), args.model.clone()).map_err(Failure::usage)
}

/// Reads the brief's paths and stores all of it. Addresses are only checked here: they are fetched when the task runs.
pub(crate) async fn create(app: &App, brief: &Brief, terms: &Terms) -> Result<Asked, Failure> {
    let limits = &app.files.config.research.limits;
    let mut sources = Vec::new();
    for named in &brief.sources {
        let Reference::Path(path) = Reference::parse(named).map_err(|e| Failure::of(e.kind(), e))? else {
            continue;
        };
        let reading = read_path(&path, limits).await.map_err(|e| Failure::of(e.kind(), e))?;
        for skipped in &reading.skipped {
            eprintln!("  not read: {} ({})", skipped.uri, skipped.reason);
        }
        sources.extend(
            reading.documents.into_iter().map(|d| NewSource { source: d.source, bytes: d.bytes.to_vec() }),
        );
    }
    Ok(app.db.by(&Act::OPERATOR).ask_for_task(brief, &sources, terms).await?)
}

/// Runs a task that is stored, to its end or until it is interrupted, and prints what came of it.
pub(crate) async fn carry_out(app: &App, task: TaskId, json: bool) -> Result<(), Failure> {
    let stop = lifecycle::stop_token().map_err(Failure::failed)?;
    let outcome = work(app, task, &stop).await;
    let resume = format!("`cofounder task resume {task}`");
    match outcome {
        Err(failure) if stop.is_cancelled() => Err(failure.and(format!("The task is kept. Go on with {resume}"))),
        Err(failure) => Err(failure.and(format!("The task is kept; when this is mended, go on with {resume}, or leave it to a worker: `cofounder worker` and `cofounder serve` take what waits"))),
        Ok(Finished::Ended(_)) => shown(app, task, json).await,
        Ok(Finished::Settled(status)) => settled(app, task, status, json).await,
        Ok(Finished::Interrupted) => Err(Failure::failed(format!("stopped. Everything so far is kept. Go on with {resume}"))),
        Ok(Finished::Lost) => {
            let status = app.db.task(task).await?.status;
            Err(Failure::failed(format!("another process has moved the task on: it is {status} now. `cofounder task show {task}` tells more")))
        }
        Ok(Finished::Failed(error)) => Err(Failure::of(error.kind(), &error).failed_task().and(format!(
            "The task is kept as failed, with all that was done: `cofounder task show {task}`. Try again with `cofounder task retry {task}`"
        ))),
    }
}

async fn work(app: &App, task: TaskId, stop: &CancellationToken) -> Result<Finished, Failure> {
    let stored = app.db.task(task).await?;
    if !matches!(stored.status, Status::Pending | Status::InProgress) {
        return Ok(Finished::Settled(stored.status));
    }
    let pin = stored.brief.model.as_deref();
    let studio = app.studio().await?;
    let outcome = async {
        let strategy = chosen::prepare(app, &studio, pin, stop).await?;
        let display = Arc::new(Display::new(studio.tally.clone()));
        app.run(task, &studio, strategy, display, stop).await
    };
    let outcome = outcome.await;
    studio.close().await;
    outcome
}

async fn shown(app: &App, task: TaskId, json: bool) -> Result<(), Failure> {
    let folder = result::folder(app, task).await?;
    result::show(app, task, folder.as_deref().or(Some(Path::new("out"))), json).await
}

/// A task that needs no run: what it came to is printed again.
async fn settled(app: &App, task: TaskId, status: Status, json: bool) -> Result<(), Failure> {
    match status {
        Status::AwaitingApproval | Status::Approved | Status::Published => shown(app, task, json).await,
        _ => {
            let error = app.db.task(task).await?.error.map_or_else(String::new, |e| format!(": {e}"));
            Err(Failure::failed(format!(
                "the task is {status}{error}. `cofounder task retry {task}` runs it again"
            )))
        }
    }
}
