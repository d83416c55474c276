//! `cofounder migrate`: brings the database up to date.

use cofounder_domain::SystemClock;
use cofounder_storage::Database;
use serde_json::json;
use std::sync::Arc;

use crate::{
    app::{Files, private},
    failure::Failure,
    output,
};

pub(crate) async fn run(files: Files, as_json: bool) -> Result<(), Failure> {
    private(&files.data_dir)?;
    let pool = files.config.database.pool();
    let (db, had) = Database::migrate(&files.database, pool, Arc::new(SystemClock)).await?;
    let schema = db.schema();
    if as_json {
        let place = files.database.to_string();
        return output::json(&json!({"database": place, "from": had, "schema": schema}));
    }
    let place = &files.database;
    match had {
        had if had == schema => output::line(format!("{place} has schema {schema}, nothing to do")),
        0 => output::line(format!("{place} was empty and has schema {schema} now")),
        had => output::line(format!("{place} went from schema {had} to {schema}")),
    }
}
