//! Accounts of money: what is used of each in a period. Processes take of them in slices, and never past a cap.
//!
//! A slice is written down before any of it is spent, so that a call waits for no disk and a crash loses no count: what
//! was taken and not given back is used. A transaction locks slices of one owner, in their order, before it locks accounts,
//! in theirs, so that no two of them wait for each other; and no slice's amount changes without its account's lock.

use cofounder_domain::NanoUsd;
use serde::Serialize;

use crate::{
    Database, StorageError,
    sql::{Sql, signed, values},
    work::transaction,
};

/// What money is counted against, in one period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Account {
    /// `site:ID`, `task:ID` or `token:ID`.
    pub scope: String,
    /// `day:2026-11-27`, `month:2026-11` (UTC) or `ever`.
    pub period: String,
}

/// What came of asking for a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This much is the owner's to spend.
    Money(NanoUsd),
    /// Too little is left under the cap. Nothing was taken.
    Refused {
        /// What is used of the account.
        used: NanoUsd,
    },
}

/// Where an account stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountState {
    /// Taken by processes and not given back.
    pub used: NanoUsd,
    /// Spent of that by calls that are written down.
    pub spent: NanoUsd,
}

impl Database {
    /// Takes a slice of an account: as much of `wanted` as `cap` leaves, if that is at least `least` and more than
    /// nothing. Callers at the same time wait for each other, so that together they never pass the cap.
    ///
    /// Not to be done again after an error that leaves open whether it took place: what was taken unseen counts as used
    /// until [`crate::Acting::reconcile`].
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; then nothing may be spent.
    pub async fn take_slice(
        &self,
        account: &Account,
        owner: &str,
        wanted: NanoUsd,
        least: NanoUsd,
        cap: NanoUsd,
    ) -> Result<Taken, StorageError> {
        // A cap beyond what the database can count is none.
        let cap = cap.min(NanoUsd::new(i64::MAX.unsigned_abs()));
        transaction!(self, |sql| {
            let named = || values![account.scope.clone(), account.period.clone()];
            if sql.on_postgres(true, false) {
                let text =
                    "SELECT 1 FROM slices WHERE scope = $1 AND period = $2 AND owner = $3 FOR NO KEY UPDATE";
                sql.one(text, named().into_iter().chain(values![owner]).collect()).await?;
            }
            let text = format!("SELECT used FROM accounts WHERE scope = $1 AND period = $2{}", sql.lock());
            let row = sql.one(&text, named()).await?;
            let used = row.map_or(Ok(NanoUsd::ZERO), |row| row.money("used"))?;
            let money = wanted.min(cap.saturating_sub(used));
            if money < least || money == NanoUsd::ZERO {
                return Ok(Taken::Refused { used });
            }
            grow(&sql, account, owner, money, cap).await?;
            Ok(Taken::Money(money))
        })
        .await
    }

    /// Where an account stands; one that nobody has used stands at nothing.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn account(&self, account: &Account) -> Result<AccountState, StorageError> {
        let text = "SELECT CAST(coalesce((SELECT used FROM accounts WHERE scope = $1 AND period = $2), 0) AS BIGINT) AS used,
                      CAST(coalesce((SELECT sum(spent) FROM slices WHERE scope = $1 AND period = $2), 0) AS BIGINT) AS spent";
        let row = self.read().one(text, values![account.scope.clone(), account.period.clone()]).await?;
        row.map_or(Ok(AccountState::default()), |row| {
            Ok(AccountState { used: row.money("used")?, spent: row.money("spent")? })
        })
    }

    /// The accounts whose scope begins like this, in these periods, by scope and period; at most `limit` of them.
    /// Every scope begins like the empty text.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn accounts(
        &self,
        scope_prefix: &str,
        periods: &[String],
        limit: u64,
    ) -> Result<Vec<(Account, AccountState)>, StorageError> {
        let sql = self.read();
        let text = format!(
            "SELECT a.scope, a.period, a.used, CAST(coalesce(sum(s.spent), 0) AS BIGINT) AS spent
             FROM accounts a LEFT JOIN slices s ON s.scope = a.scope AND s.period = a.period
             WHERE a.scope >= $1 AND a.scope < $2 AND a.period IN ({})
             GROUP BY a.scope, a.period, a.used ORDER BY a.scope, a.period LIMIT $4",
            sql.listed(3)
        );
        let (from, to) = (scope_prefix.to_owned(), format!("{scope_prefix}{}", char::MAX));
        let rows = sql.all(&text, values![from, to, crate::sql::to_json(&periods)?, signed(limit)]).await?;
        rows.iter()
            .map(|row| {
                let account = Account { scope: row.get("scope")?, period: row.get("period")? };
                Ok((account, AccountState { used: row.money("used")?, spent: row.money("spent")? }))
            })
            .collect()
    }
}

/// Adds to what is used and to the owner's slice. Of two that make one account's row at the same time, the second may
/// find that the first left it too little: it looks again.
async fn grow(
    sql: &Sql<'_>,
    account: &Account,
    owner: &str,
    money: NanoUsd,
    cap: NanoUsd,
) -> Result<(), StorageError> {
    let text =
        "INSERT INTO accounts (scope, period, used) VALUES ($1, $2, $3) ON CONFLICT (scope, period) DO UPDATE
                SET used = accounts.used + excluded.used WHERE accounts.used <= $4 - excluded.used";
    let (scope, period, money) = (account.scope.clone(), account.period.clone(), signed(money.nano()));
    let row = values![scope.clone(), period.clone(), money, signed(cap.nano())];
    if sql.run(text, row).await? == 0 {
        return Err(StorageError::Contended("the account is being made".to_owned()));
    }
    let text = "INSERT INTO slices (scope, period, owner, amount, opened_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
                ON CONFLICT (scope, period, owner) DO UPDATE
                SET amount = slices.amount + excluded.amount, updated_at = excluded.updated_at";
    sql.run(text, values![scope, period, owner, money, sql.db.millis()]).await.map(drop)
}
