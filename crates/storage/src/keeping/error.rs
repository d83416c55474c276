//! What can go wrong with a backup.

use cofounder_domain::FaultKind;
use std::{io, path::Path};

use crate::StorageError;

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum KeepingError {
    /// A file of that name is there.
    #[error("{file} exists. It was not touched. Name another file, or say --force to have it replaced")]
    Exists {
        /// The file.
        file: String,
    },
    /// The file is the database itself.
    #[error("{file} is the database itself. It was not touched. Name another file for its backup")]
    Itself {
        /// The file.
        file: String,
    },
    /// Another process writes a backup of that name.
    #[error("another process is writing {file}. Nothing was changed. Wait for it, or name another file")]
    Busy {
        /// The unfinished file.
        file: String,
    },
    /// No space is left for the backup.
    #[error(
        "the disk with {file} is full. No backup was made, and the data were not touched. Make room, or name a file elsewhere"
    )]
    Full {
        /// The file.
        file: String,
    },
    /// The file or its folder cannot be read or written.
    #[error("{file} cannot be {what}: {error}. {kept}")]
    File {
        /// The file.
        file: String,
        /// What was tried: `read` or `written`.
        what: &'static str,
        /// What became of it.
        kept: &'static str,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// It is some other file.
    #[error(
        "{file} is no backup of cofounder: {reason}. Nothing was restored. Name a file that `cofounder backup` wrote"
    )]
    Foreign {
        /// The file.
        file: String,
        /// How one sees that.
        reason: String,
    },
    /// It was a backup once.
    #[error("{file} is damaged: {reason}. Nothing was restored. Use another copy of it, or an older backup")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// It was made by a newer version of the program.
    #[error(
        "{file} was made by a newer version of cofounder ({program}: schema {found}, this one knows {known}). Nothing was restored. Use that version, or a newer one"
    )]
    Newer {
        /// The file.
        file: String,
        /// The version that made it.
        program: String,
        /// The schema that it has.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// There is something where it was to be restored.
    #[error(
        "{place} is not empty: there are rows in {tables}. Nothing was restored, and they were not touched. Restore into a new data directory (--data-dir) or a new database (--database-url)"
    )]
    Occupied {
        /// The database.
        place: String,
        /// The tables that hold something, with their rows.
        tables: String,
    },
    /// The database did not do as asked.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl KeepingError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Exists { .. } | Self::Itself { .. } | Self::Busy { .. } | Self::Occupied { .. } => {
                FaultKind::Conflict
            }
            Self::Full { .. }
            | Self::File { .. }
            | Self::Foreign { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. } => FaultKind::Unsupported,
            Self::Storage(error) => error.kind(),
        }
    }

    pub(super) fn reading(file: &Path, error: io::Error) -> Self {
        Self::File { file: shown(file), what: "read", kept: "Nothing was restored", error }
    }

    pub(super) fn writing(file: &Path, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull {
            return Self::Full { file: shown(file) };
        }
        let kept = "No backup was made, and the data were not touched. Name a file elsewhere";
        Self::File { file: shown(file), what: "written", kept, error }
    }

    /// What a statement on a backup that is written said.
    pub(super) fn made(error: StorageError, partial: &Path) -> Self {
        match error {
            StorageError::DiskFull { place } if Path::new(&place) == partial => Self::Full { file: place },
            error => Self::Storage(error),
        }
    }

    /// What a statement on a backup that is read said: what it cannot do, the file's contents keep it from.
    pub(super) fn read(error: StorageError, file: &Path) -> Self {
        let reason = match error {
            StorageError::Corrupt { reason, .. } | StorageError::Unreadable { reason, .. } => reason,
            StorageError::Unavailable(_) | StorageError::ReadOnly { .. } => return Self::Storage(error),
            StorageError::Bug(bug) => bug.to_string(),
            _ => "its schema cannot be read".to_owned(),
        };
        Self::Damaged { file: shown(file), reason }
    }
}

pub(super) fn shown(file: &Path) -> String {
    file.display().to_string()
}
