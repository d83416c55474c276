//! Writing files so that none is ever seen half-written, hashing them, and removing them.

use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};
use tokio_util::sync::CancellationToken;

const PIECE: usize = 256 << 10;

/// Writes a file whole, under another name first, and makes sure that it is on the disk.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("new");
    let mut file = File::create(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    move_whole(&half, path)
}

/// Gives a file its final name, and makes sure that the name is on the disk.
pub(crate) fn move_whole(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    match to.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// The SHA-256 of a file, and its length. `seen` is told how much was read.
pub(crate) fn hash_file(
    path: &Path,
    cancel: &CancellationToken,
    seen: impl FnMut(u64),
) -> io::Result<(Sha256, u64)> {
    let file = File::open(path)?;
    // Not further than the file reached at first: one that is no plain file may have no end.
    let length = file.metadata()?.len();
    copy_hashed(file.take(length), io::sink(), cancel, seen)
}

/// Copies and hashes. Ends with [`io::ErrorKind::Interrupted`] when cancelled.
pub(crate) fn copy_hashed(
    mut from: impl Read,
    mut to: impl Write,
    cancel: &CancellationToken,
    mut seen: impl FnMut(u64),
) -> io::Result<(Sha256, u64)> {
    let (mut hash, mut total, mut buffer) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        if cancel.is_cancelled() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "cancelled"));
        }
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok((hash, total)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        total += count as u64;
        seen(total);
    }
}

/// A hash's hexadecimal digits.
pub(crate) fn digits(hash: Sha256) -> String {
    hex::encode(hash.finalize())
}

/// Removes what may not be there.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a folder that may not be there, with all it holds.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
