//! `cofounder budget`: what is spent, what is set aside, and what processes that ended left open.

use cofounder_domain::NanoUsd;
use cofounder_metering::{Budgets, day, month, site};
use cofounder_storage::{OpenSlice, owner_name};
use serde_json::{Value, json};

use crate::{app::App, cli::BudgetCommand, failure::Failure, output, progress::cost};

pub(crate) async fn run(app: App, command: &BudgetCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        BudgetCommand::Show => show(&app, as_json).await,
        BudgetCommand::Reconcile { force } => reconcile(&app, *force, as_json).await,
    }
}

async fn show(app: &App, as_json: bool) -> Result<(), Failure> {
    let now = app.clock.now();
    let budgets = app.files.config.budget.budgets();
    let known = app.db.accounts("", &[day(now), month(now), "ever".to_owned()], 500).await?;
    let caps = |scope: &str, period: &str| cap(&budgets, scope, period);
    let items: Vec<Value> = known
        .iter()
        .map(|(account, state)| {
            let cap = caps(&account.scope, &account.period);
            json!({
                "scope": account.scope, "period": account.period, "cap_usd": cap.map(NanoUsd::as_usd),
                "spent_usd": state.spent.as_usd(), "spent_nanousd": state.spent.nano(),
                "set_aside_usd": state.used.saturating_sub(state.spent).as_usd(),
            })
        })
        .collect();
    let owner = app.owner()?;
    let open = app.db.open_slices().await?;
    let open: Vec<Value> = open.iter().map(|slice| shown(slice, owner.is_gone(&slice.owner))).collect();
    if as_json {
        return output::json(&json!({"items": items, "next_cursor": null, "open_slices": open}));
    }
    output::page(false, &items, None, |item| {
        let usd = |key: &str| item[key].as_f64().map_or_else(|| "-".to_owned(), |usd| format!("${usd:.6}"));
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        vec![
            text("scope"),
            text("period"),
            format!("{} spent", usd("spent_usd")),
            format!("{} set aside", usd("set_aside_usd")),
            format!("of {}", usd("cap_usd")),
        ]
    })?;
    let left: Vec<&Value> = open.iter().filter(|slice| slice["ended"] == true).collect();
    if !left.is_empty() {
        eprintln!(
            "processes that ended left {} slice(s) that nobody settled: at most what their last calls cost is unknown. They count as used;",
            left.len()
        );
        eprintln!("`cofounder budget reconcile` gives back what is not in the ledger");
    }
    Ok(())
}

fn cap(budgets: &Budgets, scope: &str, period: &str) -> Option<NanoUsd> {
    match (scope == site(), scope.starts_with("task:"), period.split(':').next()) {
        (true, _, Some("day")) => budgets.day,
        (true, _, Some("month")) => budgets.month,
        (_, true, _) => budgets.task,
        _ => None,
    }
}

fn shown(slice: &OpenSlice, ended: bool) -> Value {
    json!({
        "scope": slice.account.scope, "period": slice.account.period, "owner": owner_name(&slice.owner),
        "taken_usd": slice.amount.as_usd(), "spent_usd": slice.spent.as_usd(),
        "unsettled_usd": slice.amount.saturating_sub(slice.spent).as_usd(), "ended": ended,
    })
}

async fn reconcile(app: &App, force: bool, as_json: bool) -> Result<(), Failure> {
    let owner = app.owner()?;
    let mut items = Vec::new();
    for slice in app.db.open_slices().await? {
        let gone = owner.is_gone(&slice.owner);
        if !gone && !force {
            continue;
        }
        let back = app.db.reconcile(&slice.account, &slice.owner).await?;
        items.push(json!({
            "scope": slice.account.scope, "period": slice.account.period, "owner": owner_name(&slice.owner),
            "given_back_usd": back.as_usd(),
        }));
    }
    if as_json {
        return output::json(&json!({"items": items, "next_cursor": null}));
    }
    let sum: NanoUsd = items.iter().filter_map(|i| i["given_back_usd"].as_f64()).map(NanoUsd::from_usd).sum();
    output::line(format!("{} slice(s) reconciled, {} given back", items.len(), cost(sum)))
}
