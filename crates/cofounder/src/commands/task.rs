//! `cofounder task`: the work that was asked for.

use cofounder_domain::Status;
use cofounder_storage::{Act, Asked, Listed, Task, Terms};

use crate::{
    app::App,
    cli::{TaskCommand, TermsArgs},
    commands::write,
    failure::Failure,
    output, result, task_view,
};

pub(crate) async fn run(app: App, command: &TaskCommand, json: bool) -> Result<(), Failure> {
    match command {
        TaskCommand::Create { topic, brief, terms } => {
            let brief = write::brief(topic, brief)?;
            let Asked { task, known } = write::create(&app, &brief, &asked(terms)).await?;
            if known {
                eprintln!("nothing was stored: task {} has this key already; it is {}", task.id, task.status);
                return stands(&app, &task, json).await;
            }
            eprintln!(
                "stored; `cofounder worker` runs it, or `cofounder task resume {}` here and now",
                task.id
            );
            if json {
                output::json(&task_view::detail(&app, &task).await?)
            } else {
                output::line(task.id.to_string())
            }
        }
        TaskCommand::List { page, status } => {
            let found = app.db.list_tasks(page.limit, page.cursor.as_deref(), *status).await?;
            output::page(json, &found.items, found.next_cursor.as_deref(), row)
        }
        TaskCommand::Show { id, journal } => {
            let task = app.db.task(app.db.find_task(id).await?).await?;
            task_view::show(&app, &task, *journal, json).await
        }
        TaskCommand::Approve { id, override_reason, publish_at: Some(at) } => {
            let task = app.db.find_task(id).await?;
            app.db.by(&Act::OPERATOR).approve_for(task, *at, override_reason.as_deref()).await?;
            eprintln!(
                "a worker that runs then, or later, publishes it: `cofounder worker` or `cofounder serve`"
            );
            stands(&app, &app.db.task(task).await?, json).await
        }
        TaskCommand::Unschedule { id } => {
            let task = app.db.by(&Act::OPERATOR).unschedule(app.db.find_task(id).await?).await?;
            stands(&app, &task, json).await
        }
        TaskCommand::Approve { id, override_reason, publish_at: None } => {
            let task = app.db.find_task(id).await?;
            let webhooks = app.webhooks()?;
            app.db
                .by(&Act::OPERATOR)
                .approve(task, override_reason.as_deref(), |post| webhooks.announcements(post))
                .await?;
            if let names @ [_, ..] = webhooks.names().as_slice() {
                let names = names.join(", ");
                eprintln!(
                    "a worker tells {names} of it; if none runs, `cofounder worker --until-idle` does it now"
                );
            }
            let folder = result::folder(&app, task).await?;
            result::show(&app, task, folder.as_deref(), json).await
        }
        TaskCommand::Reject { id, notes, rework: true, detach } => {
            let task = app.db.by(&Act::OPERATOR).send_back(app.db.find_task(id).await?, notes).await?;
            if *detach {
                return stands(&app, &task, json).await;
            }
            write::carry_out(&app, task.id, json).await
        }
        TaskCommand::Reject { id, notes, .. } => {
            moved(&app, id, Status::Rejected, &with("rejected", notes), json).await
        }
        TaskCommand::Cancel { id } => moved(&app, id, Status::Cancelled, "cancelled by a person", json).await,
        TaskCommand::Hold { id, reason } => {
            moved(&app, id, Status::OnHold, &with("set aside", reason), json).await
        }
        TaskCommand::Release { id } => {
            let task = app.db.by(&Act::OPERATOR).release_task(app.db.find_task(id).await?).await?;
            stands(&app, &task, json).await
        }
        TaskCommand::Retry { id, from, detach } => {
            let task =
                app.db.by(&Act::OPERATOR).retry_task(app.db.find_task(id).await?, from.as_deref()).await?;
            if *detach {
                return stands(&app, &task, json).await;
            }
            write::carry_out(&app, task.id, json).await
        }
        TaskCommand::Resume { id } => {
            let task = app.db.find_task(id).await?;
            if app.db.task(task).await?.status == Status::OnHold {
                app.db.by(&Act::OPERATOR).release_task(task).await?;
            }
            write::carry_out(&app, task, json).await
        }
    }
}

fn row(listed: &Listed) -> Vec<String> {
    let (id, status, at, topic) = match listed {
        Listed::Task(task) => (task.id, task.status, task.created_at, task.brief.topic.clone()),
        Listed::Unreadable { id, status, created_at, unreadable } => {
            (*id, *status, *created_at, format!("({unreadable})"))
        }
    };
    vec![id.to_string(), status.to_string(), output::minute(at), topic]
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
    let task = app.db.by(&Act::OPERATOR).move_task(app.db.find_task(id).await?, to, reason).await?;
    stands(app, &task, json).await
}

async fn stands(app: &App, task: &Task, json: bool) -> Result<(), Failure> {
    if json {
        output::json(&task_view::detail(app, task).await?)
    } else {
        output::line(format!("{} is {}", task.id, task.status))
    }
}
