//! What a backup says of itself: two tables in its file.

use cofounder_domain::{Timestamp, content_hash};
use serde::Serialize;
use serde_json::json;

use super::TableSum;
use crate::{
    Location, StorageError,
    sql::{Row, Sql, signed, unread, values},
};

/// The form of these tables and of the sums.
pub(super) const FORMAT: i64 = 1;
/// SQLite's mark of whose file it is (`file` and others show it): the letters `cofb`.
pub(super) const MARK: u32 = 0x636f_6662;
/// The tables that say what is in a backup.
pub(super) const TABLES: [&str; 2] = ["backup", "backup_tables"];

const MADE: &str = "
    CREATE TABLE backup (
      format BIGINT PRIMARY KEY, program TEXT NOT NULL, schema BIGINT NOT NULL, source TEXT NOT NULL,
      taken_at BIGINT NOT NULL, sha256 TEXT NOT NULL);
    CREATE TABLE backup_tables (name TEXT PRIMARY KEY, row_count BIGINT NOT NULL, sha256 TEXT NOT NULL)";

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackupInfo {
    /// The version of the program that made it.
    pub program: String,
    /// The schema that it has.
    pub schema: i64,
    /// The kind of database that it was taken of: `sqlite` or `postgres`.
    pub source: String,
    /// When it was taken: it holds what was committed then.
    #[serde(serialize_with = "rfc3339")]
    pub taken_at: Timestamp,
    /// Its tables, by name.
    pub tables: Vec<TableSum>,
}

fn rfc3339<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&cofounder_domain::format_timestamp(*at))
}

impl BackupInfo {
    /// Of a backup that is taken now by this program.
    pub(super) fn now(location: &Location, schema: i64, taken_at: Timestamp, tables: Vec<TableSum>) -> Self {
        let source = match location {
            Location::Sqlite(_) => "sqlite",
            Location::Postgres(_) => "postgres",
        };
        let (program, source) = (env!("CARGO_PKG_VERSION").to_owned(), source.to_owned());
        Self { program, schema, source, taken_at, tables }
    }

    /// A checksum over all that it says, so that none of it can change unseen.
    fn sha256(&self) -> String {
        let at = self.taken_at.timestamp_millis();
        let said = json!([FORMAT, self.program, self.schema, self.source, at, self.tables]);
        content_hash(said.to_string().as_bytes())
    }

    pub(super) async fn write(&self, file: &Sql<'_>) -> Result<(), StorageError> {
        file.script(MADE).await?;
        let at = self.taken_at.timestamp_millis();
        let said = values![FORMAT, self.program.clone(), self.schema, self.source.clone(), at, self.sha256()];
        file.run("INSERT INTO backup VALUES ($1, $2, $3, $4, $5, $6)", said).await?;
        for table in &self.tables {
            let row = values![table.name.clone(), signed(table.rows), table.sha256.clone()];
            file.run("INSERT INTO backup_tables VALUES ($1, $2, $3)", row).await?;
        }
        file.script(&format!("PRAGMA application_id = {MARK}")).await
    }

    /// What a file says.
    pub(super) async fn read(file: &Sql<'_>) -> Result<Self, StorageError> {
        let row = only(file).await?;
        let rows = file.all("SELECT * FROM backup_tables ORDER BY name", values![]).await?;
        let tables = rows.iter().map(|row| {
            let (name, sha256) = (row.get("name")?, row.get("sha256")?);
            Ok(TableSum { name, rows: row.number("row_count")?, sha256 })
        });
        let info = Self {
            program: row.get("program")?,
            schema: row.get("schema")?,
            source: row.get("source")?,
            taken_at: row.time("taken_at")?,
            tables: tables.collect::<Result<_, StorageError>>()?,
        };
        match row.get::<String>("sha256")? == info.sha256() {
            true => Ok(info),
            false => Err(unread("table `backup`", "its checksum is another one")),
        }
    }
}

/// What a newer version would say too: the form, the program's version, the schema.
pub(super) async fn version(file: &Sql<'_>) -> Result<(i64, String, i64), StorageError> {
    let row = only(file).await?;
    Ok((row.get("format")?, row.get("program")?, row.get("schema")?))
}

async fn only(file: &Sql<'_>) -> Result<Row, StorageError> {
    let row = file.one("SELECT * FROM backup", values![]).await?;
    row.ok_or_else(|| unread("table `backup`", "it has no row"))
}
