//! Taking a backup.

use serde::Serialize;
use std::path::{Path, PathBuf};

use super::{
    Backup, BackupInfo, KeepingError, KeepingProgress, TableSum,
    aside::Aside,
    file,
    partial::Partial,
    rows,
    seal::TABLES,
    tables::{self, Table, is_carried},
};
use crate::{Database, StorageError, migrate, sql::Sql};

/// A backup that was taken.
#[derive(Clone, Debug, Serialize)]
pub struct BackupFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub info: BackupInfo,
    /// Tables that are in the database, are not this program's, and are not in the backup.
    pub strange: Vec<String>,
}

impl Database {
    /// Writes all that is committed at one instant into a file of its own, while others go on writing. The file is there
    /// under its name when it is complete, on the disk, and was read and checked; nothing is left if anything fails or
    /// this future is dropped.
    ///
    /// # Errors
    /// [`KeepingError`]; a file that exists is replaced only with `force`, and not before its successor is complete.
    pub async fn backup(
        &self,
        path: &Path,
        force: bool,
        progress: &dyn KeepingProgress,
    ) -> Result<BackupFile, KeepingError> {
        let partial = Partial::begin(path, force, &self.location)?;
        progress.stage("copying");
        let strange = self.write_into(&partial.path, progress).await?;
        progress.stage("checking");
        let backup = Backup::open(&partial.path, self.clock.clone(), progress).await?;
        let info = backup.info().clone();
        backup.close().await?;
        let (bytes, sha256) = partial.finish()?;
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(BackupFile { path, bytes, sha256, info, strange })
    }

    /// Fills the file; tells which tables it does not know.
    async fn write_into(
        &self,
        path: &Path,
        progress: &dyn KeepingProgress,
    ) -> Result<Vec<String>, KeepingError> {
        let made = |error| KeepingError::made(error, path);
        let to = file::make(path, self.clock.clone()).await.map_err(made)?;
        migrate::migrate(&to, i64::MAX).await.map_err(made)?;
        let from = file::apart(self).await?;
        let snapshot = from.snapshot().await?;
        let filling = to.begin().await.map_err(made)?;
        let copied = copy_all(&from.on(&snapshot), &to.on(&filling), progress).await;
        // It only read.
        drop(from.in_time(from.settings.statement, snapshot.rollback()).await);
        file::done_with(&from).await?;
        let strange = to.conclude(filling, copied).await.map_err(made)?;
        to.close().await.map_err(made)?;
        Ok(strange)
    }
}

async fn copy_all(
    from: &Sql<'_>,
    to: &Sql<'_>,
    progress: &dyn KeepingProgress,
) -> Result<Vec<String>, StorageError> {
    file::unhurried(from).await?;
    // All that is committed by now is in the backup: the first statement that reads comes after.
    let taken_at = from.db.now();
    migrate::refuse_other(from).await?;
    let (there, known) = (tables::tables(from).await?, tables::tables(to).await?);
    let aside = Aside::set(to, &known).await?;
    let mut sums: Vec<TableSum> = Vec::new();
    for table in known.iter().filter(|table| is_carried(&table.name)) {
        check_columns(from, table, &there)?;
        // What migrations put there comes from the database like everything else.
        to.script(&format!("DELETE FROM {}", tables::quoted(&table.name))).await?;
        sums.push(rows::copy(from, to, table, progress).await?);
    }
    aside.put_back(to).await?;
    BackupInfo::now(&from.db.location, migrate::known(), taken_at, sums).write(to).await?;
    let strange = there.into_iter().map(|table| table.name);
    Ok(strange.filter(|name| !known.iter().any(|table| table.name == *name)).collect())
}

/// A table that lacks a column, or has one more, would be kept in part.
fn check_columns(from: &Sql<'_>, table: &Table, there: &[Table]) -> Result<(), StorageError> {
    let names = |table: &Table| {
        let mut columns: Vec<_> = table.columns.iter().map(|c| (c.name.clone(), c.kind as u8)).collect();
        columns.sort();
        columns
    };
    if there.iter().any(|other| other.name == table.name && names(other) == names(table)) {
        return Ok(());
    }
    let reason = format!("its table {} is not the one of this program", table.name);
    Err(StorageError::Corrupt { place: from.db.location.to_string(), reason })
}

/// Tables of a backup that are the program's.
pub(super) fn carried(tables: Vec<Table>) -> Vec<Table> {
    let ours = |name: &str| is_carried(name) && !TABLES.contains(&name);
    tables.into_iter().filter(|table| ours(&table.name)).collect()
}
