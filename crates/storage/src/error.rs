//! What can go wrong with the database, by what a person or a program can do about it.

use cofounder_domain::{FaultKind, IllegalTransition};
use sea_orm::{DbErr, RuntimeErr, sqlx};
use std::path::PathBuf;

/// Why the database did not do as asked. Nothing of the failed change was kept.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// What was named is not there.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// How it was named.
        id: String,
    },
    /// It is no place in a list.
    #[error(
        "`{0}` is no cursor of this list. Leave --cursor out to begin at the top, or copy the one that the last page named"
    )]
    Cursor(String),
    /// The present state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The transition table does not allow it.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Another worker took the task over: what this one still wanted to write is refused.
    #[error("another process has taken over the task; this one wrote nothing more")]
    Stale,
    /// The draft does not pass its blocking rails.
    #[error(
        "the draft is blocked: {reasons}. Read the report; to publish it all the same, give a reason with --override-reason"
    )]
    Blocked {
        /// Which rails, and why.
        reasons: String,
    },
    /// The database or its folder cannot be written.
    #[error("{path} cannot be written ({reason}). Nothing was changed. Make it writable, or name another folder with --data-dir", path = path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// No space is left.
    #[error("the disk with {path} is full. Nothing of the last change was kept, all before it was. Make room, then go on with `cofounder task resume ID`", path = path.display())]
    DiskFull {
        /// The database.
        path: PathBuf,
    },
    /// It was written by a newer version of the program.
    #[error("{path} was written by a newer version of cofounder (schema {found}, this one knows {known}). It was not touched. Use the newer version, or another --data-dir", path = path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// The schema it has.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// It is damaged or is not this program's.
    #[error("{path} is not a usable database: {reason}. It was not touched. Restore a copy, or name another --data-dir", path = path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It does not answer now.
    #[error("the database does not answer: {0}. Nothing of the last change was kept; try again")]
    Unavailable(String),
    /// A mistake of ours.
    #[error("the database refused a statement, which is a defect of this program: {0}")]
    Bug(String),
}

impl StorageError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::NotFound { .. } => FaultKind::NotFound,
            Self::Cursor(_) => FaultKind::InvalidInput,
            Self::Conflict(_) | Self::Illegal(_) | Self::Stale | Self::Blocked { .. } => FaultKind::Conflict,
            // Trying again at once does not empty a disk or change a folder's rights.
            Self::ReadOnly { .. } | Self::DiskFull { .. } | Self::Newer { .. } | Self::Corrupt { .. } => {
                FaultKind::Unsupported
            }
            Self::Unavailable(_) => FaultKind::Unavailable,
            Self::Bug(_) => FaultKind::Bug,
        }
    }

    pub(crate) fn bug(error: impl std::fmt::Display) -> Self {
        Self::Bug(error.to_string())
    }

    /// Reads the driver's error. Codes are those of <https://sqlite.org/rescode.html>.
    pub(crate) fn of(error: &DbErr, path: &std::path::Path) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        let sqlx_error = match error {
            DbErr::Conn(RuntimeErr::SqlxError(e))
            | DbErr::Exec(RuntimeErr::SqlxError(e))
            | DbErr::Query(RuntimeErr::SqlxError(e)) => e,
            DbErr::ConnectionAcquire(_) => return Self::Unavailable(reason),
            _ => return Self::Bug(reason),
        };
        match &**sqlx_error {
            sqlx::Error::Database(refusal) => {
                let code = refusal.code().and_then(|c| c.parse::<i32>().ok()).unwrap_or(0);
                Self::of_code(code, refusal.message(), path)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(reason),
            _ => Self::Bug(reason),
        }
    }

    fn of_code(code: i32, message: &str, path: PathBuf) -> Self {
        let reason = message.to_owned();
        match code & 0xff {
            5 | 6 => Self::Unavailable(format!("another process holds it ({reason})")),
            8 | 14 => Self::ReadOnly { path, reason },
            // An error of reading or writing on a full disk is the disk's being full.
            10 if is_full(&path) => Self::DiskFull { path },
            10 => Self::Unavailable(reason),
            11 | 26 => Self::Corrupt { path, reason },
            13 => Self::DiskFull { path },
            19 if reason.contains("illegal transition") => Self::Conflict(
                "the task's status does not allow this any more. `cofounder task show ID` says where it stands".to_owned(),
            ),
            _ => Self::Bug(reason),
        }
    }
}

/// Whether no block is free where the database is.
fn is_full(path: &std::path::Path) -> bool {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail == 0)
}
