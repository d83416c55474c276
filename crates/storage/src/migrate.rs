//! Migrations: embedded, in order, each with its checksum in the database.

use cofounder_domain::content_hash;

use crate::{
    Database, StorageError,
    sql::{Sql, values},
    work::transaction,
};

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $file, ".sql")),
        }
    };
}

/// Every migration, the oldest first. One that has been released is never changed: a new one is added.
const MIGRATIONS: [Migration; 10] = [
    migration!(1, "foundations", "0001_foundations"),
    migration!(2, "queue", "0002_queue"),
    migration!(3, "gateway", "0003_gateway"),
    migration!(4, "people", "0004_people"),
    migration!(5, "unpriced", "0005_unpriced"),
    migration!(6, "audit", "0006_audit"),
    migration!(7, "access tokens", "0007_access_tokens"),
    migration!(8, "content", "0008_content"),
    migration!(9, "feed", "0009_feed"),
    migration!(10, "makers", "0010_makers"),
];

const BOOK: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
  version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// The oldest PostgreSQL that every statement works on.
const OLDEST_POSTGRES: i64 = 13;
/// Two programs do not bring one PostgreSQL database up to date at the same time: the number of their lock.
const LOCK: i64 = 0x636f_666f_756e_6472;

/// The newest schema that this program knows.
pub(crate) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |m| m.version)
}

/// Brings the schema up to date, or up to `last`, in one transaction, or refuses without touching it. Tells which
/// schema it had.
pub(crate) async fn migrate(db: &Database, last: i64) -> Result<i64, StorageError> {
    check_server(db).await?;
    // Nothing to do is the rule, and waits for nobody who is writing.
    let had = applied(&db.read()).await?;
    if had >= known().min(last) {
        return Ok(had);
    }
    transaction!(db, |sql| {
        if sql.on_postgres(true, false) {
            sql.run("SELECT pg_advisory_xact_lock($1)", values![LOCK]).await?;
        }
        let had = applied(&sql).await?;
        sql.script(BOOK).await?;
        for migration in MIGRATIONS.iter().filter(|m| m.version > had && m.version <= last) {
            let text = sql.on_postgres(migration.postgres, migration.sqlite);
            sql.script(text).await?;
            let row = values![migration.version, migration.name, content_hash(text.as_bytes()), db.millis()];
            sql.run("INSERT INTO schema_migrations VALUES ($1, $2, $3, $4)", row).await?;
        }
        Ok(had)
    })
    .await
}

/// Refuses a schema that is not the one that this program knows.
pub(crate) async fn check(db: &Database) -> Result<(), StorageError> {
    refuse_other(&db.read()).await
}

/// The same, within a transaction.
pub(crate) async fn refuse_other(sql: &Sql<'_>) -> Result<(), StorageError> {
    let found = applied(sql).await?;
    if found < known() {
        return Err(StorageError::Older { place: sql.db.location.to_string(), found, known: known() });
    }
    Ok(())
}

/// The number of the newest migration that the database has had; 0 if it is empty.
pub(crate) async fn applied(sql: &Sql<'_>) -> Result<i64, StorageError> {
    let place = || sql.db.location.to_string();
    let tables = sql.on_postgres(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()",
        "SELECT name FROM sqlite_master WHERE type = 'table'",
    );
    let tables = sql.all(tables, values![]).await?;
    let names = tables.iter().map(|t| t.get::<String>("name")).collect::<Result<Vec<_>, _>>()?;
    if names.is_empty() {
        return Ok(0);
    }
    if !names.iter().any(|n| n == "schema_migrations") {
        return Err(StorageError::Corrupt {
            place: place(),
            reason: "it belongs to another program".to_owned(),
        });
    }
    let rows = sql.all("SELECT version, sha256 FROM schema_migrations ORDER BY version", values![]).await?;
    let mut newest = 0;
    for row in &rows {
        newest = row.get("version")?;
        let Some(migration) = MIGRATIONS.iter().find(|m| m.version == newest) else {
            return Err(StorageError::Newer { place: place(), found: newest, known: known() });
        };
        let text = sql.on_postgres(migration.postgres, migration.sqlite);
        if row.get::<String>("sha256")? != content_hash(text.as_bytes()) {
            let reason =
                format!("its migration {newest} ({}) is not the one of this program", migration.name);
            return Err(StorageError::Corrupt { place: place(), reason });
        }
    }
    Ok(newest)
}

async fn check_server(db: &Database) -> Result<(), StorageError> {
    let sql = db.read();
    if !sql.on_postgres(true, false) {
        return Ok(());
    }
    let text = "SELECT current_setting('server_version_num')::bigint AS version";
    let version: i64 = sql.one(text, values![]).await?.map_or(Ok(0), |row| row.get("version"))?;
    if version / 10_000 >= OLDEST_POSTGRES {
        return Ok(());
    }
    let reason = format!("it is PostgreSQL {}, and {OLDEST_POSTGRES} or newer is needed", version / 10_000);
    Err(StorageError::Corrupt { place: db.location.to_string(), reason })
}
