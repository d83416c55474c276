//! Registers a model file that a person has already.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::Path,
};
use tokio_util::sync::CancellationToken;

use super::{Installed, Origin, Registry, RegistryError, told};
use crate::{
    catalogue,
    files::{self, digits},
    gguf::{GgufHeader, read_gguf},
};

/// How a registered file gets into the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It is copied.
    Copy,
    /// It stays where it is, and is linked to.
    Link,
}

impl Registry {
    /// Registers a GGUF file that is already on this machine, in place of a model of the same name. Reads it
    /// whole, so it belongs on a thread that may block. `seen` is told how many bytes were read.
    ///
    /// # Errors
    /// [`RegistryError`] if the file is not usable, is not the one that the catalogue pins under this name, or
    /// cannot be copied.
    pub fn register_file(
        &self,
        name: &str,
        path: &Path,
        placement: Placement,
        cancel: &CancellationToken,
        seen: impl FnMut(u64),
    ) -> Result<Installed, RegistryError> {
        let folder = self.model_folder(name)?;
        let path = path.canonicalize().map_err(told(path))?;
        let header =
            read_gguf(&path).map_err(|error| RegistryError::Unusable { path: path.clone(), error })?;
        let _lock = self.lock_now(name)?;
        fs::create_dir_all(&folder).map_err(told(&folder))?;
        let half = self.part(name)?.with_extension("registering");
        let done = place(&path, &half, placement, cancel, seen)
            .and_then(|sum| self.accept(name, &path, &half, sum, &header));
        if done.is_err() {
            files::remove_file(&half).map_err(told(&half))?;
        }
        done
    }

    /// Installs a copy or link, if its checksum is the one that the catalogue pins under this name.
    fn accept(
        &self,
        name: &str,
        path: &Path,
        half: &Path,
        sum: String,
        header: &GgufHeader,
    ) -> Result<Installed, RegistryError> {
        let (path, entry) = (path.to_owned(), catalogue::find(name));
        if let Some(expected) = entry.and_then(|entry| entry.sha256).filter(|expected| *expected != sum) {
            let (name, expected) = (name.to_owned(), expected.to_owned());
            return Err(RegistryError::OtherFile { path, name, expected, actual: sum });
        }
        let known = entry.filter(|entry| entry.pinned()).map(|entry| entry.licence.to_owned());
        let licence = known.or_else(|| header.licence.clone());
        self.install(name, half, sum, header, licence, Origin::File { path })
    }
}

/// Puts the file at `half` and tells its checksum.
fn place(
    path: &Path,
    half: &Path,
    placement: Placement,
    cancel: &CancellationToken,
    seen: impl FnMut(u64),
) -> Result<String, RegistryError> {
    files::remove_file(half).map_err(told(half))?;
    match placement {
        Placement::Copy => {
            let from = File::open(path).map_err(told(path))?;
            let to = File::create(half).map_err(told(half))?;
            let (hash, _) = files::copy_hashed(from, &to, cancel, seen).map_err(stopped(half))?;
            to.sync_all().map_err(told(half))?;
            Ok(digits(hash))
        }
        Placement::Link => {
            let (hash, _) = files::hash_file(path, cancel, seen).map_err(stopped(path))?;
            symlink(path, half).map_err(told(half))?;
            Ok(digits(hash))
        }
    }
}

pub(super) fn stopped(path: &Path) -> impl Fn(io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::Interrupted => RegistryError::Cancelled,
        _ => RegistryError::Io { path: path.clone(), error },
    }
}
