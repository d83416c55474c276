//! The models that are here: one folder each, with the file and a manifest.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

use crate::{
    files::{self, digits},
    gguf::{GgufHeader, read_gguf},
};

mod error;
mod model;
mod register;

pub use error::RegistryError;
use model::Manifest;
pub use model::{Ability, Installed, Origin};
pub use register::Placement;
use register::stopped;

const MANIFEST: &str = "manifest.json";
const MAX_MANIFEST: u64 = 64 << 10;

/// What is in the registry.
#[derive(Debug, Default)]
pub struct Listing {
    /// The models, by name.
    pub models: Vec<Installed>,
    /// What is wrong with the others.
    pub problems: Vec<RegistryError>,
}

/// Whether a name can be a model's: up to 64 small ASCII letters, digits, `.`, `-` and `_`, of which the first is
/// a letter or a digit.
#[must_use]
pub fn valid_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=64).contains(&name.len())
        && name.starts_with(word)
        && name.chars().all(|c| word(c) || matches!(c, '.' | '-' | '_'))
}

/// The folder that models live in. Cheap to copy; opens nothing until asked.
#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
}

/// Held while a model is changed; the system lets go of it when the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Registry {
    /// The registry in a folder, which is made when the first model comes.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is here, by name. Looks at manifests and file sizes, not into the files.
    ///
    /// # Errors
    /// [`RegistryError::Io`] if the folder cannot be read; a folder that does not exist is an empty registry.
    pub fn list(&self) -> Result<Listing, RegistryError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
            entries => entries.map_err(told(&self.folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(told(&self.folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if valid_name(&name) && entry.path().join(MANIFEST).exists() {
                names.push(name);
            }
        }
        names.sort();
        let mut listing = Listing::default();
        for name in names {
            match self.look_up(&name) {
                Ok(model) => listing.models.push(model),
                Err(problem) => listing.problems.push(problem),
            }
        }
        Ok(listing)
    }

    /// A model that is about to be used: its manifest is read, its size compared, and its file's header checked.
    ///
    /// # Errors
    /// [`RegistryError`] if it is not here or not usable.
    pub fn get(&self, name: &str) -> Result<Installed, RegistryError> {
        let model = self.look_up(name)?;
        read_gguf(&model.path).map_err(|error| damaged(name, &error))?;
        Ok(model)
    }

    /// Reads the whole file and compares its checksum. `seen` is told how many bytes were read.
    ///
    /// # Errors
    /// [`RegistryError`] if it is not here, not what it was, or if this is cancelled.
    pub fn verify(
        &self,
        name: &str,
        cancel: &CancellationToken,
        seen: impl FnMut(u64),
    ) -> Result<Installed, RegistryError> {
        let model = self.get(name)?;
        let (hash, _) = files::hash_file(&model.path, cancel, seen).map_err(stopped(&model.path))?;
        let actual = digits(hash);
        if actual == model.sha256 {
            return Ok(model);
        }
        Err(damaged(name, &format!("its SHA-256 is {actual} and was {}", model.sha256)))
    }

    /// Removes a model, or what is left of one.
    ///
    /// # Errors
    /// [`RegistryError::NotInstalled`] if there is nothing, [`RegistryError::Busy`] if it is being fetched.
    pub fn rm(&self, name: &str) -> Result<(), RegistryError> {
        let folder = self.model_folder(name)?;
        if !folder.exists() {
            return Err(RegistryError::NotInstalled(name.to_owned()));
        }
        let _lock = self.try_lock(name)?.ok_or_else(|| RegistryError::Busy(name.to_owned()))?;
        files::remove_file(&folder.join(MANIFEST)).map_err(told(&folder))?;
        files::remove_folder(&folder).map_err(told(&folder))
    }

    /// Keeps what a model was measured to be able to.
    ///
    /// # Errors
    /// [`RegistryError`] if it is not here or the manifest cannot be written.
    pub fn set_ability(&self, name: &str, ability: Ability) -> Result<Installed, RegistryError> {
        let _lock = self.lock_now(name)?;
        let mut model = self.look_up(name)?;
        model.ability = Some(ability);
        self.write_manifest(&model)?;
        Ok(model)
    }

    /// Makes a checked file the model's. What is at `half` must be in the model's folder.
    pub(crate) fn install(
        &self,
        name: &str,
        half: &Path,
        sha256: String,
        header: &GgufHeader,
        licence: Option<String>,
        origin: Origin,
    ) -> Result<Installed, RegistryError> {
        let path = self.file(name)?;
        let bytes = fs::metadata(half).map_err(told(half))?.len();
        // A manifest must never describe another file: it goes first, and comes back last.
        let manifest = self.model_folder(name)?.join(MANIFEST);
        files::remove_file(&manifest).map_err(told(&manifest))?;
        files::move_whole(half, &path).map_err(told(&path))?;
        let model = Installed {
            name: name.to_owned(),
            path,
            sha256,
            bytes,
            licence,
            architecture: header.architecture.clone(),
            parameters: header.parameters,
            context_length: header.context_length,
            origin,
            ability: None,
        };
        self.write_manifest(&model)?;
        Ok(model)
    }

    fn write_manifest(&self, model: &Installed) -> Result<(), RegistryError> {
        let path = self.model_folder(&model.name)?.join(MANIFEST);
        let text =
            serde_json::to_vec_pretty(&Manifest::of(model)).map_err(|error| told(&path)(error.into()))?;
        files::write_whole(&path, &text).map_err(told(&path))
    }

    /// What the manifest says, if the file has the size that it says.
    pub(crate) fn look_up(&self, name: &str) -> Result<Installed, RegistryError> {
        let manifest_path = self.model_folder(name)?.join(MANIFEST);
        let text = match fs::metadata(&manifest_path).map(|m| m.len()) {
            Ok(length) if length > MAX_MANIFEST => Err(format!("its manifest has {length} bytes")),
            Ok(_) => fs::read(&manifest_path).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RegistryError::NotInstalled(name.to_owned()));
            }
            Err(error) => Err(error.to_string()),
        };
        let bad = |reason: String| RegistryError::Manifest { name: name.to_owned(), reason };
        let text = text.map_err(bad)?;
        let version = serde_json::from_slice::<serde_json::Value>(&text).map_err(|e| bad(e.to_string()))?;
        if version["manifest"].as_u64().is_some_and(|version| version > u64::from(Manifest::VERSION)) {
            return Err(bad("it was written by a newer version of this program".to_owned()));
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        let path = self.file(name)?;
        match fs::metadata(&path) {
            Ok(file) if file.len() != manifest.bytes => {
                let reason = format!("it has {} bytes, and had {}", file.len(), manifest.bytes);
                return Err(damaged(name, &reason));
            }
            Err(error) => return Err(damaged(name, &error)),
            Ok(_) => {}
        }
        Ok(manifest.installed(name, path))
    }

    pub(crate) fn model_folder(&self, name: &str) -> Result<PathBuf, RegistryError> {
        if valid_name(name) { Ok(self.folder.join(name)) } else { Err(RegistryError::Name(name.to_owned())) }
    }

    pub(crate) fn file(&self, name: &str) -> Result<PathBuf, RegistryError> {
        Ok(self.model_folder(name)?.join("model.gguf"))
    }

    /// Where a file is while it is being fetched.
    pub(crate) fn part(&self, name: &str) -> Result<PathBuf, RegistryError> {
        Ok(self.model_folder(name)?.join("model.gguf.part"))
    }

    /// The right to change a model, if nobody else has it.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<Lock>, RegistryError> {
        self.model_folder(name)?;
        let folder = self.folder.join(".locks");
        fs::create_dir_all(&folder).map_err(told(&folder))?;
        let path = folder.join(name);
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(told(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(told(&path)(error)),
        }
    }

    fn lock_now(&self, name: &str) -> Result<Lock, RegistryError> {
        self.try_lock(name)?.ok_or_else(|| RegistryError::Busy(name.to_owned()))
    }
}

fn damaged(name: &str, reason: &dyn fmt::Display) -> RegistryError {
    RegistryError::Damaged { name: name.to_owned(), reason: reason.to_string() }
}

pub(crate) fn told(path: &Path) -> impl Fn(io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |error| RegistryError::Io { path: path.clone(), error }
}
