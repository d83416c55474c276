//! Opening the database.

use cofounder_domain::{Clock, Timestamp};
use sea_orm::{
    ConnectOptions, DatabaseConnection, DbBackend,
    sqlx::{
        self, Connection,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};
use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

use crate::{Faults, Location, StorageError, group::Group, migrate, stats::Waits, wake::Alarm};

/// How long an SQLite file may take to be made, also by another process.
const MADE: Duration = Duration::from_secs(10);
/// The pause before a database that another process is making is tried again.
const AGAIN: Duration = Duration::from_millis(50);
/// How long a server keeps the locks of a transaction whose program says nothing: less than a lease, so that a machine
/// that is lost with a lock in its hands keeps no task from being taken over.
const SILENCE: &str = "5000ms";
/// A server's own limit ends a statement a little before ours does, so that its connection stays usable.
const SERVER_FIRST: Duration = Duration::from_millis(500);

/// Times and numbers of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// The most connections at a time. SQLite: readers, and one writer.
    pub connections: u32,
    /// How long a caller waits for a free connection; on SQLite also for another process that is writing.
    pub acquire: Duration,
    /// How long a new connection may take.
    pub connect: Duration,
    /// How long a statement may take.
    pub statement: Duration,
    /// Prepared statements that each connection keeps.
    pub statement_cache: usize,
}

impl Default for PoolSettings {
    /// Eight connections; 10 s to get one, 5 s to make one, 30 s for a statement; 100 prepared statements.
    fn default() -> Self {
        Self {
            connections: 8,
            acquire: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            statement: Duration::from_secs(30),
            statement_cache: 100,
        }
    }
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Open ones.
    pub open: u32,
    /// Open ones that nobody uses.
    pub idle: u32,
}

/// An open database. Cheap to clone: all clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: DatabaseConnection,
    pub(crate) location: Location,
    pub(crate) settings: PoolSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: Option<Arc<dyn Faults>>,
    pub(crate) writer: Arc<Mutex<()>>,
    pub(crate) alarm: Alarm,
    pub(crate) group: Group,
    pub(crate) waits: Arc<Waits>,
}

impl Database {
    /// Opens a database. An SQLite file is made if there is none, and brought up to date; it is in WAL mode with full
    /// synchronisation: what a call has returned from survives a loss of power. A PostgreSQL database must have been
    /// brought up to date by [`Database::migrate`].
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be made, written or understood; it is not touched then.
    pub async fn open(
        location: &Location,
        settings: PoolSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        match location {
            Location::Sqlite(_) => Self::migrate(location, settings, clock).await.map(|(db, _)| db),
            Location::Postgres(_) => {
                let db = Self::connect(location, settings, clock).await?;
                migrate::check(&db).await?;
                Ok(db)
            }
        }
    }

    /// Opens a database and brings it up to date; tells which schema it had, 0 for an empty one.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be made, written or understood; it is not touched then.
    pub async fn migrate(
        location: &Location,
        settings: PoolSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, i64), StorageError> {
        if let Location::Sqlite(path) = location {
            make_folder(path)?;
            make_file(path);
        }
        let patience = Instant::now() + MADE;
        loop {
            let opened = async {
                let db = Self::connect(location, settings, clock.clone()).await?;
                let had = migrate::migrate(&db, i64::MAX).await?;
                if had == migrate::known() {
                    return Ok((db, had));
                }
                // Connections that remember the old schema would misread rows of the new one.
                db.close().await?;
                Ok((Self::connect(location, settings, clock.clone()).await?, had))
            };
            match opened.await {
                // While another process makes the same file, SQLite does not wait for it by itself.
                Err(StorageError::Unavailable(_))
                    if matches!(location, Location::Sqlite(_)) && Instant::now() < patience =>
                {
                    tokio::time::sleep(AGAIN).await
                }
                opened => return opened,
            }
        }
    }

    pub(crate) async fn connect(
        location: &Location,
        settings: PoolSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        if let Location::Postgres(url) = location {
            knock(url, settings.connect).await.map_err(|e| StorageError::of_driver(&e, location))?;
        }
        let options = match location {
            Location::Sqlite(path) => sqlite_options(path, settings),
            Location::Postgres(url) => postgres_options(url, settings),
        };
        let pool = sea_orm::Database::connect(options).await.map_err(|e| StorageError::of(&e, location))?;
        Ok(Self::over(pool, location, settings, clock))
    }

    /// A database over connections that there are.
    pub(crate) fn over(
        pool: DatabaseConnection,
        location: &Location,
        settings: PoolSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (writer, alarm, group, waits) =
            (Arc::default(), Alarm::default(), Group::default(), Arc::default());
        Self { pool, location: location.clone(), settings, clock, faults: None, writer, alarm, group, waits }
    }

    /// The same database with faults: for tests.
    #[must_use]
    pub fn with_faults(mut self, faults: Arc<dyn Faults>) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Waits for running statements and closes every connection.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if it does not close.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.pool.close_by_ref().await.map_err(|e| StorageError::of(&e, &self.location))
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The number of the newest schema this program knows, which is the one it has.
    #[must_use]
    pub fn schema(&self) -> i64 {
        migrate::known()
    }

    /// How many connections there are now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let (open, idle) = match &self.location {
            Location::Sqlite(_) => {
                let pool = self.pool.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
            Location::Postgres(_) => {
                let pool = self.pool.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        Connections { open, idle: u32::try_from(idle).unwrap_or(u32::MAX) }
    }

    /// Checks that it answers and has the schema that this program knows; of an SQLite file, every page as well.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] names the first thing that is wrong.
    pub async fn check(&self) -> Result<(), StorageError> {
        migrate::check(self).await?;
        let Location::Sqlite(path) = &self.location else { return Ok(()) };
        let row = self.read().one("PRAGMA quick_check(1)", vec![]).await?;
        let found = row.map(|r| r.get::<String>("quick_check")).transpose()?.unwrap_or_default();
        if found == "ok" {
            Ok(())
        } else {
            Err(StorageError::Corrupt { place: path.display().to_string(), reason: found })
        }
    }

    /// Checks that the schema is still the one that this program knows: a newer version may have changed it since.
    ///
    /// # Errors
    /// [`StorageError::Newer`] or [`StorageError::Older`].
    pub async fn check_schema(&self) -> Result<(), StorageError> {
        migrate::check(self).await
    }

    pub(crate) fn backend(&self) -> DbBackend {
        match self.location {
            Location::Sqlite(_) => DbBackend::Sqlite,
            Location::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// The time by the clock that it was opened with.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn millis(&self) -> i64 {
        self.now().timestamp_millis()
    }
}

/// One connection, to learn why there is none if there is none: a pool would only say that it waited in vain.
async fn knock(url: &str, patience: Duration) -> Result<(), sqlx::Error> {
    let connected = tokio::time::timeout(patience, sqlx::PgConnection::connect(url)).await;
    connected.unwrap_or(Err(sqlx::Error::PoolTimedOut))?.close().await
}

pub(crate) fn make_folder(path: &Path) -> Result<(), StorageError> {
    let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|error| StorageError::ReadOnly {
        place: folder.display().to_string(),
        reason: error.to_string(),
    })
}

/// A new file is its owner's alone, and so are those that SQLite puts beside it. What is wrong with the place, opening it tells.
pub(crate) fn make_file(path: &Path) {
    drop(fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

fn sqlite_options(path: &Path, settings: PoolSettings) -> ConnectOptions {
    let file = path.to_owned();
    let mut options = pooled("sqlite::memory:", settings);
    // On a full disk SQLite ends a transaction by itself. The driver's own `ROLLBACK` fails then, and it takes the
    // connection for one in a transaction for ever: such a connection is not used again.
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
    });
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite.filename(&file).in_memory(false).shared_cache(false).create_if_missing(true);
        let sqlite = sqlite.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        sqlite
            .foreign_keys(true)
            .busy_timeout(settings.acquire)
            .statement_cache_capacity(settings.statement_cache)
    });
    options
}

fn postgres_options(url: &str, settings: PoolSettings) -> ConnectOptions {
    let limit = settings.statement.saturating_sub(SERVER_FIRST).max(settings.statement / 2);
    let mut options = pooled(url, settings);
    options.map_sqlx_postgres_opts(move |postgres| {
        let postgres = postgres.application_name("cofounder");
        let limit = format!("{}ms", limit.as_millis());
        let postgres = postgres.options([
            ("statement_timeout", limit.as_str()),
            ("idle_in_transaction_session_timeout", SILENCE),
        ]);
        postgres.statement_cache_capacity(settings.statement_cache)
    });
    options
}

pub(crate) fn pooled(url: &str, settings: PoolSettings) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(settings.connections)
        .acquire_timeout(settings.acquire)
        .connect_timeout(settings.connect)
        .sqlx_logging(false);
    options
}
