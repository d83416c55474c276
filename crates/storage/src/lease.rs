//! By which clock a lease is judged: the server's on PostgreSQL, the time since the machine started on SQLite. No wall
//! clock of any worker takes part.

use std::time::Duration;

use crate::{
    Owner, StorageError,
    owner::boot_clock,
    sql::{Row, Sql, signed},
};

/// A moment of the clock that leases are judged by.
#[derive(Clone, Debug)]
pub(crate) struct LeaseClock {
    /// Milliseconds.
    pub(crate) now: i64,
    /// Which start of the machine they count from; empty on a server.
    pub(crate) boot: String,
}

impl LeaseClock {
    pub(crate) async fn read(sql: &Sql<'_>) -> Result<Self, StorageError> {
        if sql.on_postgres(false, true) {
            let (now, boot) = boot_clock();
            return Ok(Self { now, boot });
        }
        let text = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";
        let row = sql.one(text, vec![]).await?.ok_or_else(|| StorageError::bug("the server has no clock"))?;
        Ok(Self { now: row.get("now")?, boot: String::new() })
    }

    /// When a lease that begins now ends.
    pub(crate) fn end(&self, lease: Duration) -> i64 {
        self.now.saturating_add(signed(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The condition that a row's pause, if it has one, is over; its two values follow `number`.
    pub(crate) fn no_pause(number: u8) -> String {
        format!("(lease_until IS NULL OR lease_boot <> ${} OR lease_until <= ${})", number, number + 1)
    }

    /// How long a row with `owner`, `lease_until` and `lease_boot` is still another's, if it is.
    pub(crate) fn held(&self, row: &Row, owner: &Owner) -> Result<Option<Duration>, StorageError> {
        let (Some(holder), Some(until)) =
            (row.get::<Option<String>>("owner")?, row.get::<Option<i64>>("lease_until")?)
        else {
            return Ok(None);
        };
        let same_boot = row.get::<Option<String>>("lease_boot")?.is_some_and(|boot| boot == self.boot);
        let left = until.saturating_sub(self.now);
        if owner.is_gone(&holder) || !same_boot || left <= 0 {
            return Ok(None);
        }
        Ok(Some(Duration::from_millis(u64::try_from(left).unwrap_or(0))))
    }
}
