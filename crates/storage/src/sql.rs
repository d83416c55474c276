//! Statements with values, and rows read back.

use cofounder_domain::{TaskId, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, TryGetable, Value};
use serde::{Serialize, de::DeserializeOwned};
use std::{path::Path, str::FromStr};

use crate::StorageError;

/// A list of values for a statement's `$1`, `$2`, ….
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$(sea_orm::Value::from($value)),*] };
}
pub(crate) use values;

/// A connection or a transaction, with the database's path for messages.
pub(crate) struct Sql<'a, C> {
    pub(crate) on: &'a C,
    pub(crate) path: &'a Path,
}

impl<C: ConnectionTrait> Sql<'_, C> {
    /// Runs a statement; tells how many rows it changed.
    pub(crate) async fn run(&self, text: &str, values: Vec<Value>) -> Result<u64, StorageError> {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, text, values);
        self.on.execute_raw(statement).await.map(|r| r.rows_affected()).map_err(|e| self.told(&e))
    }

    pub(crate) async fn one(&self, text: &str, values: Vec<Value>) -> Result<Option<Row>, StorageError> {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, text, values);
        self.on.query_one_raw(statement).await.map(|r| r.map(Row)).map_err(|e| self.told(&e))
    }

    pub(crate) async fn all(&self, text: &str, values: Vec<Value>) -> Result<Vec<Row>, StorageError> {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, text, values);
        let rows = self.on.query_all_raw(statement).await.map_err(|e| self.told(&e))?;
        Ok(rows.into_iter().map(Row).collect())
    }

    pub(crate) fn told(&self, error: &DbErr) -> StorageError {
        StorageError::of(error, self.path)
    }
}

/// One row of an answer.
pub(crate) struct Row(QueryResult);

impl Row {
    pub(crate) fn get<T: TryGetable>(&self, column: &str) -> Result<T, StorageError> {
        self.0.try_get("", column).map_err(StorageError::bug)
    }

    /// Text that a type of `domain` reads.
    pub(crate) fn parse<T: FromStr>(&self, column: &str) -> Result<T, StorageError>
    where
        T::Err: std::fmt::Display,
    {
        self.get::<String>(column)?.parse().map_err(StorageError::bug)
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StorageError> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(StorageError::bug)
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

    pub(crate) fn small(&self, column: &str) -> Result<u32, StorageError> {
        u32::try_from(self.get::<i64>(column)?).map_err(StorageError::bug)
    }
}

fn moment(millis: i64) -> Result<Timestamp, StorageError> {
    Timestamp::from_timestamp_millis(millis).ok_or_else(|| StorageError::bug("a time is out of range"))
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(StorageError::bug)
}

/// The cursor of a list whose items are known by ids of this kind.
pub(crate) fn cursor<T: FromStr>(typed: Option<&str>) -> Result<Option<String>, StorageError> {
    match typed {
        Some(typed) if typed.parse::<T>().is_err() => Err(StorageError::Cursor(typed.to_owned())),
        typed => Ok(typed.map(str::to_owned)),
    }
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
