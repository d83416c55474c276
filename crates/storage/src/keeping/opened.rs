//! A backup that was opened and checked.

use cofounder_domain::Clock;
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    BackupInfo, KeepingError, KeepingProgress, TableSum,
    backup::carried,
    error::shown,
    file, rows,
    seal::{self, FORMAT, MARK},
    tables,
};
use crate::{
    Database, StorageError, migrate,
    sql::{Sql, unread, values},
};

/// A backup all of whose pages, references and sums were checked. Its file is never changed.
#[derive(Debug)]
pub struct Backup {
    pub(super) db: Database,
    info: BackupInfo,
    /// What its tables hold now: other than what `info` says once it was brought up to date.
    pub(super) sums: Vec<TableSum>,
    _copy: Option<Copied>,
}

/// A copy that was brought up to date; removed when it is dropped.
#[derive(Debug)]
struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

impl Backup {
    /// Opens a file and checks all of it.
    ///
    /// # Errors
    /// [`KeepingError`] says whether it is no backup, a damaged one, or one of a newer version.
    pub async fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        progress: &dyn KeepingProgress,
    ) -> Result<Self, KeepingError> {
        check_head(path)?;
        let told = |error| KeepingError::read(error, path);
        let db = file::read(path, clock).await.map_err(told)?;
        let (format, program, found) = seal::version(&db.read()).await.map_err(told)?;
        let known = migrate::known();
        if format > FORMAT || found > known {
            return Err(KeepingError::Newer { file: shown(path), program, found, known });
        }
        let reading = db.snapshot().await.map_err(told)?;
        let checked = check(&db.on(&reading), progress).await;
        let info = db.conclude(reading, checked).await.map_err(told)?;
        let sums = info.tables.clone();
        Ok(Self { db, info, sums, _copy: None })
    }

    /// What it says of itself.
    #[must_use]
    pub fn info(&self) -> &BackupInfo {
        &self.info
    }

    /// Of a backup with an earlier schema, a copy in this folder, brought up to date as an SQLite database would be.
    ///
    /// # Errors
    /// [`KeepingError`] if it cannot be copied, or does not come up to date.
    pub async fn brought_up_to_date(self, folder: &Path) -> Result<Self, KeepingError> {
        if self.info.schema == migrate::known() {
            return Ok(self);
        }
        let crate::Location::Sqlite(path) = self.db.location.clone() else { return Ok(self) };
        let name = format!("restore-{}.partial", uuid::Uuid::new_v4().simple());
        let copy = Copied(folder.join(name));
        let written = |error| KeepingError::writing(&copy.0, error);
        let made = |error| KeepingError::made(error, &copy.0);
        fs::copy(&path, &copy.0).map_err(written)?;
        let (info, clock) = (self.info.clone(), self.db.clock.clone());
        self.close().await?;
        let db = file::make(&copy.0, clock.clone()).await.map_err(made)?;
        migrate::migrate(&db, i64::MAX).await.map_err(made)?;
        db.close().await.map_err(made)?;
        let db = file::read(&copy.0, clock).await.map_err(made)?;
        let reading = db.snapshot().await?;
        let summed = sums(&db.on(&reading), &()).await;
        let sums = db.conclude(reading, summed).await?;
        Ok(Self { db, info, sums, _copy: Some(copy) })
    }

    /// Closes its file.
    ///
    /// # Errors
    /// [`KeepingError::Storage`] if it does not close.
    pub async fn close(self) -> Result<(), KeepingError> {
        Ok(self.db.close().await?)
    }
}

/// The first page says that it is an SQLite database, whose, and how many pages follow
/// (<https://sqlite.org/fileformat.html#the_database_header>).
fn check_head(path: &Path) -> Result<(), KeepingError> {
    let told = |error| KeepingError::reading(path, error);
    let foreign = |reason: &str| KeepingError::Foreign { file: shown(path), reason: reason.to_owned() };
    let mut head = Vec::new();
    let file = File::open(path).map_err(told)?;
    let size = file.metadata().map_err(told)?.len();
    file.take(100).read_to_end(&mut head).map_err(told)?;
    let number = |at: usize, len: usize| {
        head.get(at..at + len)
            .map_or(0, |bytes| bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)))
    };
    if head.len() < 100 || !head.starts_with(b"SQLite format 3\0") {
        return Err(foreign("it does not begin as one"));
    }
    if number(68, 4) != u64::from(MARK) {
        return Err(foreign("it is another SQLite database"));
    }
    let page = match number(16, 2) {
        1 => 65_536,
        page => page,
    };
    let says = number(28, 4) * page;
    if size == says {
        return Ok(());
    }
    let reason = format!("it should have {says} bytes and has {size}");
    Err(KeepingError::Damaged { file: shown(path), reason })
}

async fn check(file: &Sql<'_>, progress: &dyn KeepingProgress) -> Result<BackupInfo, StorageError> {
    let found = file.one("PRAGMA integrity_check(1)", values![]).await?;
    let found = found.map(|row| row.get::<String>("integrity_check")).transpose()?.unwrap_or_default();
    if found != "ok" {
        return Err(unread("file", found));
    }
    let info = BackupInfo::read(file).await?;
    let sums = sums(file, progress).await?;
    if let Some(other) = sums.iter().find(|sum| !info.tables.contains(sum)) {
        return Err(unread("rows", format!("the checksum of the table {} is another one", other.name)));
    }
    if sums.len() != info.tables.len() {
        return Err(unread("rows", "a table is missing"));
    }
    refuse_dangling(file).await?;
    Ok(info)
}

async fn sums(file: &Sql<'_>, progress: &dyn KeepingProgress) -> Result<Vec<TableSum>, StorageError> {
    let mut sums = Vec::new();
    for table in carried(tables::tables(file).await?) {
        let sum = rows::sum(file, &table).await?;
        progress.rows(&table.name, sum.rows);
        sums.push(sum);
    }
    Ok(sums)
}

/// Refuses a row of an SQLite database that refers to none.
pub(super) async fn refuse_dangling(file: &Sql<'_>) -> Result<(), StorageError> {
    let dangling =
        file.one("SELECT \"table\" AS name FROM pragma_foreign_key_check LIMIT 1", values![]).await?;
    match dangling.map(|row| row.get::<String>("name")).transpose()? {
        None => Ok(()),
        Some(table) => {
            Err(unread("rows", format!("a row of the table {table} refers to one that is not there")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Location, PoolSettings, keeping::seal::TABLES, sql::id};
    use cofounder_domain::{SystemClock, TaskId};

    const ROWS: &str = "
        INSERT INTO tasks (id, site_id, brief, created_at, updated_at) VALUES
          ('TASK', '00000000-0000-0000-0000-000000000000', '{}', 1000, 1000);
        INSERT INTO journal (task_id, fence, at, event, path) VALUES ('TASK', 0, 1000, 'created', '');
        INSERT INTO reservations (site_id, day, amount, settled) VALUES
          ('00000000-0000-0000-0000-000000000000', '2026-01-01', 7, 1);";

    /// A backup as the program with this schema would have made it.
    async fn earlier(path: &Path, schema: i64, task: &str) {
        let clock = Arc::new(SystemClock);
        let db = file::make(path, clock.clone()).await.unwrap();
        migrate::migrate(&db, schema).await.unwrap();
        db.read().script(&ROWS.replace("TASK", task)).await.unwrap();
        if schema == 1 {
            // It numbers no entries: the second schema does so when it comes.
            let text = "INSERT INTO journal (task_id, fence, at, event, path) SELECT id, 0, 2000, 'moved', '' FROM tasks";
            db.read().script(text).await.unwrap();
        }
        let filling = db.begin().await.unwrap();
        let sql = db.on(&filling);
        let sums = sums(&sql, &()).await.unwrap();
        let info = BackupInfo::now(&db.location, schema, clock.now(), sums);
        info.write(&sql).await.unwrap();
        db.conclude(filling, Ok(())).await.unwrap();
        db.close().await.unwrap();
    }

    /// Tried by restoring from the file itself and not from its copy, and by bringing the file itself up to date: the
    /// test failed each time.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_backup_of_every_earlier_schema_is_restored_into_the_present_one_and_stays_as_it_was() {
        for schema in 1..=2 {
            let folder = tempfile::tempdir().unwrap();
            let (path, clock) = (folder.path().join("earlier"), Arc::new(SystemClock));
            let task = TaskId::new(clock.now());
            earlier(&path, schema, &id(task)).await;
            let bytes = fs::read(&path).unwrap();
            let file = Location::Sqlite(folder.path().join("new/cofounder.db"));
            let server = cofounder_testkit::postgres::database().map(|url| url.parse().unwrap());
            for place in std::iter::once(file).chain(server) {
                let backup = Backup::open(&path, clock.clone(), &()).await.unwrap();
                assert_eq!(backup.info().schema, schema);
                let backup = backup.brought_up_to_date(folder.path()).await.unwrap();
                let db = Database::open_empty(&place, PoolSettings::default(), clock.clone()).await.unwrap();
                db.restore(&backup, &()).await.unwrap();
                backup.close().await.unwrap();
                let row = db.read().one("SELECT used FROM accounts", values![]).await.unwrap().unwrap();
                assert_eq!(
                    row.get::<i64>("used").unwrap(),
                    7,
                    "what was reserved is used in the third schema"
                );
                let text = "SELECT seq FROM journal ORDER BY id";
                let rows = db.read().all(text, values![]).await.unwrap();
                let numbers: Vec<i64> = rows.iter().map(|row| row.get("seq").unwrap()).collect();
                assert_eq!(numbers, if schema == 1 { vec![1, 2] } else { vec![0] });
                let there = tables::tables(&db.read()).await.unwrap();
                assert!(!there.iter().any(|table| TABLES.contains(&table.name.as_str())));
                db.close().await.unwrap();
            }
            assert!(fs::read(&path).unwrap() == bytes, "the file is as it was");
            let left: Vec<_> =
                fs::read_dir(folder.path()).unwrap().flatten().map(|e| e.file_name()).collect();
            assert_eq!(left.len(), 2, "the copy is gone: {left:?}");
        }
    }
}
