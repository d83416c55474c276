//! Statements with values, and rows read back.

use cofounder_domain::{Bug, NanoUsd, TaskId, Timestamp};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    Statement, TryGetable, Value,
};
use serde::{Serialize, de::DeserializeOwned};
use std::str::FromStr;

use crate::{Database, Moment, StorageError};

/// A list of values for a statement's `$1`, `$2`, ….
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$(sea_orm::Value::from($value)),*] };
}
pub(crate) use values;

/// What statements run on.
#[derive(Clone, Copy)]
pub(crate) enum On<'a> {
    Pool(&'a DatabaseConnection),
    Transaction(&'a DatabaseTransaction),
}

/// A connection or a transaction of a database. The same statements run on both kinds: they use what SQLite and
/// PostgreSQL have in common, and the few words that differ come from here.
#[derive(Clone, Copy)]
pub(crate) struct Sql<'a> {
    pub(crate) on: On<'a>,
    pub(crate) db: &'a Database,
}

impl Sql<'_> {
    /// Runs a statement; tells how many rows it changed.
    pub(crate) async fn run(&self, text: &str, values: Vec<Value>) -> Result<u64, StorageError> {
        let statement = self.statement(text, values);
        let run = async {
            match self.on {
                On::Pool(pool) => pool.execute_raw(statement).await,
                On::Transaction(transaction) => transaction.execute_raw(statement).await,
            }
        };
        self.guard(text, run).await.map(|done: ExecResult| done.rows_affected())
    }

    pub(crate) async fn one(&self, text: &str, values: Vec<Value>) -> Result<Option<Row>, StorageError> {
        let statement = self.statement(text, values);
        let run = async {
            match self.on {
                On::Pool(pool) => pool.query_one_raw(statement).await,
                On::Transaction(transaction) => transaction.query_one_raw(statement).await,
            }
        };
        self.guard(text, run).await.map(|row| row.map(Row))
    }

    pub(crate) async fn all(&self, text: &str, values: Vec<Value>) -> Result<Vec<Row>, StorageError> {
        let statement = self.statement(text, values);
        let run = async {
            match self.on {
                On::Pool(pool) => pool.query_all_raw(statement).await,
                On::Transaction(transaction) => transaction.query_all_raw(statement).await,
            }
        };
        Ok(self.guard(text, run).await?.into_iter().map(Row).collect())
    }

    /// Runs several statements that take no values.
    pub(crate) async fn script(&self, text: &str) -> Result<(), StorageError> {
        let run = async {
            match self.on {
                On::Pool(pool) => pool.execute_unprepared(text).await,
                On::Transaction(transaction) => transaction.execute_unprepared(text).await,
            }
        };
        self.guard(text, run).await.map(drop)
    }

    /// Within the time that a statement may take, and past a test's faults.
    async fn guard<T>(
        &self,
        text: &str,
        run: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, StorageError> {
        self.db.strike(text, Moment::Before)?;
        let done = self.db.in_time(self.db.settings.statement, run).await?;
        self.db.strike(text, Moment::After)?;
        Ok(done)
    }

    /// PostgreSQL's text has no NUL; SQLite's would have one. On both it becomes U+FFFD.
    fn statement(&self, text: &str, mut values: Vec<Value>) -> Statement {
        for value in &mut values {
            if let Value::String(Some(text)) = value
                && text.contains('\0')
            {
                *text = plain(text);
            }
        }
        Statement::from_sql_and_values(self.db.backend(), text, values)
    }

    /// The words that keep others from changing the rows that a `SELECT` found until the transaction ends. SQLite
    /// has one writer at a time anyway.
    pub(crate) fn lock(&self) -> &'static str {
        self.on_postgres(" FOR NO KEY UPDATE", "")
    }

    /// The same, passing over rows that others have locked.
    pub(crate) fn lock_free_ones(&self) -> &'static str {
        self.on_postgres(" FOR NO KEY UPDATE SKIP LOCKED", "")
    }

    /// The texts of a JSON array that is given as the value of this number, as a `SELECT`.
    pub(crate) fn listed(&self, number: u8) -> String {
        self.on_postgres(
            format!("SELECT value FROM json_array_elements_text(${number}::json)"),
            format!("SELECT value FROM json_each(${number})"),
        )
    }

    /// The rows of a JSON array of objects that is given as `$1`, as a `SELECT`. Texts in it are [`plain`].
    pub(crate) fn rows(&self, columns: &[(&str, &str)]) -> String {
        if self.on_postgres(true, false) {
            let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
            return format!("SELECT * FROM json_to_recordset($1::json) AS input({})", columns.join(", "));
        }
        let columns: Vec<String> =
            columns.iter().map(|(name, _)| format!("value ->> '{name}' AS {name}")).collect();
        format!("SELECT {} FROM json_each($1)", columns.join(", "))
    }

    /// The values of some rows as a JSON array in this order, as an expression; `rows` is what stands behind `FROM`.
    pub(crate) fn listed_rows(&self, value: &str, order: &str, rows: &str) -> String {
        self.on_postgres(
            format!("(SELECT coalesce(json_agg({value} ORDER BY {order}), '[]'::json)::text FROM {rows})"),
            format!("(SELECT json_group_array({value} ORDER BY {order}) FROM {rows})"),
        )
    }

    pub(crate) fn on_postgres<T>(&self, postgres: T, sqlite: T) -> T {
        if self.db.backend() == DbBackend::Postgres { postgres } else { sqlite }
    }
}

/// One row of an answer.
pub(crate) struct Row(pub(crate) QueryResult);

impl Row {
    /// What stands at this place, from 0.
    pub(crate) fn at<T: TryGetable>(&self, place: usize) -> Result<T, StorageError> {
        self.0.try_get_by(place).map_err(|e| unread("value", e))
    }

    pub(crate) fn get<T: TryGetable>(&self, column: &str) -> Result<T, StorageError> {
        self.0.try_get("", column).map_err(StorageError::bug)
    }

    /// Text that a type of `domain` reads.
    pub(crate) fn parse<T: FromStr>(&self, column: &str) -> Result<T, StorageError>
    where
        T::Err: std::fmt::Display,
    {
        self.get::<String>(column)?.parse().map_err(|e| unread(column, e))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StorageError> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|e| unread(column, e))
    }

    /// A word for which a type has a name.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, StorageError> {
        let name = self.get::<String>(column)?;
        serde_json::from_value(name.into()).map_err(|e| unread(column, e))
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StorageError> {
        moment(self.get(column)?)
    }

    pub(crate) fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, StorageError> {
        self.get::<Option<i64>>(column)?.map(moment).transpose()
    }

    pub(crate) fn number(&self, column: &str) -> Result<u64, StorageError> {
        u64::try_from(self.get::<i64>(column)?).map_err(StorageError::bug)
    }

    pub(crate) fn maybe_number(&self, column: &str) -> Result<Option<u64>, StorageError> {
        self.get::<Option<i64>>(column)?.map(u64::try_from).transpose().map_err(StorageError::bug)
    }

    pub(crate) fn money(&self, column: &str) -> Result<NanoUsd, StorageError> {
        self.number(column).map(NanoUsd::new)
    }

    /// Text that a type of `domain` reads, if there is one.
    pub(crate) fn maybe_parse<T: FromStr>(&self, column: &str) -> Result<Option<T>, StorageError>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.get::<Option<String>>(column)?;
        text.map(|text| text.parse().map_err(|e| unread(column, e))).transpose()
    }

    pub(crate) fn small(&self, column: &str) -> Result<u32, StorageError> {
        u32::try_from(self.get::<i64>(column)?).map_err(StorageError::bug)
    }
}

/// What is stored in a column cannot be read: it was damaged, or written by another version.
pub(crate) fn unread(column: &str, error: impl std::fmt::Display) -> StorageError {
    StorageError::Unreadable { what: column.to_owned(), reason: error.to_string() }
}

fn moment(millis: i64) -> Result<Timestamp, StorageError> {
    Timestamp::from_timestamp_millis(millis)
        .ok_or_else(|| StorageError::Bug(Bug::here("a time is out of range")))
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(StorageError::bug)
}

/// The name that a type has for its value.
pub(crate) fn word(value: &impl Serialize) -> Result<String, StorageError> {
    let name = serde_json::to_value(value).map_err(StorageError::bug)?;
    name.as_str().map(str::to_owned).ok_or_else(|| StorageError::bug(format!("{name} is no name")))
}

/// The cursor of a list whose items are known by ids of this kind.
pub(crate) fn cursor<T: FromStr>(typed: Option<&str>) -> Result<Option<String>, StorageError> {
    match typed {
        Some(typed) if typed.parse::<T>().is_err() => Err(StorageError::Cursor(typed.to_owned())),
        typed => Ok(typed.map(str::to_owned)),
    }
}

/// A condition of those that have a value, with the values of its `$1`, `$2`, …. What is not asked for is not in it, so
/// that an index serves the rest.
pub(crate) fn conditions<const N: usize>(asked: [(&str, Option<Value>); N]) -> (String, Vec<Value>) {
    let (mut text, mut row) = ("true".to_owned(), Vec::new());
    for (condition, value) in asked {
        if let Some(value) = value {
            row.push(value);
            text.push_str(&format!(" AND {condition} ${}", row.len()));
        }
    }
    (text, row)
}

/// Text as both databases keep it: without NUL.
pub(crate) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// An unsigned number as the database keeps it; what does not fit is kept as the largest that does.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn id(task: TaskId) -> String {
    task.to_string()
}

/// What was typed, as a pattern of `LIKE … ESCAPE '\'` that finds what begins with it. Nothing typed finds nothing.
pub(crate) fn prefix(text: &str) -> String {
    let mut pattern = String::new();
    if text.trim().is_empty() {
        return pattern;
    }
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PoolSettings;
    use cofounder_domain::SystemClock;
    use std::sync::Arc;

    /// Tried by leaving `statement_cache_capacity` out: the test failed.
    #[tokio::test]
    async fn audit_p02_a_connection_keeps_no_more_prepared_statements_than_it_may() {
        let Some(url) = cofounder_testkit::postgres::database() else { return };
        let settings = PoolSettings { connections: 1, statement_cache: 7, ..PoolSettings::default() };
        let place = url.parse().unwrap();
        let db = Database::connect(&place, settings, Arc::new(SystemClock)).await.unwrap();
        for number in 0..50 {
            db.read().one(&format!("SELECT {number}::bigint AS n"), values![]).await.unwrap();
        }
        let text = "SELECT count(*) AS kept FROM pg_prepared_statements";
        let kept: i64 = db.read().one(text, values![]).await.unwrap().unwrap().get("kept").unwrap();
        assert!((1..=7).contains(&kept), "{kept}");
    }
}
