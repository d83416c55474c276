//! `[database]`: where the data are, and the connections to it.

use cofounder_storage::PoolSettings;
use serde::Deserialize;
use std::time::Duration;

/// `[database]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DatabaseSection {
    /// `sqlite:PATH` or `postgres://…`; an SQLite file in the data directory if not set.
    pub(crate) url: Option<String>,
    /// The most connections at a time.
    connections: u32,
    /// How long a new connection may take.
    connect_ms: u64,
    /// How long is waited for a free connection.
    acquire_ms: u64,
    /// How long a statement may take.
    statement_ms: u64,
    /// Prepared statements that each connection keeps.
    statement_cache: usize,
    /// Whether workers listen to PostgreSQL's notifications; without, they look by the clock alone.
    pub(crate) notifications: bool,
}

impl Default for DatabaseSection {
    fn default() -> Self {
        let pool = PoolSettings::default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            url: None,
            connections: pool.connections,
            connect_ms: millis(pool.connect),
            acquire_ms: millis(pool.acquire),
            statement_ms: millis(pool.statement),
            statement_cache: pool.statement_cache,
            notifications: true,
        }
    }
}

impl DatabaseSection {
    pub(crate) fn pool(&self) -> PoolSettings {
        PoolSettings {
            connections: self.connections.max(2),
            acquire: Duration::from_millis(self.acquire_ms),
            connect: Duration::from_millis(self.connect_ms),
            statement: Duration::from_millis(self.statement_ms),
            statement_cache: self.statement_cache,
        }
    }
}
