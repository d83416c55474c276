//! Connections for a backup: to its file, and to a database that is read or filled as a whole.

use cofounder_domain::Clock;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use std::{path::Path, sync::Arc, time::Duration};

use crate::{Database, Location, PoolSettings, StorageError, database::pooled, migrate, sql::Sql};

/// A statement that reads or checks a whole table may take as long.
const LONG: Duration = Duration::from_secs(3600);
/// Rows that SQLite's thread reads ahead: they may be large.
const AHEAD: usize = 4;
/// For one transaction: no limit for a statement, which reads or checks a whole table; a minute for what is done between
/// two of them; and not longer for a lock than others wait for theirs.
const UNHURRIED: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '60s';
    SET LOCAL lock_timeout = '10s'";

/// A new file that nobody else looks at and that is thrown away if anything fails: it needs no journal that outlives the
/// process, and is synchronised once, at the end.
pub(super) async fn make(path: &Path, clock: Arc<dyn Clock>) -> Result<Database, StorageError> {
    let file = path.to_owned();
    let shape = move |sqlite: SqliteConnectOptions| {
        let sqlite = sqlite.filename(&file).in_memory(false).shared_cache(false).create_if_missing(true);
        let sqlite = sqlite.journal_mode(SqliteJournalMode::Memory).synchronous(SqliteSynchronous::Off);
        sqlite.locking_mode(SqliteLockingMode::Exclusive)
    };
    one_connection(path, shape, clock).await
}

/// A file that is read and never changed, wherever it lies.
pub(super) async fn read(path: &Path, clock: Arc<dyn Clock>) -> Result<Database, StorageError> {
    let file = path.to_owned();
    let shape = move |sqlite: SqliteConnectOptions| {
        let sqlite = sqlite.filename(&file).in_memory(false).shared_cache(false).create_if_missing(false);
        sqlite.read_only(true).immutable(true)
    };
    one_connection(path, shape, clock).await
}

/// A database that has had every migration and nothing else.
pub(super) async fn pristine(clock: Arc<dyn Clock>) -> Result<Database, StorageError> {
    let place = Path::new("a new database in memory");
    let db = one_connection(place, |sqlite| sqlite, clock).await?;
    migrate::migrate(&db, i64::MAX).await?;
    Ok(db)
}

/// The same database, to be read or filled as a whole: its statements may take long, few of its rows are read ahead, and
/// on SQLite it has a connection of its own, on which references are checked at the end and not row by row.
pub(super) async fn apart(db: &Database) -> Result<Database, StorageError> {
    let apart = match &db.location {
        Location::Postgres(_) => db.clone(),
        Location::Sqlite(path) => {
            let (file, patience) = (path.clone(), db.settings.acquire);
            let shape = move |sqlite: SqliteConnectOptions| {
                let sqlite = sqlite.filename(&file).in_memory(false).shared_cache(false);
                let sqlite = sqlite.create_if_missing(false).busy_timeout(patience);
                sqlite.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
            };
            one_connection(path, shape, db.clock.clone()).await?
        }
    };
    let settings = PoolSettings { statement: LONG, ..db.settings };
    Ok(Database { settings, faults: db.faults.clone(), ..apart })
}

/// Closes what was opened for a database that is [`apart`]: on SQLite all of it.
pub(super) async fn done_with(apart: &Database) -> Result<(), StorageError> {
    match apart.location {
        Location::Sqlite(_) => apart.close().await,
        Location::Postgres(_) => Ok(()),
    }
}

/// Gives a transaction of a database that is [`apart`] the time that it needs.
pub(super) async fn unhurried(sql: &Sql<'_>) -> Result<(), StorageError> {
    if sql.on_postgres(true, false) { sql.script(UNHURRIED).await } else { Ok(()) }
}

async fn one_connection(
    path: &Path,
    shape: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
    clock: Arc<dyn Clock>,
) -> Result<Database, StorageError> {
    let location = Location::Sqlite(path.to_owned());
    let settings = PoolSettings { connections: 1, statement: LONG, ..PoolSettings::default() };
    let mut options = pooled("sqlite::memory:", settings);
    // What it was set to, and a database in memory, are gone with the connection: it stays.
    options.min_connections(1).idle_timeout(None).max_lifetime(None);
    options.map_sqlx_sqlite_opts(move |sqlite| shape(sqlite).foreign_keys(false).row_buffer_size(AHEAD));
    let pool = sea_orm::Database::connect(options).await.map_err(|e| StorageError::of(&e, &location))?;
    Ok(Database::over(pool, &location, settings, clock))
}
