//! `cofounder task`: the work that was asked for.

use cofounder_domain::{Status, TaskId, format_timestamp};
use cofounder_storage::{Task, Terms};
use serde_json::{Value, json};

use crate::{
    app::App,
    cli::{TaskCommand, TermsArgs},
    commands::write,
    failure::Failure,
    output, result,
};

pub(crate) async fn run(app: App, command: &TaskCommand, json: bool) -> Result<(), Failure> {
    match command {
        TaskCommand::Create { topic, brief, terms } => {
            let brief = write::brief(topic, brief)?;
            let task = write::create(&app, &brief, &asked(terms)).await?;
            eprintln!(
                "stored; `cofounder worker` runs it, or `cofounder task resume {}` here and now",
                task.id
            );
            if json { output::json(&detail(&app, &task).await?) } else { output::line(task.id.to_string()) }
        }
        TaskCommand::List { page, status } => {
            let found = app.db.list_tasks(page.limit, page.cursor.as_deref(), *status).await?;
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
            app.db.approve(task, override_reason.as_deref(), |_| Vec::new()).await?;
            let folder = result::folder(&app, task).await?;
            result::show(&app, task, folder.as_deref(), json).await
        }
        TaskCommand::Reject { id, notes } => {
            moved(&app, id, Status::Rejected, &with("rejected", notes), json).await
        }
        TaskCommand::Cancel { id } => moved(&app, id, Status::Cancelled, "cancelled by a person", json).await,
        TaskCommand::Hold { id, reason } => {
            moved(&app, id, Status::OnHold, &with("set aside", reason), json).await
        }
        TaskCommand::Release { id } => {
            let task = app.db.release_task(app.db.find_task(id).await?).await?;
            stands(&app, &task, json).await
        }
        TaskCommand::Retry { id, from, detach } => {
            let task = app.db.retry_task(app.db.find_task(id).await?, from.as_deref()).await?;
            if *detach {
                return stands(&app, &task, json).await;
            }
            write::carry_out(&app, task.id, json).await
        }
        TaskCommand::Resume { id } => {
            let task = app.db.find_task(id).await?;
            if app.db.task(task).await?.status == Status::OnHold {
                app.db.release_task(task).await?;
            }
            write::carry_out(&app, task, json).await
        }
    }
}

fn asked(args: &TermsArgs) -> Terms {
    Terms {
        priority: args.priority,
        needs: args.needs.clone().unwrap_or_default(),
        start: args.start,
        deadline: args.deadline,
        key: args.key.clone(),
    }
}

fn with(what: &str, why: &str) -> String {
    if why.trim().is_empty() { what.to_owned() } else { format!("{what}: {}", why.trim()) }
}

async fn moved(app: &App, id: &str, to: Status, reason: &str, json: bool) -> Result<(), Failure> {
    let task = app.db.move_task(app.db.find_task(id).await?, to, reason).await?;
    stands(app, &task, json).await
}

async fn stands(app: &App, task: &Task, json: bool) -> Result<(), Failure> {
    if json {
        output::json(&detail(app, task).await?)
    } else {
        output::line(format!("{} is {}", task.id, task.status))
    }
}

async fn show(app: &App, id: &str, json: bool) -> Result<(), Failure> {
    let task = app.db.task(app.db.find_task(id).await?).await?;
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
