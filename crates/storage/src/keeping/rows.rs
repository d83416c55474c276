//! Rows on their way: read one by one, summed, and written in batches, so that no table has to fit into memory.

use super::{
    KeepingProgress, TableSum,
    tables::{Kind, Table, quoted},
};
use crate::{
    Moment, StorageError,
    sql::{On, Row, Sql, plain},
};
use futures_util::TryStreamExt;
use sea_orm::{Statement, StreamTrait, TransactionStream, Value};
use sha2::{Digest, Sha256};

/// Rows that are written with one statement at most, the values they may have, and the bytes above which no further row
/// is added.
const ROWS: usize = 200;
const VALUES: usize = 16_000;
const BYTES: usize = 1 << 20;

/// Writes a table's rows into the same table elsewhere; its sum is that of what was read.
pub(super) async fn copy(
    from: &Sql<'_>,
    to: &Sql<'_>,
    table: &Table,
    progress: &dyn KeepingProgress,
) -> Result<TableSum, StorageError> {
    let mut batch = Batch::of(table);
    let (mut rows, mut sum) = (Rows::read(from, table).await?, Sum::of(table));
    while let Some(values) = rows.next(table).await? {
        sum.add(&values);
        batch.add(values);
        if batch.is_full() {
            batch.write(to, table).await?;
            progress.rows(&table.name, sum.rows);
        }
    }
    batch.write(to, table).await?;
    progress.rows(&table.name, sum.rows);
    Ok(sum.end(table))
}

/// A table's sum.
pub(super) async fn sum(sql: &Sql<'_>, table: &Table) -> Result<TableSum, StorageError> {
    let (mut rows, mut sum) = (Rows::read(sql, table).await?, Sum::of(table));
    while let Some(values) = rows.next(table).await? {
        sum.add(&values);
    }
    Ok(sum.end(table))
}

struct Rows<'a> {
    sql: Sql<'a>,
    stream: TransactionStream<'a>,
}

impl<'a> Rows<'a> {
    async fn read(sql: &Sql<'a>, table: &Table) -> Result<Self, StorageError> {
        let On::Transaction(transaction) = sql.on else {
            return Err(StorageError::bug("rows are read one by one within a transaction"));
        };
        table.check()?;
        let text = table.select(sql);
        sql.db.strike(&text, Moment::Before)?;
        let statement = Statement::from_string(sql.db.backend(), text);
        let stream = sql.db.in_time(sql.db.settings.statement, transaction.stream_raw(statement)).await?;
        Ok(Self { sql: *sql, stream })
    }

    async fn next(&mut self, table: &Table) -> Result<Option<Vec<Value>>, StorageError> {
        let row = self.sql.db.in_time(self.sql.db.settings.statement, self.stream.try_next()).await?;
        let Some(row) = row.map(Row) else { return Ok(None) };
        let values = table.columns.iter().enumerate().map(|(place, column)| match column.kind {
            Kind::Number => row.at::<Option<i64>>(place).map(Value::from),
            // What the program writes has no NUL; what others wrote becomes what it would have become here.
            Kind::Text => row.at::<Option<String>>(place).map(|text| Value::from(text.map(without_nul))),
            Kind::Bytes => row.at::<Option<Vec<u8>>>(place).map(Value::from),
            Kind::Other => Err(StorageError::bug("a column of another kind")),
        });
        let told = |error| match error {
            StorageError::Unreadable { reason, .. } => {
                StorageError::Unreadable { what: format!("row of the table {}", table.name), reason }
            }
            other => other,
        };
        values.collect::<Result<_, _>>().map(Some).map_err(told)
    }
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { plain(&text) } else { text }
}

/// Sums rows as they come.
struct Sum {
    rows: u64,
    hash: Sha256,
}

impl Sum {
    fn of(table: &Table) -> Self {
        let mut hash = Sha256::new();
        for column in &table.columns {
            hash.update(column.name.as_bytes());
            hash.update([0]);
        }
        Self { rows: 0, hash }
    }

    /// A byte for the kind of each value; a number's eight bytes, or a length and then so many bytes.
    fn add(&mut self, values: &[Value]) {
        self.rows += 1;
        for value in values {
            match value {
                Value::BigInt(Some(number)) => {
                    self.hash.update([1]);
                    self.hash.update(number.to_le_bytes());
                }
                Value::String(Some(text)) => self.counted(2, text.as_bytes()),
                Value::Bytes(Some(bytes)) => self.counted(3, bytes),
                _ => self.hash.update([0]),
            }
        }
    }

    fn counted(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }

    fn end(self, table: &Table) -> TableSum {
        let sha256 = hex::encode(self.hash.finalize());
        TableSum { name: table.name.clone(), rows: self.rows, sha256 }
    }
}

/// Rows that are to be written.
struct Batch {
    most: usize,
    rows: usize,
    bytes: usize,
    values: Vec<Value>,
}

impl Batch {
    fn of(table: &Table) -> Self {
        let most = (VALUES / table.columns.len().max(1)).clamp(1, ROWS);
        Self { most, rows: 0, bytes: 0, values: Vec::new() }
    }

    fn add(&mut self, row: Vec<Value>) {
        self.rows += 1;
        self.bytes += row.iter().map(size).sum::<usize>();
        self.values.extend(row);
    }

    fn is_full(&self) -> bool {
        self.rows >= self.most || self.bytes >= BYTES
    }

    async fn write(&mut self, to: &Sql<'_>, table: &Table) -> Result<(), StorageError> {
        if self.rows == 0 {
            return Ok(());
        }
        // An identity column that is always generated takes a value only with these words.
        let words = to.on_postgres(" OVERRIDING SYSTEM VALUE", "");
        let mut text = format!("INSERT INTO {} ({}){words} VALUES ", quoted(&table.name), table.list());
        for number in 0..self.values.len() {
            let start = match number % table.columns.len() {
                0 if number == 0 => "(",
                0 => "), (",
                _ => ", ",
            };
            text.push_str(start);
            // SQLite looks for the name of each value among all of them; for one without a name it does not.
            text.push_str(&to.on_postgres(format!("${}", number + 1), "?".to_owned()));
        }
        text.push(')');
        (self.rows, self.bytes) = (0, 0);
        to.run(&text, std::mem::take(&mut self.values)).await.map(drop)
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => 8,
    }
}
