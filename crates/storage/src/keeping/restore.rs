//! Filling an empty database from a backup.

use cofounder_domain::Clock;
use serde::Serialize;
use std::sync::Arc;

use super::{
    Backup, BackupInfo, KeepingError, KeepingProgress, TableSum,
    aside::{Aside, advance_numbers, lock},
    backup::carried,
    file, rows, running,
    tables::{self, Table, quoted},
};
use crate::{
    Database, Location, PoolSettings, StorageError,
    database::{make_file, make_folder},
    migrate,
    sql::{Sql, values},
    work::transaction,
};

/// What was restored.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// What the backup says of itself.
    #[serde(flatten)]
    pub info: BackupInfo,
    /// Leases that processes held when it was taken, and that ended with it.
    pub leases_ended: u64,
}

impl Database {
    /// Opens a database to restore into. One with nothing at all in it gets the present schema, be it on a server too; one
    /// with an earlier schema is somebody's and is not touched.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be made, written or understood.
    pub async fn open_empty(
        location: &Location,
        settings: PoolSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        if let Location::Sqlite(path) = location {
            make_folder(path)?;
            make_file(path);
        }
        let db = Self::connect(location, settings, clock.clone()).await?;
        if migrate::applied(&db.read()).await? > 0 {
            migrate::check(&db).await?;
            return Ok(db);
        }
        db.close().await?;
        Self::migrate(location, settings, clock).await.map(|(db, _)| db)
    }

    /// Puts in all that a backup holds, in one transaction: all of it or nothing. The database must be as migrations make
    /// it. What processes held is not carried on as if they lived: leases are ended, and fences go ahead.
    ///
    /// # Errors
    /// [`KeepingError::Occupied`] if there is anything in it; nothing is changed then, nor after any other error.
    pub async fn restore(
        &self,
        backup: &Backup,
        progress: &dyn KeepingProgress,
    ) -> Result<Restored, KeepingError> {
        let pristine = pristine(&self.clock).await?;
        let (target, from) = (file::apart(self).await?, &backup.db);
        progress.stage("restoring");
        let filled = transaction!(target, |sql| {
            file::unhurried(&sql).await?;
            let ours: Vec<Table> = pristine.iter().map(|(table, _)| table.clone()).collect();
            lock(&sql, &ours).await?;
            migrate::refuse_other(&sql).await?;
            if let Some(tables) = occupied(&sql, &pristine).await? {
                return Ok(Err(tables));
            }
            let reading = from.snapshot().await?;
            let filled = fill(&from.on(&reading), &sql, &backup.sums, progress).await;
            from.conclude(reading, filled).await.map(Ok)
        });
        let filled = filled.await;
        file::done_with(&target).await?;
        match filled? {
            Ok(leases_ended) => Ok(Restored { info: backup.info().clone(), leases_ended }),
            Err(tables) => Err(KeepingError::Occupied { place: self.location.to_string(), tables }),
        }
    }
}

/// What migrations put into each table.
async fn pristine(clock: &Arc<dyn Clock>) -> Result<Vec<(Table, TableSum)>, StorageError> {
    let db = file::pristine(clock.clone()).await?;
    let reading = db.snapshot().await?;
    let sql = db.on(&reading);
    let summed = async {
        let mut sums = Vec::new();
        for table in carried(tables::tables(&sql).await?) {
            let sum = rows::sum(&sql, &table).await?;
            sums.push((table, sum));
        }
        Ok(sums)
    };
    let summed = summed.await;
    db.conclude(reading, summed).await
}

/// The tables that hold something else than what migrations made, with their rows, for a person; none if there is none.
async fn occupied(sql: &Sql<'_>, pristine: &[(Table, TableSum)]) -> Result<Option<String>, StorageError> {
    let mut found = Vec::new();
    for (table, made) in pristine {
        let text = format!("SELECT count(*) AS found FROM {}", quoted(&table.name));
        let rows = sql.one(&text, values![]).await?.map_or(Ok(0), |row| row.number("found"))?;
        if rows != made.rows || (rows > 0 && rows::sum(sql, table).await? != *made) {
            found.push(format!("{} ({rows})", table.name));
        }
    }
    Ok(if found.is_empty() { None } else { Some(found.join(", ")) })
}

async fn fill(
    from: &Sql<'_>,
    to: &Sql<'_>,
    sums: &[TableSum],
    progress: &dyn KeepingProgress,
) -> Result<u64, StorageError> {
    let tables = carried(tables::tables(from).await?);
    let aside = Aside::set(to, &tables).await?;
    for table in &tables {
        to.script(&format!("DELETE FROM {}", quoted(&table.name))).await?;
        let read = rows::copy(from, to, table, progress).await?;
        // Read again: what is there now is what the backup said.
        let put = rows::sum(to, table).await?;
        if put != read || !sums.contains(&put) {
            return Err(StorageError::bug(format!("the table {} is not what the backup holds", table.name)));
        }
    }
    let ended = running::let_go(to, &tables).await?;
    aside.put_back(to).await?;
    advance_numbers(to, &tables).await?;
    Ok(ended)
}
