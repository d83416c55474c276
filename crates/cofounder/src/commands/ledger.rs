//! `cofounder ledger`: every model call, who asked, what it took and why that model was chosen.

use cofounder_domain::{NanoUsd, format_timestamp};
use cofounder_storage::{LedgerFilter, SumBy};
use cofounder_web::documents::{CallItem, CostItem};
use serde_json::json;

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
            let items: Vec<CallItem> = found.items.into_iter().map(Into::into).collect();
            output::page(as_json, &items, found.next_cursor.as_deref(), |call| {
                vec![
                    format_timestamp(call.at.0).chars().take(19).collect(),
                    call.state.clone().unwrap_or_else(|| "-".to_owned()),
                    call.model.clone(),
                    call.role.clone(),
                    format!("{}+{} tokens", call.tokens_in, call.tokens_out),
                    cost(NanoUsd::new(call.cost_nanousd), u64::from(!call.priced)),
                    format!("{} ms", call.ms),
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
            let items: Vec<CostItem> = sums.into_iter().map(Into::into).collect();
            output::page(as_json, &items, None, |sum| {
                vec![
                    sum.key.clone(),
                    format!("{} calls", sum.calls),
                    format!("{} failed", sum.failed),
                    format!("{}+{} tokens", sum.tokens_in, sum.tokens_out),
                    cost(NanoUsd::new(sum.cost_nanousd), sum.unpriced),
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
