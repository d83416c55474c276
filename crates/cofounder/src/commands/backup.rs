//! `cofounder backup`: all that is in the database, as one file.

use cofounder_domain::format_timestamp;
use cofounder_storage::{BackupFile, Location};
use serde_json::json;

use crate::{
    app::{App, Files},
    cli::BackupArgs,
    failure::Failure,
    keeping::{KeepingDisplay, NOT_IN_IT},
    output,
    pull::megabytes,
};

pub(crate) async fn run(files: Files, args: &BackupArgs, as_json: bool) -> Result<(), Failure> {
    if let Location::Sqlite(path) = &files.database
        && !path.exists()
    {
        let path = path.display();
        return Err(Failure::failed(format!(
            "there is no database {path}, and so nothing to back up. Name the installation with --data-dir or --database-url"
        )));
    }
    let app = App::open(files).await?;
    let display = KeepingDisplay::new();
    let taken = display.over(app.db.backup(&args.file, args.force, &display)).await?;
    if !taken.strange.is_empty() {
        eprintln!("not kept, since they are not this program's: the tables {}", taken.strange.join(", "));
    }
    if as_json {
        let mut told = serde_json::to_value(&taken)
            .map_err(|e| Failure::failed(format!("the result could not be written as JSON: {e}")))?;
        told["not_in_it"] = json!(NOT_IN_IT);
        return output::json(&told);
    }
    for left in NOT_IN_IT {
        eprintln!("not in it: {left}");
    }
    print(&taken)
}

fn print(taken: &BackupFile) -> Result<(), Failure> {
    let info = &taken.info;
    let rows: u64 = info.tables.iter().map(|table| table.rows).sum();
    output::line(format!("{}  {}", taken.path.display(), megabytes(taken.bytes)))?;
    output::line(format!("sha256 {}", taken.sha256))?;
    output::line(format!(
        "{rows} rows of {} tables, as they were at {}",
        info.tables.len(),
        format_timestamp(info.taken_at)
    ))
}
