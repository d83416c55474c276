//! What came of the work, day by day (UTC): counted from what is written down, and nothing else.

use cofounder_domain::NanoUsd;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::{Database, StorageError, sql::values};

const DAY_MILLIS: i64 = 86_400_000;

/// A day's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayCounts {
    /// Tasks that were asked for.
    pub asked: u64,
    /// Tasks whose draft came to wait for approval; one that was reworked counts again.
    pub drafted: u64,
    /// Tasks whose post went live.
    pub published: u64,
    /// Tasks that were said no to.
    pub rejected: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Model calls that ended.
    pub calls: u64,
    /// Of those, the ones of which nobody says what they cost.
    pub unpriced: u64,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Answer tokens.
    pub tokens_out: u64,
    /// What the calls cost, with what is assumed for attempts that failed.
    pub cost: NanoUsd,
}

impl Database {
    /// Every day on which something happened, by its number since 1970-01-01.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn days(&self) -> Result<BTreeMap<i64, DayCounts>, StorageError> {
        let mut days: BTreeMap<i64, DayCounts> = BTreeMap::new();
        let text = "SELECT at / $1 AS day, coalesce(old, '') AS old, new, count(*) AS n FROM task_history GROUP BY 1, 2, 3";
        for row in self.read().all(text, values![DAY_MILLIS]).await? {
            let (day, n) = (days.entry(row.get("day")?).or_default(), row.number("n")?);
            let (old, new): (String, String) = (row.get("old")?, row.get("new")?);
            match new.as_str() {
                "pending" if old.is_empty() => day.asked += n,
                // Not what was set aside, or approved for a time, and is back.
                "awaiting_approval" if old == "in_progress" => day.drafted += n,
                "published" => day.published += n,
                "rejected" => day.rejected += n,
                "failed" => day.failed += n,
                "cancelled" => day.cancelled += n,
                _ => {}
            }
        }
        let text = "SELECT started_at / $1 AS day, count(*) AS calls, CAST(sum(unpriced) AS BIGINT) AS unpriced,
                      CAST(sum(tokens_in) AS BIGINT) AS tokens_in, CAST(sum(tokens_out) AS BIGINT) AS tokens_out,
                      CAST(sum(cost + lost) AS BIGINT) AS cost FROM model_calls WHERE state <> 'started' GROUP BY 1";
        for row in self.read().all(text, values![DAY_MILLIS]).await? {
            let day = days.entry(row.get("day")?).or_default();
            day.calls = row.number("calls")?;
            day.unpriced = row.number("unpriced")?;
            day.tokens_in = row.number("tokens_in")?;
            day.tokens_out = row.number("tokens_out")?;
            day.cost = row.money("cost")?;
        }
        Ok(days)
    }
}
