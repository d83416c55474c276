//! What can go wrong with the database, by what a person or a program can do about it.

use cofounder_domain::{Bug, FaultKind, IllegalTransition};
use sea_orm::{DbErr, RuntimeErr, sqlx};
use std::path::Path;

use crate::Location;

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
        "`{0}` is no cursor of this list. Leave it out to begin at the top, or copy the one that the last page named"
    )]
    Cursor(String),
    /// What was given makes no sense; the words say what would.
    #[error("{0}")]
    Invalid(String),
    /// The present state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else changed it since it was read.
    #[error(
        "the {what} `{id}` has changed since you read it. Nothing of your change was kept; read it again, then decide"
    )]
    Changed {
        /// The kind of thing.
        what: &'static str,
        /// How it was named.
        id: String,
    },
    /// The transition table does not allow it.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Another worker took the task over: what this one still wanted to write is refused.
    #[error("another process has taken over the task; this one wrote nothing more")]
    Stale,
    /// The draft does not pass its blocking rails.
    #[error(
        "the draft is blocked: {reasons}. Read the report; to publish it all the same, override it with a reason (--override-reason)"
    )]
    Blocked {
        /// Which rails, and why.
        reasons: String,
    },
    /// The database or its folder cannot be written.
    #[error(
        "{place} cannot be written ({reason}). Nothing was changed. Make it writable, or name another folder with --data-dir"
    )]
    ReadOnly {
        /// The database.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// No space is left.
    #[error(
        "the disk with {place} is full. Nothing of the last change was kept, all before it was. Make room, then go on with `cofounder task resume ID`"
    )]
    DiskFull {
        /// The database.
        place: String,
    },
    /// It was written by a newer version of the program.
    #[error(
        "{place} was written by a newer version of cofounder (schema {found}, this one knows {known}). It was not touched. Use the newer version, or name another database with --data-dir or --database-url"
    )]
    Newer {
        /// The database.
        place: String,
        /// The schema it has.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// It is older than this program, and is not brought up to date by itself.
    #[error(
        "{place} has schema {found}, and this version of cofounder needs {known}. It was not touched. Stop older programs that use it, then run `cofounder migrate` with the same --database-url"
    )]
    Older {
        /// The database.
        place: String,
        /// The schema it has; 0 if it is empty.
        found: i64,
        /// The schema that this program needs.
        known: i64,
    },
    /// It is damaged or is not this program's.
    #[error(
        "{place} is not a usable database: {reason}. It was not touched. Restore a copy, or name another one with --data-dir or --database-url"
    )]
    Corrupt {
        /// The database.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The server does not let this program in.
    #[error("{place} refuses this program: {reason}. Check --database-url: user, password, database and TLS")]
    Refused {
        /// The database.
        place: String,
        /// What the server said.
        reason: String,
    },
    /// One stored value does not parse: it was damaged, or a newer version wrote it.
    #[error("the stored {what} cannot be read ({reason}). It was kept as it is")]
    Unreadable {
        /// Which.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Other changes kept coming first.
    #[error(
        "the database undid a change again and again because others came first ({0}). Nothing of it was kept; try again"
    )]
    Contended(String),
    /// It does not answer now.
    #[error("the database does not answer: {0}. Nothing of the last change was kept; try again")]
    Unavailable(String),
    /// A mistake of ours.
    #[error("the database refused a statement, which is a defect of this program: {0}")]
    Bug(#[source] Bug),
}

impl StorageError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::NotFound { .. } => FaultKind::NotFound,
            Self::Cursor(_) | Self::Invalid(_) => FaultKind::InvalidInput,
            Self::Conflict(_)
            | Self::Changed { .. }
            | Self::Illegal(_)
            | Self::Stale
            | Self::Blocked { .. } => FaultKind::Conflict,
            // Trying again at once does not empty a disk, change rights, or mend what is stored.
            Self::ReadOnly { .. }
            | Self::DiskFull { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Corrupt { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. } => FaultKind::Unsupported,
            Self::Contended(_) | Self::Unavailable(_) => FaultKind::Unavailable,
            Self::Bug(_) => FaultKind::Bug,
        }
    }

    pub(crate) fn bug(error: impl std::fmt::Display) -> Self {
        Self::Bug(Bug::here(error))
    }

    /// Reads the driver's error.
    pub(crate) fn of(error: &DbErr, location: &Location) -> Self {
        let reason = error.to_string();
        let sqlx_error = match error {
            DbErr::Conn(RuntimeErr::SqlxError(e))
            | DbErr::Exec(RuntimeErr::SqlxError(e))
            | DbErr::Query(RuntimeErr::SqlxError(e)) => e,
            DbErr::ConnectionAcquire(_) => return Self::Unavailable(reason),
            _ => return Self::bug(reason),
        };
        Self::of_driver(sqlx_error, location)
    }

    pub(crate) fn of_driver(error: &sqlx::Error, location: &Location) -> Self {
        let reason = error.to_string();
        match error {
            sqlx::Error::Database(refusal) => {
                let (code, reason) = (refusal.code().unwrap_or_default(), refusal.message().to_owned());
                if refusal.message().contains("illegal transition") {
                    return Self::Conflict(MOVED_ON.to_owned());
                }
                match location {
                    Location::Sqlite(path) => Self::of_sqlite(code.parse().unwrap_or(0), reason, path),
                    Location::Postgres(_) => Self::of_postgres(&code, reason, location),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(reason),
            sqlx::Error::Configuration(_) | sqlx::Error::Tls(_) => {
                Self::Refused { place: location.to_string(), reason }
            }
            _ => Self::bug(reason),
        }
    }

    /// Codes are those of <https://sqlite.org/rescode.html>.
    fn of_sqlite(code: i32, reason: String, path: &Path) -> Self {
        let place = path.display().to_string();
        match code & 0xff {
            5 | 6 => Self::Unavailable(format!("another process holds it ({reason}, code {code})")),
            8 | 14 => Self::ReadOnly { place, reason },
            // An error of reading or writing on a full disk is the disk's being full.
            10 if is_full(path) => Self::DiskFull { place },
            10 => Self::Unavailable(reason),
            11 | 26 => Self::Corrupt { place, reason },
            13 => Self::DiskFull { place },
            _ => Self::bug(reason),
        }
    }

    /// Codes are those of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn of_postgres(code: &str, reason: String, location: &Location) -> Self {
        let place = location.to_string();
        match code {
            // Undone because of another change: serialization failure, deadlock, lock not available.
            "40001" | "40P01" | "55P03" => Self::Contended(reason),
            "53100" => Self::DiskFull { place },
            // A standby that has not been promoted yet takes no changes.
            "25006" => Self::Unavailable(format!("the server takes no changes now ({reason})")),
            "3D000" => Self::Refused { place, reason },
            "XX001" | "XX002" => Self::Corrupt { place, reason },
            _ => match code.get(..2) {
                // No connection, no resources, ended by an operator or by a time-out.
                Some("08" | "53" | "57" | "58") => Self::Unavailable(reason),
                Some("28") => Self::Refused { place, reason },
                _ => Self::bug(format!("{reason} ({code})")),
            },
        }
    }
}

const MOVED_ON: &str =
    "the task's status does not allow this any more. `cofounder task show ID` says where it stands";

/// Whether no block is free where the database is.
fn is_full(path: &Path) -> bool {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail == 0)
}
