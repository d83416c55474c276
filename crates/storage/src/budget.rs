//! Money that is set aside before a call and settled after it.

use cofounder_domain::{NanoUsd, SiteId, Timestamp};

use crate::{
    Database, StorageError,
    sql::{signed, values},
    work::transaction,
};

/// Money set aside for one call. One that is never settled counts as spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation(i64);

/// What came of setting money aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It is set aside.
    Yes(Reservation),
    /// The cap would be passed.
    No {
        /// Spent and set aside today.
        used: NanoUsd,
    },
}

impl Database {
    /// Sets `amount` aside for a call, unless that would pass `cap` for the day (UTC). Calls at the same time
    /// wait for each other, so that they cannot pass the cap together.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; then the call must not be made.
    pub async fn reserve(&self, amount: NanoUsd, cap: NanoUsd) -> Result<Reserved, StorageError> {
        let (site, day) = (SiteId::DEFAULT.to_string(), day(self.now()));
        let reserved = transaction!(self, |sql| {
            // One at a time: the sum that is read holds until the row is written.
            let lock = sql.on_postgres(" FOR UPDATE", "");
            sql.one(&format!("SELECT id FROM sites WHERE id = $1{lock}"), values![site.clone()]).await?;
            let text = "INSERT INTO reservations (site_id, day, amount) SELECT $1, $2, $3
                        WHERE $3 + (SELECT coalesce(sum(amount), 0) FROM reservations WHERE site_id = $1 AND day = $2) <= $4
                        RETURNING id";
            let row = values![site.clone(), day.clone(), signed(amount.nano()), signed(cap.nano())];
            sql.one(text, row).await
        });
        match reserved.await? {
            Some(row) => Ok(Reserved::Yes(Reservation(row.get("id")?))),
            None => Ok(Reserved::No { used: self.spent_today().await? }),
        }
    }

    /// Replaces what was set aside by what was spent.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; then all that was set aside counts as spent.
    pub async fn settle(&self, reservation: Reservation, spent: NanoUsd) -> Result<(), StorageError> {
        let text = "UPDATE reservations SET amount = $2, settled = 1 WHERE id = $1 AND settled = 0";
        let row = || values![reservation.0, signed(spent.nano())];
        transaction!(self, |sql| sql.run(text, row()).await.map(drop)).await
    }

    /// What is spent and set aside today (UTC).
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn spent_today(&self) -> Result<NanoUsd, StorageError> {
        let text = "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) AS used FROM reservations WHERE site_id = $1 AND day = $2";
        let row = self.read().one(text, values![SiteId::DEFAULT.to_string(), day(self.now())]).await?;
        row.map_or(Ok(NanoUsd::ZERO), |row| row.number("used").map(NanoUsd::new))
    }
}

fn day(at: Timestamp) -> String {
    at.date_naive().to_string()
}
