//! A backup's file until it is complete: `FILE.partial`, which becomes `FILE` at once and as a whole.

use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{KeepingError, error::shown};
use crate::Location;

/// Removed when it is dropped before it was finished.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    target: PathBuf,
    force: bool,
    /// Locked as long as it is written, so that no other process takes it for a left-over.
    lock: File,
}

impl Partial {
    /// Makes the file, which nobody but its owner may read, unless that would cost somebody something.
    pub(super) fn begin(target: &Path, force: bool, of: &Location) -> Result<Self, KeepingError> {
        refuse_itself(target, of)?;
        refuse_existing(target, force)?;
        let mut name = target.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        let told = |error| KeepingError::writing(&path, error);
        let made = match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // One that an interrupted backup left, if nobody holds it.
                let held = File::open(&path).map_err(told)?.try_lock();
                if matches!(held, Err(TryLockError::WouldBlock)) {
                    return Err(KeepingError::Busy { file: shown(&path) });
                }
                fs::remove_file(&path).and_then(|()| make(&path))
            }
            made => made,
        };
        let lock = made.map_err(told)?;
        let locked = lock.try_lock();
        let partial = Self { path, target: target.to_owned(), force, lock };
        if locked.is_err() || !partial.is_mine() {
            return Err(KeepingError::Busy { file: shown(&partial.path) });
        }
        Ok(partial)
    }

    /// Gives the file its name, when all of it is on the disk. Tells its size and its SHA-256.
    pub(super) fn finish(self) -> Result<(u64, String), KeepingError> {
        let told = |error| KeepingError::writing(&self.path, error);
        if !self.is_mine() {
            return Err(KeepingError::Busy { file: shown(&self.path) });
        }
        self.lock.sync_all().map_err(told)?;
        let sum = sum(&self.path).map_err(told)?;
        // Somebody may have made one of that name meanwhile.
        refuse_existing(&self.target, self.force)?;
        fs::rename(&self.path, &self.target).map_err(told)?;
        let folder = self.target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(told)?;
        Ok(sum)
    }

    /// Whether the file of this name is still the one that was made.
    fn is_mine(&self) -> bool {
        let here = |file: &fs::Metadata| (file.dev(), file.ino());
        matches!((fs::metadata(&self.path), self.lock.metadata()), (Ok(named), Ok(made)) if here(&named) == here(&made))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After `finish` there is none of that name.
        if self.is_mine() {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn make(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn refuse_existing(target: &Path, force: bool) -> Result<(), KeepingError> {
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_dir() || !force => Err(KeepingError::Exists { file: shown(target) }),
        _ => Ok(()),
    }
}

/// Not even with `force` does a backup take the place of what it is a backup of.
fn refuse_itself(target: &Path, of: &Location) -> Result<(), KeepingError> {
    let (Location::Sqlite(database), Ok(target)) = (of, target.canonicalize()) else { return Ok(()) };
    let Ok(database) = database.canonicalize() else { return Ok(()) };
    let mut parts = ["", "-wal", "-shm"].map(|end| {
        let mut name = database.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    });
    match parts.iter_mut().any(|part| *part == target) {
        true => Err(KeepingError::Itself { file: shown(&target) }),
        false => Ok(()),
    }
}

fn sum(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut piece = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((bytes, hex::encode(hash.finalize())));
        }
        hash.update(&piece[..read]);
        bytes += read as u64;
    }
}
