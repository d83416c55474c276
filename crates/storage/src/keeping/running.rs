//! What processes held when the backup was taken, none of which is there any more.
//!
//! Nothing is decided here that is decided elsewhere: a lease is ended, and whoever looks next finds a task whose worker
//! is gone, or an effect of which nobody knows whether it took place, and does with it what it does after a crash. Slices
//! stay as they are: what is not known as spent counts as used until `cofounder budget reconcile`. Which tables have
//! leases and fences, their columns say.

use super::tables::{Table, quoted};
use crate::{
    StorageError,
    sql::{Sql, values},
};

/// How far fences go ahead. A process that lost its database, and finds the restored one in its place, may hold any fence
/// that was given out after the backup was taken; nothing is claimed a million times.
const AHEAD: i64 = 1_000_000;

/// Ends every lease that somebody holds, and outdates every fence; tells how many leases there were.
pub(super) async fn let_go(sql: &Sql<'_>, tables: &[Table]) -> Result<u64, StorageError> {
    let mut ended = 0;
    for table in tables.iter().filter(|table| table.has("lease_until")) {
        let name = quoted(&table.name);
        if table.has("owner") {
            let held = "owner IS NOT NULL AND lease_until IS NOT NULL";
            ended += sql.run(&format!("UPDATE {name} SET lease_until = 0 WHERE {held}"), values![]).await?;
        }
        if table.has("fence") {
            sql.run(&format!("UPDATE {name} SET fence = fence + $1"), values![AHEAD]).await?;
        }
    }
    Ok(ended)
}
