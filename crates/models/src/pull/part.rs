//! A download that is not complete: the bytes so far, their hash, and which file they are meant to become.

use sha2::{Digest, Sha256};
use std::{io, path::PathBuf};
use tokio::{
    fs::{self, File},
    io::{AsyncSeekExt, AsyncWriteExt},
};
use tokio_util::sync::CancellationToken;

use super::{
    error::{Miss, PullError, storage},
    finish::blocking,
};
use crate::files::{self, digits};

/// An open download.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: File,
    hash: Sha256,
    length: u64,
}

impl Part {
    /// Opens what an earlier pull left, if it was to become the file with this checksum; else begins anew.
    pub(super) async fn open(path: PathBuf, sum: &str, cancel: &CancellationToken) -> Result<Self, Miss> {
        let label = label(&path);
        let same = fs::read_to_string(&label).await.is_ok_and(|text| text.trim() == sum);
        if !same {
            remove(&path).await?;
            fs::write(&label, sum).await.map_err(|error| Miss::Stop(storage(&label, error)))?;
        }
        let options = File::options().create(true).truncate(false).write(true).to_owned();
        let file = options.open(&path).await.map_err(|error| Miss::Stop(storage(&path, error)))?;
        let (from, cancel) = (path.clone(), cancel.clone());
        let (hash, length) = blocking(move || {
            files::hash_file(&from, &cancel, |_| {}).map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted => Miss::Stop(PullError::Cancelled { kept: 0 }),
                _ => Miss::Stop(storage(&from, error)),
            })
        })
        .await?;
        let mut part = Self { path, file, hash, length };
        part.file
            .seek(io::SeekFrom::Start(length))
            .await
            .map_err(|error| Miss::Stop(storage(&part.path, error)))?;
        Ok(part)
    }

    /// How many bytes are here.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes. If they cannot be stored, all that came is removed: it would only keep the disk full.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<(), Miss> {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        let written = self.file.write_all(bytes).await;
        self.stored(written).await
    }

    /// Makes sure that the bytes so far are in the file.
    pub(super) async fn flush(&mut self) -> Result<(), Miss> {
        let written = self.file.flush().await;
        self.stored(written).await
    }

    /// Forgets the bytes so far.
    pub(super) async fn restart(&mut self) -> Result<(), Miss> {
        if self.length == 0 {
            return Ok(());
        }
        (self.hash, self.length) = (Sha256::new(), 0);
        let emptied = async {
            self.file.flush().await?;
            self.file.set_len(0).await?;
            self.file.rewind().await.map(drop)
        }
        .await;
        self.stored(emptied).await
    }

    /// The checksum of a file that is complete and on the disk.
    pub(super) async fn finish(&mut self) -> Result<String, Miss> {
        self.flush().await?;
        let synced = self.file.sync_all().await;
        self.stored(synced).await?;
        Ok(digits(self.hash.clone()))
    }

    /// Removes the file and its label.
    pub(super) async fn discard(self) -> Result<(), Miss> {
        discard(self.path).await
    }

    async fn stored(&self, done: io::Result<()>) -> Result<(), Miss> {
        let Err(error) = done else { return Ok(()) };
        discard(self.path.clone()).await?;
        Err(Miss::Stop(storage(&self.path, error)))
    }
}

/// Removes what an unfinished download left.
pub(super) async fn discard(path: PathBuf) -> Result<(), Miss> {
    remove(&path).await?;
    remove(&label(&path)).await
}

/// The file that says which checksum the complete file is to have.
fn label(path: &std::path::Path) -> PathBuf {
    path.with_extension("part.sha256")
}

async fn remove(path: &std::path::Path) -> Result<(), Miss> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Miss::Stop(storage(path, error))),
        _ => Ok(()),
    }
}
