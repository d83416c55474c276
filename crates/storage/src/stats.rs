//! How much there is to do, and how long the database is waited for: for whoever watches the program.

use cofounder_domain::Status;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{Database, StorageError, sql::values};

/// Tasks of which something is still to come, by status. Those that have ended are not counted: there may be any number.
const OPEN: [Status; 5] =
    [Status::Pending, Status::InProgress, Status::AwaitingApproval, Status::Approved, Status::OnHold];

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Tasks by status; every status that can change by itself or by a person is there.
    pub tasks: Vec<(Status, u64)>,
    /// Effects that wait, and that somebody is carrying out.
    pub effects: [(&'static str, u64); 2],
}

/// Transactions that were begun, and how long they waited: for their turn, for a connection, for the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// How many.
    pub transactions: u64,
    /// All together.
    pub waited: Duration,
}

/// Counts them.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    transactions: AtomicU64,
    nanos: AtomicU64,
}

impl Waits {
    pub(crate) fn waited(&self, since: Instant) {
        let nanos = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn begun(&self, since: Instant) {
        self.waited(since);
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }
}

impl Database {
    /// What is to be done now.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn depths(&self) -> Result<Depths, StorageError> {
        let statuses = OPEN.map(|status| format!("'{}'", status.as_str())).join(", ");
        let text =
            format!("SELECT status, count(*) AS n FROM tasks WHERE status IN ({statuses}) GROUP BY status");
        let rows = self.read().all(&text, values![]).await?;
        let mut tasks: Vec<(Status, u64)> = OPEN.map(|status| (status, 0)).to_vec();
        for row in &rows {
            let named: String = row.get("status")?;
            let count = row.number("n")?;
            tasks.iter_mut().filter(|(status, _)| status.as_str() == named).for_each(|(_, n)| *n = count);
        }
        let mut effects = [("pending", 0), ("sending", 0)];
        for (state, count) in &mut effects {
            let text = format!("SELECT count(*) AS n FROM effects WHERE state = '{state}'");
            *count = self.read().one(&text, values![]).await?.map_or(Ok(0), |row| row.number("n"))?;
        }
        Ok(Depths { tasks, effects })
    }

    /// Transactions that this process has begun.
    #[must_use]
    pub fn begun(&self) -> Begun {
        Begun {
            transactions: self.waits.transactions.load(Ordering::Relaxed),
            waited: Duration::from_nanos(self.waits.nanos.load(Ordering::Relaxed)),
        }
    }
}
