//! `cofounder restore`: a new installation from a backup.

use cofounder_domain::{Clock, SystemClock, format_timestamp};
use cofounder_storage::{Backup, Database, Restored};
use serde_json::json;
use std::sync::Arc;

use crate::{
    app::{Files, private},
    cli::RestoreArgs,
    failure::Failure,
    keeping::{KeepingDisplay, NOT_IN_IT},
    output,
};

/// What happened after the backup was taken is not in it, and what it undid is undone.
const SINCE: [&str; 3] = [
    "stop the installation that it was taken of before you start this one: both would do the same work",
    "tokens that were revoked after it was taken are good again: see `cofounder token list`",
    "what was announced after it was taken may be announced again, with the same Idempotency-Key",
];

pub(crate) async fn run(files: Files, args: &RestoreArgs, as_json: bool) -> Result<(), Failure> {
    let display = KeepingDisplay::new();
    let done = display.over(restore(&files, args, &display)).await?;
    for word in SINCE {
        eprintln!("{word}");
    }
    let place = files.database.to_string();
    if as_json {
        let mut told = serde_json::to_value(&done)
            .map_err(|e| Failure::failed(format!("the result could not be written as JSON: {e}")))?;
        told["database"] = json!(place);
        told["not_in_it"] = json!(NOT_IN_IT);
        return output::json(&told);
    }
    for left in NOT_IN_IT {
        eprintln!("not in it: {left}");
    }
    let rows: u64 = done.info.tables.iter().map(|table| table.rows).sum();
    let at = format_timestamp(done.info.taken_at);
    output::line(format!(
        "{place} has {rows} rows of {} tables, as they were at {at}",
        done.info.tables.len()
    ))
}

async fn restore(files: &Files, args: &RestoreArgs, display: &KeepingDisplay) -> Result<Restored, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // All of the file is checked before anything is made.
    let backup = Backup::open(&args.file, clock.clone(), display).await?;
    private(&files.data_dir)?;
    let backup = backup.brought_up_to_date(&files.data_dir).await?;
    let db = Database::open_empty(&files.database, files.config.database.pool(), clock).await?;
    let done = db.restore(&backup, display).await?;
    db.close().await?;
    backup.close().await?;
    Ok(done)
}
