//! The command line of backups.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write; it appears under this name when it is complete and was checked
    pub(crate) file: PathBuf,
    /// Replace a file of this name
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The file that `cofounder backup` wrote. It goes into the database that --data-dir or --database-url names: a new
    /// one, or one with nothing in it
    pub(crate) file: PathBuf,
}
