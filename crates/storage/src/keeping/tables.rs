//! The tables of a database, as it says itself what they are.

use crate::{
    StorageError,
    sql::{Sql, values},
};

/// Tables that a backup does not carry, each with the reason. Every other table of this program's schema is carried.
pub const NOT_CARRIED: [(&str, &str); 2] = [
    ("schema_migrations", "each database has a book of its own"),
    (
        "target_health",
        "processes that run write down there what they see, and another installation has none of them",
    ),
];

/// A table that has rows of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The columns of its primary key, in their order.
    pub(super) key: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What a column holds. This program's schema knows nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Bytes,
    Other,
}

impl Table {
    /// Refuses a table whose rows cannot be kept: one without an order, or with a column of another kind.
    pub(super) fn check(&self) -> Result<(), StorageError> {
        if self.key.is_empty() {
            return Err(StorageError::bug(format!("the table {} has no primary key", self.name)));
        }
        match self.columns.iter().find(|column| column.kind == Kind::Other) {
            None => Ok(()),
            Some(other) => {
                let column = format!("{}.{}", self.name, other.name);
                Err(StorageError::bug(format!("{column} is no number, no text and no bytes")))
            }
        }
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column)
    }

    /// Its names in a statement, with a comma between them.
    pub(super) fn list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|c| quoted(&c.name)).collect();
        names.join(", ")
    }

    /// Reads every row in the order of the primary key, which is the same on both databases.
    pub(super) fn select(&self, sql: &Sql<'_>) -> String {
        let mut text = format!("SELECT {} FROM {} ORDER BY ", self.list(), quoted(&self.name));
        for (place, key) in self.key.iter().enumerate() {
            let is_text = self.columns.iter().any(|c| &c.name == key && c.kind == Kind::Text);
            let order = if is_text { sql.on_postgres(" COLLATE \"C\"", "") } else { "" };
            text.push_str(&format!("{}{}{order}", if place == 0 { "" } else { ", " }, quoted(key)));
        }
        text
    }
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether a backup carries a table of this name.
pub(super) fn is_carried(name: &str) -> bool {
    !NOT_CARRIED.iter().any(|(left, _)| *left == name)
}

/// Every table, by name; also those of others.
pub(super) async fn tables(sql: &Sql<'_>) -> Result<Vec<Table>, StorageError> {
    let mut tables: Vec<Table> = Vec::new();
    for row in sql.all(sql.on_postgres(POSTGRES, SQLITE), values![]).await? {
        let name: String = row.get("name")?;
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table { name, columns: Vec::new(), key: Vec::new() });
        }
        let Some(table) = tables.last_mut() else { continue };
        let column: String = row.get("column_name")?;
        let kind = row.get::<String>("kind")?;
        let kind = match kind.to_ascii_lowercase().as_str() {
            "text" => Kind::Text,
            "bytea" | "blob" => Kind::Bytes,
            "integer" | "bigint" => Kind::Number,
            _ => Kind::Other,
        };
        let place = usize::try_from(row.get::<i64>("key_place")?).unwrap_or(0);
        if place > 0 {
            // Columns of a key may be declared in another order.
            table.key.resize(table.key.len().max(place), String::new());
            table.key[place - 1].clone_from(&column);
        }
        table.columns.push(Column { name: column, kind });
    }
    Ok(tables)
}

const SQLITE: &str = "
    SELECT m.name AS name, c.name AS column_name, c.type AS kind, c.pk AS key_place
    FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid";

const POSTGRES: &str = "
    SELECT c.relname::text AS name, a.attname::text AS column_name, format_type(a.atttypid, NULL) AS kind,
      coalesce(array_position(x.indkey::int2[], a.attnum) + 1, 0)::bigint AS key_place
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    LEFT JOIN pg_index x ON x.indrelid = c.oid AND x.indisprimary
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    ORDER BY c.relname::text COLLATE \"C\", a.attnum";
