//! A task as people and programs read it: its history, its runs, each step's attempts with who held the lease, and its
//! journal.

use cofounder_domain::{Status, StepPath, StepStatus, TaskId, Timestamp, format_timestamp};
use cofounder_storage::{JournalEvent, Spent, StepRecord, Task, owner_name};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{app::App, failure::Failure, output, progress::cost};

/// Entries that are read at a time.
const PAGE: u64 = 1_000;

/// One attempt at a step, as the journal tells it.
#[derive(Debug, Serialize)]
struct Try {
    /// From 1.
    attempt: u32,
    /// Who held the lease.
    owner: String,
    #[serde(serialize_with = "rfc3339")]
    started_at: Timestamp,
    /// Absent if it never came to an end.
    finished_at: Option<String>,
    /// `done`, `degraded`, `skipped`, `failed`, or `interrupted` if nothing was written down.
    outcome: String,
    /// What the journal says of its end.
    detail: String,
}

fn rfc3339<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_timestamp(*at))
}

/// Prints a task.
pub(crate) async fn show(app: &App, task: &Task, journal: bool, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&detail(app, task).await?);
    }
    output::line(format!("{}  {}  {}", task.id, task.status, task.brief.topic))?;
    for line in terms(task) {
        output::line(format!("  {line}"))?;
    }
    output::line("history")?;
    for entry in app.db.history(task.id).await? {
        output::line(format!("  {}  {}  {}", output::minute(entry.at), entry.new, entry.reason))?;
    }
    let entries = entries(app, task.id).await?;
    let spent = app.db.spent_by_step(task.id).await?;
    output::line("steps")?;
    for step in app.db.steps(task.id).await? {
        let spent = spent.get(&step.name).copied().unwrap_or_default();
        for line in
            step_lines(&step, standing(task, &step), spent, &tries(&entries, &step.name, running(task)))
        {
            output::line(format!("  {line}"))?;
        }
    }
    for effect in app.db.effects(task.id).await? {
        let said = effect.error.or(effect.receipt).unwrap_or_default();
        let line = format!(
            "  {} {}  {}  {} attempt(s)  {said}",
            effect.kind, effect.target, effect.state, effect.attempts
        );
        output::line(line.trim_end())?;
    }
    if let Some(post) = app.db.task_post(task.id).await? {
        let gate = post.gate.as_str();
        output::line(format!("post\n  {} (revision {}, gate {gate})", post.slug, post.revision))?;
    }
    if journal {
        output::line("journal")?;
        for entry in &entries {
            let owner = entry.owner.as_deref().map(owner_name).unwrap_or_default();
            let at = format_timestamp(entry.at);
            let line = format!(
                "  {:>4}  {at}  {:14} {} {}  {owner}",
                entry.seq, entry.event, entry.path, entry.detail
            );
            output::line(line.trim_end())?;
        }
    }
    Ok(())
}

/// What was agreed beside the brief, and where it stands.
fn terms(task: &Task) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(task.error.as_ref().map(|error| format!("failed: {error}")));
    lines.extend(task.owner.as_ref().map(|owner| format!("run by {}", owner_name(owner))));
    if task.priority != 0 {
        lines.push(format!("priority {}", task.priority));
    }
    if !task.needs.is_empty() {
        lines.push(format!("needs a worker with `{}`", task.needs));
    }
    if task.ready_at > task.created_at {
        lines.push(format!("not before {}", format_timestamp(task.ready_at)));
    }
    lines.extend(task.deadline_at.map(|at| format!("to be done by {}", format_timestamp(at))));
    lines
}

fn step_lines(step: &StepRecord, standing: &str, spent: Spent, tries: &[Try]) -> Vec<String> {
    let owner = tries.last().map(|t| t.owner.clone()).unwrap_or_default();
    let time = step.finished_at.map_or_else(String::new, |end| seconds(step.started_at, end));
    let tokens = spent.tokens_in + spent.tokens_out;
    let calls =
        if spent.calls == 0 { String::new() } else { format!("{tokens} tokens  {}", cost(spent.cost)) };
    let unseen = match spent.unfinished {
        0 => String::new(),
        count => format!("  {count} call(s) whose end was not seen"),
    };
    let name = step.name.as_str();
    let mut lines = vec![format!(
        "{name:20} {standing:11} {} attempt(s) {time:>8}  {calls:22} {owner}{unseen}",
        step.attempts
    )];
    if step.error.is_none() && !step.reasons.is_empty() {
        lines.push(format!("    {}", step.reasons.join("; ")));
    }
    for attempt in tries.iter().filter(|t| matches!(t.outcome.as_str(), "failed" | "interrupted")) {
        let (number, owner) = (attempt.attempt, &attempt.owner);
        lines.push(format!("    attempt {number} {} by {owner}  {}", attempt.outcome, attempt.detail));
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Where a step stands. One that was begun and not ended is running only while its task is.
fn standing(task: &Task, step: &StepRecord) -> &'static str {
    if step.status == StepStatus::Running && !running(task) { "interrupted" } else { step.status.as_str() }
}

fn running(task: &Task) -> bool {
    task.status == Status::InProgress
}

fn seconds(from: Timestamp, to: Timestamp) -> String {
    format!("{:.1} s", (to - from).as_seconds_f64())
}

/// The attempts at a step, in order; `running` says whether the task is being run now.
fn tries(entries: &[JournalEvent], step: &StepPath, running: bool) -> Vec<Try> {
    let mut tries: Vec<Try> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.path == step.as_str()) {
        match entry.event.strip_prefix("step_") {
            Some("started") => tries.push(Try {
                attempt: u32::try_from(tries.len()).unwrap_or(u32::MAX).saturating_add(1),
                owner: entry.owner.as_deref().map(owner_name).unwrap_or_default(),
                started_at: entry.at,
                finished_at: None,
                outcome: "interrupted".to_owned(),
                detail: String::new(),
            }),
            Some(outcome @ ("done" | "degraded" | "skipped" | "failed")) => {
                if let Some(last) = tries.last_mut() {
                    last.finished_at = Some(format_timestamp(entry.at));
                    last.outcome = outcome.to_owned();
                    last.detail.clone_from(&entry.detail);
                }
            }
            _ => {}
        }
    }
    if let Some(last) = tries.last_mut().filter(|t| running && t.finished_at.is_none()) {
        last.outcome = "running".to_owned();
    }
    tries
}

async fn entries(app: &App, task: TaskId) -> Result<Vec<JournalEvent>, Failure> {
    let mut entries: Vec<JournalEvent> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.seq);
        let page = app.db.journal(task, after, PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

/// A task as programs read it.
pub(crate) async fn detail(app: &App, task: &Task) -> Result<Value, Failure> {
    let spent = app.db.spent(task.id).await?;
    let post = app.db.task_post(task.id).await?;
    let entries = entries(app, task.id).await?;
    Ok(json!({
        "id": task.id,
        "status": task.status,
        "brief": task.brief,
        "error": task.error,
        "priority": task.priority,
        "needs": task.needs,
        "start": format_timestamp(task.ready_at),
        "deadline": task.deadline_at.map(format_timestamp),
        "owner": task.owner.as_deref().map(owner_name),
        "created_at": format_timestamp(task.created_at),
        "updated_at": format_timestamp(task.updated_at),
        "steps": steps(app, task, &entries).await?,
        "runs": runs(app, task.id).await?,
        "history": app.db.history(task.id).await?,
        "effects": app.db.effects(task.id).await?,
        "post_id": post.as_ref().map(|p| p.id),
        "gate": post.as_ref().map(|p| p.gate),
        "calls": {"count": spent.calls, "unfinished": spent.unfinished, "tokens_in": spent.tokens_in, "tokens_out": spent.tokens_out},
        "cost_usd": spent.cost.as_usd(),
        "journal": entries,
    }))
}

async fn steps(app: &App, task: &Task, entries: &[JournalEvent]) -> Result<Vec<Value>, Failure> {
    let spent = app.db.spent_by_step(task.id).await?;
    let steps = app.db.steps(task.id).await?;
    Ok(steps
        .iter()
        .map(|s| {
            let spent = spent.get(&s.name).copied().unwrap_or_default();
            json!({
                "name": s.name,
                "status": standing(task, s),
                "attempts": s.attempts,
                "started_at": format_timestamp(s.started_at),
                "finished_at": s.finished_at.map(format_timestamp),
                "reasons": s.reasons,
                "error": s.error,
                "tokens_in": spent.tokens_in,
                "tokens_out": spent.tokens_out,
                "cost_usd": spent.cost.as_usd(),
                "calls_without_end": spent.unfinished,
                "tries": tries(entries, &s.name, running(task)),
            })
        })
        .collect())
}

async fn runs(app: &App, task: TaskId) -> Result<Vec<Value>, Failure> {
    let runs = app.db.runs(task).await?;
    let shown = |run: &cofounder_storage::RunRecord| {
        json!({
            "fence": run.fence,
            "owner": owner_name(&run.owner),
            "started_at": format_timestamp(run.started_at),
            "ended_at": run.ended_at.map(format_timestamp),
            "outcome": run.outcome,
        })
    };
    Ok(runs.iter().map(shown).collect())
}
