//! `cofounder task`: the work that was asked for.

use cofounder_domain::{Status, TaskId, format_timestamp};
use cofounder_storage::Task;
use serde_json::{Value, json};

use crate::{app::App, cli::TaskCommand, commands::write, failure::Failure, output, result};

pub(crate) async fn run(app: App, command: &TaskCommand, json: bool) -> Result<(), Failure> {
    match command {
        TaskCommand::Create { topic, brief } => {
            let brief = write::brief(topic, brief)?;
            let task = write::create(&app, &brief).await?;
            eprintln!("stored; run it with `cofounder task resume {}`", task.id);
            if json { output::json(&detail(&app, &task).await?) } else { output::line(task.id.to_string()) }
        }
        TaskCommand::List(page) => {
            let found = app.db.list_tasks(page.limit, page.cursor.as_deref()).await?;
            output::page(json, &found.items, found.next_cursor.as_deref(), |t| {
                vec![
                    t.id.to_string(),
                    t.status.to_string(),
                    output::minute(t.created_at),
                    t.brief.topic.clone(),
                ]
            })
        }
        TaskCommand::Show { id } => show(&app, id, json).await,
        TaskCommand::Approve { id, override_reason } => {
            let task = app.db.find_task(id).await?;
            app.db.approve(task.id, override_reason.as_deref()).await?;
            let folder = result::folder(&app, task.id).await?;
            result::show(&app, task.id, folder.as_deref(), json).await
        }
        TaskCommand::Reject { id, notes } => {
            let reason = if notes.trim().is_empty() {
                "rejected".to_owned()
            } else {
                format!("rejected: {}", notes.trim())
            };
            moved(&app, id, Status::Rejected, &reason, json).await
        }
        TaskCommand::Cancel { id } => moved(&app, id, Status::Cancelled, "cancelled by a person", json).await,
        TaskCommand::Retry { id, from } => {
            let task = app.db.find_task(id).await?;
            app.db.retry_task(task.id, from.as_deref()).await?;
            write::carry_out(&app, task.id, json).await
        }
        TaskCommand::Resume { id } => {
            let task = app.db.find_task(id).await?;
            write::carry_out(&app, task.id, json).await
        }
    }
}

async fn moved(app: &App, id: &str, to: Status, reason: &str, json: bool) -> Result<(), Failure> {
    let task = app.db.find_task(id).await?;
    let task = app.db.move_task(task.id, to, reason).await?;
    if json {
        output::json(&detail(app, &task).await?)
    } else {
        output::line(format!("{} is {}", task.id, task.status))
    }
}

async fn show(app: &App, id: &str, json: bool) -> Result<(), Failure> {
    let task = app.db.find_task(id).await?;
    let detail = detail(app, &task).await?;
    if json {
        return output::json(&detail);
    }
    output::line(format!("{}  {}  {}", task.id, task.status, task.brief.topic))?;
    if let Some(error) = &task.error {
        output::line(format!("  failed: {error}"))?;
    }
    for entry in app.db.history(task.id).await? {
        output::line(format!("  {}  {}  {}", output::minute(entry.at), entry.new, entry.reason))?;
    }
    for step in app.db.steps(task.id).await? {
        let why = step.error.clone().unwrap_or_else(|| step.reasons.join("; "));
        output::line(
            format!(
                "  {:20} {:9} attempt {}  {why}",
                step.name.as_str(),
                step.status.as_str(),
                step.attempts
            )
            .trim_end(),
        )?;
    }
    if let Some(post) = app.db.task_post(task.id).await? {
        output::line(format!(
            "  post {} (revision {}, gate {})",
            post.slug,
            post.revision,
            post.gate.as_str()
        ))?;
    }
    Ok(())
}

/// A task as programs read it.
async fn detail(app: &App, task: &Task) -> Result<Value, Failure> {
    let spent = app.db.spent(task.id).await?;
    let post = app.db.task_post(task.id).await?;
    Ok(json!({
        "id": task.id,
        "status": task.status,
        "brief": task.brief,
        "error": task.error,
        "created_at": format_timestamp(task.created_at),
        "updated_at": format_timestamp(task.updated_at),
        "steps": steps(app, task.id).await?,
        "history": app.db.history(task.id).await?,
        "post_id": post.as_ref().map(|p| p.id),
        "gate": post.as_ref().map(|p| p.gate),
        "calls": {"count": spent.calls, "unfinished": spent.unfinished, "tokens_in": spent.tokens_in, "tokens_out": spent.tokens_out},
        "cost_usd": spent.cost.as_usd(),
    }))
}

async fn steps(app: &App, task: TaskId) -> Result<Vec<Value>, Failure> {
    let steps = app.db.steps(task).await?;
    Ok(steps
        .iter()
        .map(|s| {
            json!({
                "name": s.name,
                "status": s.status,
                "attempts": s.attempts,
                "started_at": format_timestamp(s.started_at),
                "finished_at": s.finished_at.map(format_timestamp),
                "reasons": s.reasons,
                "error": s.error,
            })
        })
        .collect())
}
