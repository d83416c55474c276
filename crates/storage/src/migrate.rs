//! Migrations: embedded, in order, each with its checksum in the database.

use cofounder_domain::{Timestamp, content_hash};
use sea_orm::ConnectionTrait;
use std::path::Path;

use crate::{
    StorageError,
    database::Connection,
    sql::{Sql, values},
};

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// Every migration, the oldest first. One that has been released is never changed: a new one is added.
const MIGRATIONS: [Migration; 1] =
    [Migration { version: 1, name: "foundations", sql: include_str!("../migrations/0001_foundations.sql") }];

const BOOK: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
  version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// The newest schema that this program knows.
pub(crate) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |m| m.version)
}

/// Brings the schema up to date in one transaction, or refuses without touching it.
pub(crate) async fn migrate(
    connection: &Connection,
    path: &Path,
    now: Timestamp,
) -> Result<(), StorageError> {
    let transaction = connection.begin(path).await?;
    let sql = Sql { on: &transaction, path };
    let tables = sql.all("SELECT name FROM sqlite_master WHERE type = 'table'", values![]).await?;
    let names = tables.iter().map(|t| t.get::<String>("name")).collect::<Result<Vec<_>, _>>()?;
    if !names.is_empty() && !names.iter().any(|n| n == "schema_migrations") {
        let reason = "it belongs to another program".to_owned();
        return Err(StorageError::Corrupt { path: path.to_owned(), reason });
    }
    transaction.execute_unprepared(BOOK).await.map_err(|e| sql.told(&e))?;
    let applied =
        sql.all("SELECT version, sha256 FROM schema_migrations ORDER BY version", values![]).await?;
    for row in &applied {
        let version: i64 = row.get("version")?;
        let Some(migration) = MIGRATIONS.iter().find(|m| m.version == version) else {
            return Err(StorageError::Newer { path: path.to_owned(), found: version, known: known() });
        };
        if row.get::<String>("sha256")? != content_hash(migration.sql.as_bytes()) {
            let reason =
                format!("its migration {version} ({}) is not the one of this program", migration.name);
            return Err(StorageError::Corrupt { path: path.to_owned(), reason });
        }
    }
    for migration in MIGRATIONS.iter().skip(applied.len()) {
        transaction.execute_unprepared(migration.sql).await.map_err(|e| sql.told(&e))?;
        let hash = content_hash(migration.sql.as_bytes());
        let row = values![migration.version, migration.name, hash, now.timestamp_millis()];
        sql.run("INSERT INTO schema_migrations VALUES ($1, $2, $3, $4)", row).await?;
    }
    transaction.commit().await.map_err(|e| StorageError::of(&e, path))
}
