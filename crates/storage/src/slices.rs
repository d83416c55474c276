//! Slices: what processes have taken of accounts, what of that they have spent, and how the rest goes back.

use cofounder_domain::{NanoUsd, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::{
    Account, Acting, Database, StorageError,
    sql::{Sql, signed, values},
    work::transaction,
};

/// Money, and the account that it is counted against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Which account.
    pub account: Account,
    /// How much.
    pub amount: NanoUsd,
}

/// A slice of which not all is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSlice {
    /// Of which account.
    pub account: Account,
    /// Who took it; see [`crate::owner_name`].
    pub owner: String,
    /// How much was taken.
    pub amount: NanoUsd,
    /// How much of that is spent.
    pub spent: NanoUsd,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Database {
    /// Gives back what an owner took of accounts and does not need; never more than it has not spent.
    ///
    /// Not to be done again after an error that leaves open whether it took place: money that is given back twice may be
    /// reserved for a call by now. What was not given back counts as used until [`Acting::reconcile`].
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn give_back(&self, owner: &str, money: &[Spend]) -> Result<(), StorageError> {
        let input = input(merged(money));
        if input.is_empty() {
            return Ok(());
        }
        transaction!(self, |sql| {
            lock_slices(&sql, owner, &input).await?;
            lock_accounts(&sql, &input).await?;
            let text = format!(
                "WITH input AS ({}) UPDATE slices SET updated_at = $3, amount = CASE
                   WHEN slices.amount - slices.spent < input.nano THEN slices.spent ELSE slices.amount - input.nano END
                 FROM input WHERE slices.scope = input.scope AND slices.period = input.period AND slices.owner = $2",
                sql.rows(&COLUMNS)
            );
            sql.run(&text, values![text_of(&input), owner, sql.db.millis()]).await?;
            recount(&sql, &input).await
        })
        .await
    }

    /// Every slice of which not all is spent, whoever has it: also those of processes that run. It reads all slices, and
    /// is meant for once in a while.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn open_slices(&self) -> Result<Vec<OpenSlice>, StorageError> {
        let text = "SELECT * FROM slices WHERE amount > spent ORDER BY scope, period, owner";
        let rows = self.read().all(text, values![]).await?;
        rows.iter()
            .map(|row| {
                Ok(OpenSlice {
                    account: Account { scope: row.get("scope")?, period: row.get("period")? },
                    owner: row.get("owner")?,
                    amount: row.money("amount")?,
                    spent: row.money("spent")?,
                    updated_at: row.time("updated_at")?,
                })
            })
            .collect()
    }
}

impl Acting<'_> {
    /// Gives back what an owner took of an account and never spent; tells how much that was. The caller knows that the
    /// owner's process has ended.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn reconcile(&self, account: &Account, owner: &str) -> Result<NanoUsd, StorageError> {
        let input = input(BTreeMap::from([(account, NanoUsd::ZERO)]));
        transaction!(self.db, |sql| {
            lock_slices(&sql, owner, &input).await?;
            lock_accounts(&sql, &input).await?;
            let slice = values![account.scope.clone(), account.period.clone(), owner];
            let text = "SELECT amount - spent AS rest FROM slices WHERE scope = $1 AND period = $2 AND owner = $3";
            let row = sql.one(text, slice.clone()).await?;
            let rest = row.map_or(Ok(NanoUsd::ZERO), |row| row.money("rest"))?;
            if rest == NanoUsd::ZERO {
                return Ok(rest);
            }
            let text = "UPDATE slices SET amount = spent, updated_at = $4 WHERE scope = $1 AND period = $2 AND owner = $3";
            let changed = slice.into_iter().chain(values![sql.db.millis()]).collect();
            sql.run(text, changed).await?;
            recount(&sql, &input).await?;
            let detail = format!("{rest} of {owner} given back");
            self.act.note(&sql, "budget.reconcile", ("account", &account.scope), detail).await?;
            Ok(rest)
        })
        .await
    }
}

/// Writes down what an owner spent of its slices. What they do not hold makes them grow, and the accounts with them: the
/// money is gone, and an account that is overdrawn shows it.
pub(crate) async fn spend(sql: &Sql<'_>, owner: &str, spends: &[Spend]) -> Result<(), StorageError> {
    let mut open = merged(spends);
    if open.is_empty() {
        return Ok(());
    }
    let input_rows = input(open.clone());
    lock_slices(sql, owner, &input_rows).await?;
    let text = format!(
        "WITH input AS ({}) UPDATE slices SET spent = slices.spent + input.nano, updated_at = $3
         FROM input WHERE slices.scope = input.scope AND slices.period = input.period AND slices.owner = $2
           AND slices.spent <= slices.amount - input.nano
         RETURNING slices.scope AS scope, slices.period AS period",
        sql.rows(&COLUMNS)
    );
    for row in sql.all(&text, values![text_of(&input_rows), owner, sql.db.millis()]).await? {
        open.remove(&Account { scope: row.get("scope")?, period: row.get("period")? });
    }
    if open.is_empty() { Ok(()) } else { overdraw(sql, owner, &input(open)).await }
}

async fn overdraw(sql: &Sql<'_>, owner: &str, input: &[Value]) -> Result<(), StorageError> {
    let rows = sql.rows(&COLUMNS);
    let owned = || values![text_of(input), owner, sql.db.millis()];
    let text = format!(
        "WITH input AS ({rows}) INSERT INTO slices (scope, period, owner, amount, opened_at, updated_at)
           SELECT scope, period, $2, 0, $3, $3 FROM input WHERE true ON CONFLICT DO NOTHING"
    );
    sql.run(&text, owned()).await?;
    let text = format!(
        "WITH input AS ({rows}) INSERT INTO accounts (scope, period, used) SELECT scope, period, 0 FROM input WHERE true
         ON CONFLICT DO NOTHING"
    );
    sql.run(&text, values![text_of(input)]).await?;
    lock_accounts(sql, input).await?;
    let text = format!(
        "WITH input AS ({rows}) UPDATE slices SET spent = slices.spent + input.nano, updated_at = $3, amount = CASE
           WHEN slices.spent + input.nano > slices.amount THEN slices.spent + input.nano ELSE slices.amount END
         FROM input WHERE slices.scope = input.scope AND slices.period = input.period AND slices.owner = $2"
    );
    sql.run(&text, owned()).await?;
    recount(sql, input).await
}

/// Keeps others from changing these slices of one owner. SQLite has one writer at a time anyway.
async fn lock_slices(sql: &Sql<'_>, owner: &str, input: &[Value]) -> Result<(), StorageError> {
    if sql.on_postgres(false, true) {
        return Ok(());
    }
    let text = format!(
        "WITH input AS ({}) SELECT 1 FROM slices JOIN input ON slices.scope = input.scope AND slices.period = input.period
           AND slices.owner = $2 ORDER BY slices.scope, slices.period FOR NO KEY UPDATE OF slices",
        sql.rows(&COLUMNS)
    );
    sql.all(&text, values![text_of(input), owner]).await.map(drop)
}

/// Keeps others from taking of these accounts.
async fn lock_accounts(sql: &Sql<'_>, input: &[Value]) -> Result<(), StorageError> {
    if sql.on_postgres(false, true) {
        return Ok(());
    }
    let text = format!(
        "WITH input AS ({}) SELECT 1 FROM accounts JOIN input ON accounts.scope = input.scope
           AND accounts.period = input.period ORDER BY accounts.scope, accounts.period FOR NO KEY UPDATE OF accounts",
        sql.rows(&COLUMNS)
    );
    sql.all(&text, values![text_of(input)]).await.map(drop)
}

/// Sets what is used of accounts to what their slices hold. The transaction has locked them.
async fn recount(sql: &Sql<'_>, input: &[Value]) -> Result<(), StorageError> {
    let text = format!(
        "WITH input AS ({}) UPDATE accounts SET used = (SELECT CAST(coalesce(sum(slices.amount), 0) AS BIGINT) FROM slices
           WHERE slices.scope = accounts.scope AND slices.period = accounts.period)
         FROM input WHERE accounts.scope = input.scope AND accounts.period = input.period",
        sql.rows(&COLUMNS)
    );
    sql.run(&text, values![text_of(input)]).await.map(drop)
}

const COLUMNS: [(&str, &str); 3] = [("scope", "text"), ("period", "text"), ("nano", "bigint")];

/// One amount for each account, in order; nothing for those that it is nothing for.
fn merged(money: &[Spend]) -> BTreeMap<&Account, NanoUsd> {
    let mut merged: BTreeMap<&Account, NanoUsd> = BTreeMap::new();
    for spend in money.iter().filter(|spend| spend.amount > NanoUsd::ZERO) {
        let sum = merged.entry(&spend.account).or_default();
        *sum = *sum + spend.amount;
    }
    merged
}

fn input(merged: BTreeMap<&Account, NanoUsd>) -> Vec<Value> {
    let row = |(account, amount): (&Account, NanoUsd)| json!({"scope": account.scope, "period": account.period, "nano": signed(amount.nano())});
    merged.into_iter().map(row).collect()
}

fn text_of(input: &[Value]) -> String {
    Value::from(input).to_string()
}
