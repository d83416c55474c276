//! What keeps rows from being put in as they were: triggers that let a task begin only as `pending`, and references that
//! want one table before another. Both are set aside within the transaction that fills the database, and are back before
//! it is committed. Nobody else ever sees the database without them: changes of a schema are part of their transaction on
//! both databases, and on PostgreSQL every table of this program is locked first.

use super::{
    opened::refuse_dangling,
    tables::{Table, quoted},
};
use crate::{
    StorageError,
    sql::{Sql, to_json, values},
};

/// Statements that put back what was set aside.
pub(super) struct Aside(Vec<String>);

impl Aside {
    /// Sets it aside for these tables.
    pub(super) async fn set(sql: &Sql<'_>, tables: &[Table]) -> Result<Self, StorageError> {
        let listed = sql.listed(1);
        let text = sql.on_postgres(
            format!("{POSTGRES_TRIGGERS} IN ({listed}) UNION ALL {POSTGRES_REFERENCES} IN ({listed})"),
            format!("{SQLITE} IN ({listed})"),
        );
        let mut back = Vec::new();
        for row in sql.all(&text, values![names(tables)?]).await? {
            sql.script(&row.get::<String>("off")?).await?;
            back.push(row.get("back")?);
        }
        Ok(Self(back))
    }

    /// Puts it back. All references are checked, whose rows are all there by now.
    pub(super) async fn put_back(self, sql: &Sql<'_>) -> Result<(), StorageError> {
        for text in &self.0 {
            sql.script(text).await?;
        }
        if sql.on_postgres(true, false) { Ok(()) } else { refuse_dangling(sql).await }
    }
}

/// Keeps everybody else from these tables until the transaction ends. On SQLite a transaction that writes is alone anyway,
/// and readers see what was before it.
pub(super) async fn lock(sql: &Sql<'_>, tables: &[Table]) -> Result<(), StorageError> {
    if sql.on_postgres(false, true) {
        return Ok(());
    }
    let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
    sql.script(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "))).await
}

/// Lets PostgreSQL's own numbers go on behind the largest that was put in; SQLite does so by itself.
pub(super) async fn advance_numbers(sql: &Sql<'_>, tables: &[Table]) -> Result<(), StorageError> {
    if sql.on_postgres(false, true) {
        return Ok(());
    }
    let text = format!("{SEQUENCES} IN ({})", sql.listed(1));
    for row in sql.all(&text, values![names(tables)?]).await? {
        let (table, column) = (row.get::<String>("table_name")?, row.get::<String>("column_name")?);
        let text = format!(
            "SELECT coalesce(max({}), 0)::bigint AS largest FROM {}",
            quoted(&column),
            quoted(&table)
        );
        let largest: i64 = sql.one(&text, values![]).await?.map_or(Ok(0), |row| row.get("largest"))?;
        let sequence: String = row.get("sequence")?;
        sql.script(&format!("ALTER SEQUENCE {sequence} RESTART WITH {}", largest.saturating_add(1))).await?;
    }
    Ok(())
}

fn names(tables: &[Table]) -> Result<String, StorageError> {
    to_json(&tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>())
}

const SQLITE: &str = "
    SELECT 'DROP TRIGGER \"' || replace(name, '\"', '\"\"') || '\"' AS off, sql AS back
    FROM sqlite_master WHERE type = 'trigger' AND tbl_name";

const POSTGRES_TRIGGERS: &str = "
    SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) AS off,
      format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname) AS back
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT tgisinternal AND tgenabled = 'O' AND c.relnamespace = current_schema()::regnamespace
      AND c.relname::text";

const POSTGRES_REFERENCES: &str = "
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
      format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE contype = 'f' AND c.relnamespace = current_schema()::regnamespace AND c.relname::text";

const SEQUENCES: &str = "
    SELECT c.relname::text AS table_name, a.attname::text AS column_name,
      pg_get_serial_sequence(c.oid::regclass::text, a.attname::text) AS sequence
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
      AND pg_get_serial_sequence(c.oid::regclass::text, a.attname::text) IS NOT NULL AND c.relname::text";
