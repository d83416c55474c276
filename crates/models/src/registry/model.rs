//! What is known of a model that is here.

use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// What a model was measured to be able to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ability {
    /// Which version of the probe measured it.
    pub probe: u32,
    /// How articles are to be written with it, in the words of who measured, e.g. `sections` or `sentences`.
    pub strategy: String,
    /// Sentences that it wrote.
    pub sentences: usize,
    /// Those of them that passed every check.
    pub supported: usize,
}

/// Where a model's file came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A model hub.
    Hub {
        /// The file's address.
        url: String,
    },
    /// A Python package.
    Wheel {
        /// The package.
        package: String,
        /// Its version.
        version: String,
    },
    /// A file that a person registered.
    File {
        /// Where it was.
        path: PathBuf,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub { url } => f.write_str(url),
            Self::Wheel { package, version } => write!(f, "Python package {package} {version}"),
            Self::File { path } => write!(f, "{}", path.display()),
        }
    }
}

/// A model that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// What it is called.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The file's size, in bytes.
    pub bytes: u64,
    /// Its licence, as catalogue or file name it.
    pub licence: Option<String>,
    /// The architecture that its file names.
    pub architecture: String,
    /// How many parameters it has.
    pub parameters: u64,
    /// The most tokens that it was trained for.
    pub context_length: Option<u64>,
    /// Where it came from.
    pub origin: Origin,
    /// What it was measured to be able to, if it was.
    pub ability: Option<Ability>,
}

/// What stands in a model's folder beside its file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    manifest: u32,
    sha256: String,
    pub(super) bytes: u64,
    licence: Option<String>,
    architecture: String,
    parameters: u64,
    context_length: Option<u64>,
    origin: Origin,
    ability: Option<Ability>,
}

impl Manifest {
    /// The version of its form.
    pub(super) const VERSION: u32 = 1;

    /// What is to be kept of a model.
    pub(super) fn of(model: &Installed) -> Self {
        let model = model.clone();
        Self {
            manifest: Self::VERSION,
            sha256: model.sha256,
            bytes: model.bytes,
            licence: model.licence,
            architecture: model.architecture,
            parameters: model.parameters,
            context_length: model.context_length,
            origin: model.origin,
            ability: model.ability,
        }
    }

    /// The model that it describes.
    pub(super) fn installed(self, name: &str, path: PathBuf) -> Installed {
        Installed {
            name: name.to_owned(),
            path,
            sha256: self.sha256,
            bytes: self.bytes,
            licence: self.licence,
            architecture: self.architecture,
            parameters: self.parameters,
            context_length: self.context_length,
            origin: self.origin,
            ability: self.ability,
        }
    }
}
