//! `cofounder ledger`: every model call, who asked, what it took and why that model was chosen.

use cofounder_domain::{NanoUsd, format_timestamp};
use cofounder_storage::{LedgerFilter, LedgerRow, SumBy, owner_name};
use serde_json::{Value, json};

use crate::{
    app::App,
    cli::{LedgerBy, LedgerCommand, LedgerFilterArgs},
    failure::Failure,
    output,
    progress::cost,
};

pub(crate) async fn run(app: App, command: &LedgerCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        LedgerCommand::List { page, filter } => {
            let found = app.db.ledger(&asked(filter)?, page.limit, page.cursor.as_deref()).await?;
            let items: Vec<Value> = found.items.iter().map(shown).collect();
            output::page(as_json, &items, found.next_cursor.as_deref(), |item| {
                let text = |key: &str| item[key].as_str().unwrap_or("-").to_owned();
                let count = |key: &str| item[key].as_u64().unwrap_or_default();
                vec![
                    text("at").chars().take(19).collect(),
                    text("state"),
                    text("model"),
                    text("role"),
                    format!("{}+{} tokens", count("tokens_in"), count("tokens_out")),
                    cost(NanoUsd::new(count("cost_nanousd")), u64::from(item["priced"] == false)),
                    format!("{} ms", count("ms")),
                ]
            })
        }
        LedgerCommand::Show { id } => {
            let call = id.parse().map_err(|_| {
                Failure::usage(format!("`{id}` is no call's id; `cofounder ledger list --json` shows them"))
            })?;
            let (request, answer) = app.db.ledger_texts(call).await?;
            if as_json {
                return output::json(&json!({"id": call, "request": request, "answer": answer}));
            }
            let kept = |text: &str| if text.is_empty() { "(not kept)".to_owned() } else { text.to_owned() };
            output::line(format!("asked: {}", kept(&request)))?;
            output::line(format!("answered: {}", kept(answer.as_deref().unwrap_or_default())))
        }
        LedgerCommand::Sum { by, filter } => {
            let by = match by {
                LedgerBy::Day => SumBy::Day,
                LedgerBy::Model => SumBy::Model,
                LedgerBy::Token => SumBy::Token,
                LedgerBy::Role => SumBy::Role,
            };
            let sums = app.db.ledger_sums(by, &asked(filter)?).await?;
            let items: Vec<Value> = sums
                .iter()
                .map(|sum| {
                    json!({
                        "key": sum.key, "calls": sum.calls, "failed": sum.failed, "unfinished": sum.unfinished, "tokens_in": sum.tokens_in,
                        "tokens_cached": sum.tokens_cached, "tokens_out": sum.tokens_out, "cost_usd": sum.cost.as_usd(),
                        "cost_nanousd": sum.cost.nano(), "unpriced": sum.unpriced,
                    })
                })
                .collect();
            output::page(as_json, &items, None, |item| {
                let count = |key: &str| item[key].as_u64().unwrap_or_default();
                vec![
                    item["key"].as_str().unwrap_or("-").to_owned(),
                    format!("{} calls", count("calls")),
                    format!("{} failed", count("failed")),
                    format!("{}+{} tokens", count("tokens_in"), count("tokens_out")),
                    cost(NanoUsd::new(count("cost_nanousd")), count("unpriced")),
                ]
            })
        }
    }
}

fn asked(args: &LedgerFilterArgs) -> Result<LedgerFilter, Failure> {
    let token = args.token.as_deref().map(str::parse).transpose();
    let task = args.task.as_deref().map(str::parse).transpose();
    Ok(LedgerFilter {
        token: token
            .map_err(|_| Failure::usage("--token wants a token's id; `cofounder token list` shows them"))?,
        task: task.map_err(|_| {
            Failure::usage("--task wants a task's whole id; `cofounder task list` shows them")
        })?,
        model: args.model.clone(),
        since: args.since,
        until: args.until,
    })
}

fn shown(row: &LedgerRow) -> Value {
    let spent = row.cost + row.lost;
    json!({
        "id": row.call_id, "at": format_timestamp(row.at), "state": row.state, "kind": row.kind, "role": row.role, "step": row.step,
        "task_id": row.task, "token_id": row.token, "model": row.model,
        "tokens_in": row.tokens.input, "tokens_cached": row.tokens.cached, "tokens_cache_write": row.tokens.cache_write,
        "tokens_out": row.tokens.output, "tokens_reasoning": row.tokens.reasoning, "measured": row.tokens.measured,
        "priced": !row.tokens.unpriced,
        "cost_usd": spent.as_usd(), "cost_nanousd": spent.nano(), "lost_nanousd": row.lost.nano(),
        "first_token_ms": row.first_token_ms, "ms": row.ms, "error": row.error, "fault": row.fault,
        "attempts": row.attempts, "route": row.route, "owner": owner_name(&row.owner),
    })
}
