//! The site's feed: the entries of all journals in one order that never changes afterwards.
//!
//! Entries get their numbers after they were committed, from whoever looks, one at a time. A number that is taken while a
//! transaction goes on may become visible after a larger one, and whoever had read that one would miss it; these do not.

use cofounder_domain::{SiteId, TaskId};
use serde::Serialize;

use crate::{
    Database, JournalEvent, StorageError,
    journal::entry_of,
    sql::{signed, values},
    work::transaction,
};

/// An entry of some task's journal, in the order of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedEvent {
    /// Its number in the feed, from 1, without gaps.
    pub number: i64,
    /// Whose journal it stands in.
    pub task: TaskId,
    /// What it says.
    pub entry: JournalEvent,
}

impl Database {
    /// Gives numbers to at most `limit` entries that have none yet; tells how many those were. Of several who do this at
    /// the same time, one does it after the other.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn number_feed(&self, limit: u64) -> Result<u64, StorageError> {
        let waiting = "SELECT id FROM journal WHERE feed IS NULL ORDER BY id LIMIT 1";
        // Nothing to do is the rule, and costs no transaction.
        if self.read().one(waiting, values![]).await?.is_none() {
            return Ok(0);
        }
        let site = SiteId::DEFAULT.to_string();
        transaction!(self, |sql| {
            let text = format!("SELECT last FROM feeds WHERE site_id = $1{}", sql.lock());
            let row = sql.one(&text, values![site.clone()]).await?;
            let last: i64 = row.ok_or_else(|| StorageError::bug("the site has no feed"))?.get("last")?;
            let text = "UPDATE journal SET feed = waiting.number FROM (
                          SELECT id, CAST($1 AS BIGINT) + row_number() OVER (ORDER BY id) AS number FROM (
                            SELECT id FROM journal WHERE feed IS NULL ORDER BY id LIMIT $2) AS oldest) AS waiting
                        WHERE journal.id = waiting.id";
            let numbered = sql.run(text, values![last, signed(limit)]).await?;
            let text = "UPDATE feeds SET last = $2 WHERE site_id = $1";
            sql.run(text, values![site.clone(), last + signed(numbered)]).await?;
            Ok(numbered)
        })
        .await
    }

    /// At most `limit` entries of the feed behind this number, the first first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn feed(&self, after: i64, limit: u64) -> Result<Vec<FeedEvent>, StorageError> {
        let text = "SELECT j.feed, j.task_id, j.seq, j.at, j.event, j.path, j.detail, r.owner FROM journal j
                    LEFT JOIN runs r ON r.task_id = j.task_id AND r.fence = j.fence
                    WHERE j.feed > $1 ORDER BY j.feed LIMIT $2";
        let rows = self.read().all(text, values![after, signed(limit)]).await?;
        let event = |row: &crate::sql::Row| {
            Ok(FeedEvent { number: row.get("feed")?, task: row.parse("task_id")?, entry: entry_of(row)? })
        };
        rows.iter().map(event).collect()
    }

    /// The last number that was given; 0 if none was.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn feed_end(&self) -> Result<i64, StorageError> {
        let text = "SELECT last FROM feeds WHERE site_id = $1";
        let row = self.read().one(text, values![SiteId::DEFAULT.to_string()]).await?;
        row.map_or(Ok(0), |row| row.get("last"))
    }
}
