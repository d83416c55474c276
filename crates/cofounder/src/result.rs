//! What a person gets of a task: its files and its summary.

use cofounder_domain::{Post, Report, TaskId};
use cofounder_qa as qa;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

use crate::{
    app::App,
    failure::Failure,
    files::{self, ArticleFiles},
    output,
    progress::cost,
};

/// Writes a task's article into `folder`, or, without one, nowhere, and prints what came of the task.
pub(crate) async fn show(
    app: &App,
    task: TaskId,
    folder: Option<&Path>,
    as_json: bool,
) -> Result<(), Failure> {
    let post = app
        .db
        .task_post(task)
        .await?
        .ok_or_else(|| Failure::failed(format!("the task {task} has no article")))?;
    let report = app.db.report(&post).await?;
    let written = folder.map(|folder| files::write(folder, &post, &report)).transpose()?;
    if as_json {
        output::json(&summary(app, &post, &report, written.as_ref()).await?)
    } else {
        human(app, &post, &report, written.as_ref()).await
    }
}

/// The folder that a task's files go to.
pub(crate) async fn folder(app: &App, task: TaskId) -> Result<Option<PathBuf>, Failure> {
    Ok(app.db.task(task).await?.brief.out_dir.map(PathBuf::from))
}

async fn summary(
    app: &App,
    post: &Post,
    report: &Report,
    written: Option<&ArticleFiles>,
) -> Result<Value, Failure> {
    let spent = app.db.spent(post.task_id).await?;
    let supported = report.claims.iter().filter(|c| c.supported).count();
    Ok(json!({
        "task_id": post.task_id,
        "status": app.db.task(post.task_id).await?.status,
        "gate": post.gate,
        "post": {
            "id": post.id,
            "slug": post.slug,
            "title": post.title,
            "words": words(report),
            "degraded": post.degraded,
            "markdown": written.map(|f| &f.markdown),
            "html": written.map(|f| &f.html),
            "report": written.map(|f| &f.report),
        },
        "rails": report.rails,
        "claims": {"total": report.claims.len(), "supported": supported, "unsupported": report.claims.len() - supported},
        "calls": {
            "count": spent.calls,
            "unfinished": spent.unfinished,
            "unpriced": spent.unpriced,
            "tokens_in": spent.tokens_in,
            "tokens_out": spent.tokens_out,
            "cost_usd": spent.cost.as_usd(),
        },
    }))
}

async fn human(
    app: &App,
    post: &Post,
    report: &Report,
    written: Option<&ArticleFiles>,
) -> Result<(), Failure> {
    let spent = app.db.spent(post.task_id).await?;
    let task = app.db.task(post.task_id).await?;
    let short: String = post.task_id.to_string();
    let degraded = if post.degraded.is_empty() { "" } else { ", degraded" };
    output::line(format!(
        "{}: {} words, {} claims, {}, gate {}{degraded}",
        post.title,
        words(report),
        report.claims.len(),
        task.status,
        post.gate.as_str()
    ))?;
    for reason in &post.degraded {
        output::line(format!("  degraded: {reason}"))?;
    }
    for note in &report.notes {
        output::line(format!("  note: {note}"))?;
    }
    for rail in report.rails.iter().filter(|r| r.verdict != cofounder_domain::Verdict::Pass) {
        output::line(format!("  {} {}: {}", rail.rail, verdict(rail.verdict), rail.reason))?;
    }
    output::line(format!(
        "{} model calls, {} + {} tokens, {}",
        spent.calls,
        spent.tokens_in,
        spent.tokens_out,
        cost(spent.cost, spent.unpriced)
    ))?;
    if let Some(files) = written {
        for path in [&files.markdown, &files.html, &files.report] {
            output::line(path.display().to_string())?;
        }
    }
    if task.status == cofounder_domain::Status::AwaitingApproval {
        output::line(format!(
            "next: read it, then `cofounder task approve {short}` or `cofounder task reject {short}`"
        ))?;
    }
    Ok(())
}

/// A verdict as every wire has it.
fn verdict(verdict: cofounder_domain::Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Words of the article, headings and code aside.
fn words(report: &Report) -> usize {
    let article = qa::parse(&report.draft);
    let text = article.sentences.iter().filter(|s| !matches!(s.kind, qa::Kind::Heading | qa::Kind::Code));
    text.map(|s| cofounder_domain::word_count(&qa::plain(&s.text))).sum()
}
