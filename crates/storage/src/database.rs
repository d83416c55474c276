//! Opening the database.

use cofounder_domain::{Clock, Timestamp};
use sea_orm::{
    ConnectOptions, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{StorageError, migrate, sql::Sql};

/// How long a statement waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(5);
/// The pause before a database that another process is making is tried again.
const AGAIN: Duration = Duration::from_millis(50);
/// How long a caller waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(10);
/// Readers at the same time, and one writer.
const CONNECTIONS: u32 = 4;

/// The database of a data directory. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Database {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The driver's pool.
#[derive(Debug)]
pub(crate) struct Connection(DatabaseConnection);

impl Connection {
    /// A transaction that may write from its first statement on, so that it never fails half-way for a lock.
    pub(crate) async fn begin(&self, path: &Path) -> Result<DatabaseTransaction, StorageError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.0.begin_with_options(options).await.map_err(|e| StorageError::of(&e, path))
    }
}

impl Database {
    /// Opens the SQLite database at `path`, makes it if there is none, and brings its schema up to date. WAL with
    /// full synchronisation: what a call has returned from survives a loss of power.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be made, written or understood; it is not touched then.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StorageError> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| StorageError::ReadOnly {
                path: folder.to_owned(),
                reason: error.to_string(),
            })?;
        }
        let patience = Instant::now() + BUSY;
        loop {
            match Self::open_once(path, &clock).await {
                // While another process makes the same database, SQLite does not wait for it by itself.
                Err(StorageError::Unavailable(_)) if Instant::now() < patience => {
                    tokio::time::sleep(AGAIN).await
                }
                opened => return opened,
            }
        }
    }

    async fn open_once(path: &Path, clock: &Arc<dyn Clock>) -> Result<Self, StorageError> {
        let file = path.to_owned();
        let mut options = ConnectOptions::new("sqlite::memory:");
        options
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_timeout(ACQUIRE)
            .sqlx_logging(false);
        options.map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite.filename(&file).in_memory(false).shared_cache(false).create_if_missing(true);
            let sqlite = sqlite.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
            sqlite.foreign_keys(true).busy_timeout(BUSY).statement_cache_capacity(64)
        });
        let connection = sea_orm::Database::connect(options).await.map_err(|e| StorageError::of(&e, path))?;
        let connection = Connection(connection);
        migrate::migrate(&connection, path, clock.now()).await?;
        Ok(Self { connection, path: path.to_owned(), clock: clock.clone() })
    }

    /// Waits for running statements and closes the file.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if it does not close.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.connection.0.close_by_ref().await.map_err(|e| StorageError::of(&e, &self.path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its number of the newest schema this program knows, which is the one it has.
    #[must_use]
    pub fn schema(&self) -> i64 {
        migrate::known()
    }

    /// Checks every page of the file, as SQLite does it.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] names the first thing that is wrong.
    pub async fn check(&self) -> Result<(), StorageError> {
        let row = self.read().one("PRAGMA quick_check(1)", vec![]).await?;
        let found = row.map(|r| r.get::<String>("quick_check")).transpose()?.unwrap_or_default();
        if found == "ok" {
            Ok(())
        } else {
            Err(StorageError::Corrupt { path: self.path.clone(), reason: found })
        }
    }

    pub(crate) fn read(&self) -> Sql<'_, DatabaseConnection> {
        Sql { on: &self.connection.0, path: &self.path }
    }

    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, StorageError> {
        self.connection.begin(&self.path).await
    }

    pub(crate) fn within<'a>(&'a self, transaction: &'a DatabaseTransaction) -> Sql<'a, DatabaseTransaction> {
        Sql { on: transaction, path: &self.path }
    }

    pub(crate) async fn commit(&self, transaction: DatabaseTransaction) -> Result<(), StorageError> {
        transaction.commit().await.map_err(|e| StorageError::of(&e, &self.path))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn millis(&self) -> i64 {
        self.now().timestamp_millis()
    }
}
