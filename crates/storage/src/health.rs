//! What processes saw of the models they call, so that one can show what another knows.

use cofounder_domain::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::{
    Database, StorageError,
    sql::{Row, plain, values},
    work::transaction,
};

/// Where a breaker stands, as one process saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetHealth {
    /// `provider/model`, or a provider.
    pub target: String,
    /// The breaker's state, in the words of whoever has it.
    pub state: String,
    /// Failures in a row.
    pub failures: u64,
    /// Until when it is left alone, if it is.
    pub until: Option<Timestamp>,
    /// What failed last.
    pub last_error: Option<String>,
    /// When it came to this.
    pub updated_at: Timestamp,
}

impl Database {
    /// Writes down what a process saw, in place of what it saw of the same targets before.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn save_health(&self, owner: &str, seen: &[TargetHealth]) -> Result<(), StorageError> {
        // The last word on each, in one order.
        let seen: BTreeMap<&str, &TargetHealth> = seen.iter().map(|s| (s.target.as_str(), s)).collect();
        if seen.is_empty() {
            return Ok(());
        }
        let input = Value::from(seen.values().map(|seen| line(seen)).collect::<Vec<_>>()).to_string();
        transaction!(self, |sql| {
            let texts = ["target", "state", "last_error"].map(|name| (name, "text"));
            let columns: Vec<_> =
                texts.into_iter().chain(["failures", "until_at", "updated_at"].map(|n| (n, "bigint"))).collect();
            let text = format!(
                "WITH input AS ({}) INSERT INTO target_health (target, owner, state, failures, until_at, last_error, updated_at)
                   SELECT target, $2, state, failures, until_at, last_error, updated_at FROM input WHERE true
                 ON CONFLICT (target, owner) DO UPDATE SET state = excluded.state, failures = excluded.failures,
                   until_at = excluded.until_at, last_error = excluded.last_error, updated_at = excluded.updated_at",
                sql.rows(&columns)
            );
            sql.run(&text, values![input.clone(), owner]).await.map(drop)
        })
        .await
    }

    /// What every process saw, by target, each with its owner's name; see [`crate::owner_name`].
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn health(&self) -> Result<Vec<(String, TargetHealth)>, StorageError> {
        let text = "SELECT * FROM target_health ORDER BY target, owner";
        let rows = self.read().all(text, values![]).await?;
        rows.iter().map(|row| Ok((row.get("owner")?, health_of(row)?))).collect()
    }

    /// Drops what a process saw of one target.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn forget_target(&self, owner: &str, target: &str) -> Result<(), StorageError> {
        let text = "DELETE FROM target_health WHERE owner = $1 AND target = $2";
        transaction!(self, |sql| sql.run(text, values![owner, plain(target)]).await.map(drop)).await
    }

    /// Drops what a process saw that has ended.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn forget_health(&self, owner: &str) -> Result<(), StorageError> {
        let text = "DELETE FROM target_health WHERE owner = $1";
        transaction!(self, |sql| sql.run(text, values![owner]).await.map(drop)).await
    }
}

fn line(seen: &TargetHealth) -> Value {
    json!({
        "target": plain(&seen.target),
        "state": plain(&seen.state),
        "failures": crate::sql::signed(seen.failures),
        "until_at": seen.until.map(|at| at.timestamp_millis()),
        "last_error": seen.last_error.as_deref().map(plain),
        "updated_at": seen.updated_at.timestamp_millis(),
    })
}

fn health_of(row: &Row) -> Result<TargetHealth, StorageError> {
    Ok(TargetHealth {
        target: row.get("target")?,
        state: row.get("state")?,
        failures: row.number("failures")?,
        until: row.maybe_time("until_at")?,
        last_error: row.get("last_error")?,
        updated_at: row.time("updated_at")?,
    })
}
