//! Keeping: a backup of the whole database in one file, and a new database from it.
//!
//! A backup is an SQLite database with this program's own schema, whichever kind of database it was taken of, and two
//! tables more that say what is in it (`seal`). So one kind moves to the other, every tool that reads SQLite reads a
//! backup, and an older one is brought up to date by the migrations that there are anyway. What is copied is what the
//! database says that it has (`tables`): nothing here knows the name of a table, but for the few of [`NOT_CARRIED`].

mod aside;
mod backup;
mod error;
mod file;
mod opened;
mod partial;
mod restore;
mod rows;
mod running;
mod seal;
mod tables;

pub use backup::BackupFile;
pub use error::KeepingError;
pub use opened::Backup;
pub use restore::Restored;
pub use seal::BackupInfo;
pub use tables::NOT_CARRIED;

use serde::Serialize;

/// How many rows of a table there are, and a checksum over them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSum {
    /// The table.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 over its rows in the order of their primary key, column by column, each value with its kind and length.
    pub sha256: String,
}

/// Hears how far a backup or a restoration is.
pub trait KeepingProgress: Send + Sync {
    /// Something else is done from now on.
    fn stage(&self, text: &str);
    /// So many rows of a table are done.
    fn rows(&self, table: &str, done: u64);
}

/// Tells nobody.
impl KeepingProgress for () {
    fn stage(&self, _: &str) {}
    fn rows(&self, _: &str, _: u64) {}
}
