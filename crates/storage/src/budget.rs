//! Money that is set aside before a call and settled after it.

use cofounder_domain::{NanoUsd, SiteId, Timestamp};

use crate::{
    Database, StorageError,
    sql::{signed, values},
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
    /// Sets `amount` aside for a call, unless that would pass `cap` for the day (UTC). One statement decides and
    /// writes, so that calls at the same time cannot pass the cap together.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; then the call must not be made.
    pub async fn reserve(&self, amount: NanoUsd, cap: NanoUsd) -> Result<Reserved, StorageError> {
        let (site, day) = (SiteId::DEFAULT.to_string(), day(self.now()));
        let text = "INSERT INTO reservations (site_id, day, amount) SELECT $1, $2, $3
                    WHERE $3 + (SELECT coalesce(sum(amount), 0) FROM reservations WHERE site_id = $1 AND day = $2) <= $4 RETURNING id";
        let row =
            self.read().one(text, values![site, day, signed(amount.nano()), signed(cap.nano())]).await?;
        match row {
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
        self.read().run(text, values![reservation.0, signed(spent.nano())]).await.map(drop)
    }

    /// What is spent and set aside today (UTC).
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn spent_today(&self) -> Result<NanoUsd, StorageError> {
        let text =
            "SELECT coalesce(sum(amount), 0) AS used FROM reservations WHERE site_id = $1 AND day = $2";
        let row = self.read().one(text, values![SiteId::DEFAULT.to_string(), day(self.now())]).await?;
        row.map_or(Ok(NanoUsd::ZERO), |row| row.number("used").map(NanoUsd::new))
    }
}

fn day(at: Timestamp) -> String {
    at.date_naive().to_string()
}
