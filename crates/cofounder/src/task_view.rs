//! A task as people and programs read it: its history, its runs, each step's attempts with who held the lease, and its
//! journal.

use cofounder_domain::{NanoUsd, Timestamp, format_timestamp};
use cofounder_storage::{Task, owner_name};
use cofounder_web::documents::{self, JournalItem, StepItem, TaskDocument};
use serde::Serialize;

use crate::{app::App, failure::Failure, output, progress::cost};

/// Prints a task.
pub(crate) async fn show(app: &App, task: &Task, journal: bool, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&detail(app, task).await?);
    }
    let entries = documents::journal(&app.db, task.id).await?;
    let document = TaskDocument::of(&app.db, task, &entries).await?;
    output::line(format!("{}  {}  {}", task.id, task.status, task.brief.topic))?;
    for line in terms(task) {
        output::line(format!("  {line}"))?;
    }
    output::line("history")?;
    for entry in &document.history {
        output::line(format!("  {}  {}  {}", output::minute(entry.at.0), entry.new, entry.reason))?;
    }
    output::line("steps")?;
    for step in &document.steps {
        for line in step_lines(step) {
            output::line(format!("  {line}"))?;
        }
    }
    for note in &document.notes {
        let (at, author) = (output::minute(note.at.0), &note.author);
        output::line(format!("note {} of {author}  {at}\n  {}", note.number, note.text))?;
    }
    for effect in &document.effects {
        let said = effect.error.as_ref().or(effect.receipt.as_ref()).cloned().unwrap_or_default();
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

fn step_lines(step: &StepItem) -> Vec<String> {
    let owner = step.tries.last().map(|t| t.owner.clone()).unwrap_or_default();
    let time = step.finished_at.map_or_else(String::new, |end| seconds(step.started_at.0, end.0));
    let (tokens, spent) =
        (step.tokens_in + step.tokens_out, cost(NanoUsd::from_usd(step.cost_usd), step.calls_unpriced));
    let calls = if step.calls == 0 { String::new() } else { format!("{tokens} tokens  {spent}") };
    let unseen = match step.calls_without_end {
        0 => String::new(),
        count => format!("  {count} call(s) whose end was not seen"),
    };
    let (name, status) = (step.name.as_str(), &step.status);
    let mut lines = vec![format!(
        "{name:20} {status:11} {} attempt(s) {time:>8}  {calls:22} {owner}{unseen}",
        step.attempts
    )];
    if step.error.is_none() && !step.reasons.is_empty() {
        lines.push(format!("    {}", step.reasons.join("; ")));
    }
    for attempt in step.tries.iter().filter(|t| matches!(t.outcome.as_str(), "failed" | "interrupted")) {
        let (number, owner) = (attempt.attempt, &attempt.owner);
        lines.push(format!("    attempt {number} {} by {owner}  {}", attempt.outcome, attempt.detail));
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn seconds(from: Timestamp, to: Timestamp) -> String {
    format!("{:.1} s", (to - from).as_seconds_f64())
}

/// A task as programs read it, with its journal.
pub(crate) async fn detail(app: &App, task: &Task) -> Result<impl Serialize, Failure> {
    let entries = documents::journal(&app.db, task.id).await?;
    let task = TaskDocument::of(&app.db, task, &entries).await?;
    Ok(Whole { task, journal: entries.into_iter().map(JournalItem::from).collect() })
}

#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    task: TaskDocument,
    journal: Vec<JournalItem>,
}
