//! `cofounder budget`: what is spent, what is set aside, and what processes that ended left open.

use cofounder_domain::NanoUsd;
use cofounder_metering::{day, month};
use cofounder_storage::{Account, AccountState, Act, OpenSlice, owner_name};
use cofounder_web::documents::{BudgetItem, SHOWN, everybodys};
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::{app::App, cli::BudgetCommand, failure::Failure, output};

pub(crate) async fn run(app: App, command: &BudgetCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        BudgetCommand::Show => show(&app, as_json).await,
        BudgetCommand::Reconcile { force } => reconcile(&app, *force, as_json).await,
    }
}

async fn show(app: &App, as_json: bool) -> Result<(), Failure> {
    let mut items = everybodys(&app.db, &app.files.config.budget.budgets(), app.clock.now()).await?;
    items.extend(tokens(app).await?);
    let owner = app.owner()?;
    let open = app.db.open_slices().await?;
    let open: Vec<Value> = open.iter().map(|slice| shown(slice, owner.is_gone(&slice.owner))).collect();
    if as_json {
        return output::json(&json!({"items": items, "next_cursor": null, "open_slices": open}));
    }
    let left: Vec<&Value> = open.iter().filter(|slice| slice["ended"] == true).collect();
    output::page(false, &items, None, |item| {
        let usd = |usd: f64| format!("${usd:.6}");
        vec![
            item.scope.clone(),
            item.name.clone().unwrap_or_default(),
            item.period.clone(),
            format!("{} spent", usd(item.spent_usd)),
            format!("{} set aside", usd(item.set_aside_usd)),
            item.cap_usd.map_or_else(|| "no cap".to_owned(), |cap| format!("of {}", usd(cap))),
            left_of(item, &left),
        ]
    })?;
    if !left.is_empty() {
        eprintln!(
            "processes that ended left {} slice(s) that nobody settled: at most what their last calls cost is unknown. They count as used;",
            left.len()
        );
        eprintln!("`cofounder budget reconcile` gives back what is not in the ledger");
    }
    Ok(())
}

/// The accounts of tokens: those with a cap, used or not, and those that were used. One that is not valid any more has only
/// what it used.
async fn tokens(app: &App) -> Result<Vec<BudgetItem>, Failure> {
    let now = app.clock.now();
    let periods = [day(now), month(now)];
    let known = app.db.accounts("token:", &periods, u64::MAX).await?;
    let known: HashMap<Account, AccountState> = known.into_iter().collect();
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let page = app.db.tokens(SHOWN, cursor.as_deref()).await?;
        for token in &page.items {
            let good = token.revoked_at.is_none() && token.expires_at > now;
            for (period, cap) in periods.iter().zip([token.budget_day, token.budget_month]) {
                let account = Account { scope: format!("token:{}", token.id), period: period.clone() };
                let state = known.get(&account);
                if state.is_some() || (good && cap.is_some()) {
                    let state = state.copied().unwrap_or_default();
                    items.push(BudgetItem::of(&account, Some(&token.name), cap, state));
                }
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

fn shown(slice: &OpenSlice, ended: bool) -> Value {
    json!({
        "scope": slice.account.scope, "period": slice.account.period, "owner": owner_name(&slice.owner),
        "taken_usd": slice.amount.as_usd(), "spent_usd": slice.spent.as_usd(),
        "unsettled_usd": slice.amount.saturating_sub(slice.spent).as_usd(), "ended": ended,
    })
}

/// How much of an account's money processes hold that ended.
fn left_of(account: &BudgetItem, left: &[&Value]) -> String {
    let same = |slice: &&&Value| slice["scope"] == account.scope && slice["period"] == account.period;
    let held = left.iter().filter(same).filter_map(|slice| slice["unsettled_usd"].as_f64());
    let sum: NanoUsd = held.map(NanoUsd::from_usd).sum();
    if sum == NanoUsd::ZERO { String::new() } else { format!("({sum} by processes that ended)") }
}

async fn reconcile(app: &App, force: bool, as_json: bool) -> Result<(), Failure> {
    let owner = app.owner()?;
    let mut items = Vec::new();
    for slice in app.db.open_slices().await? {
        let gone = owner.is_gone(&slice.owner);
        if !gone && !force {
            continue;
        }
        let back = app.db.by(&Act::OPERATOR).reconcile(&slice.account, &slice.owner).await?;
        items.push(json!({
            "scope": slice.account.scope, "period": slice.account.period, "owner": owner_name(&slice.owner),
            "given_back_usd": back.as_usd(),
        }));
    }
    if as_json {
        return output::json(&json!({"items": items, "next_cursor": null}));
    }
    let sum: NanoUsd = items.iter().filter_map(|i| i["given_back_usd"].as_f64()).map(NanoUsd::from_usd).sum();
    output::line(format!("{} slice(s) reconciled, {sum} given back", items.len()))
}
