//! Why the registry cannot do what it was asked to, in words that say what to do.

use cofounder_domain::FaultKind;
use std::{io, path::PathBuf};

use crate::gguf::GgufError;

/// Why the registry cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A name that cannot be a folder's.
    #[error(
        "`{0}` cannot be a model's name. Use up to 64 small letters, digits, `.`, `-` and `_`, the first a letter or a digit"
    )]
    Name(String),
    /// It is not here.
    #[error("the model `{0}` is not here. Fetch it with `cofounder model pull {0}`")]
    NotInstalled(String),
    /// Its manifest cannot be understood.
    #[error(
        "what is known of the model `{name}` cannot be read: {reason}. Remove it with `cofounder model rm {name}` and fetch it again"
    )]
    Manifest {
        /// The model.
        name: String,
        /// Why.
        reason: String,
    },
    /// Its file is not what it was.
    #[error(
        "the file of the model `{name}` is not usable: {reason}. Run `cofounder model rm {name}`, then `cofounder model pull {name}`"
    )]
    Damaged {
        /// The model.
        name: String,
        /// Why.
        reason: String,
    },
    /// A file that was to be registered is not usable.
    #[error("{path} was not registered: {error}", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: GgufError,
    },
    /// A file that was to be registered under the name of another.
    #[error("{path} was not registered: `{name}` is the name of a certain file in the catalogue, and this is another (SHA-256 {actual}, not {expected}). Register it under another name", path = path.display())]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The pinned checksum.
        expected: String,
        /// The file's checksum.
        actual: String,
    },
    /// Another process is fetching or changing it.
    #[error("the model `{0}` is being fetched or changed by another process. Wait for it, then try again")]
    Busy(String),
    /// The work was cancelled.
    #[error("cancelled; nothing was changed")]
    Cancelled,
    /// The system said no.
    #[error("{path}: {error}. Check the path, who may write there, and the room on the disk", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl RegistryError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Name(_) | Self::OtherFile { .. } => FaultKind::InvalidInput,
            Self::NotInstalled(_) => FaultKind::NotFound,
            Self::Unusable { error, .. } => error.kind(),
            Self::Busy(_) | Self::Cancelled => FaultKind::Conflict,
            Self::Manifest { .. } | Self::Damaged { .. } | Self::Io { .. } => FaultKind::Unavailable,
        }
    }
}
