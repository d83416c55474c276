//! A child's output: read as fast as it comes, kept in a file of bounded size and, its end, in memory.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    fs::{self, File},
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
};

/// How much of a child's output is kept in memory for messages.
const TAIL_BYTES: usize = 4096;

/// The last bytes of an output, shared between who reads it and who explains a crash.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
    cap: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Self::new(TAIL_BYTES)
    }
}

impl Tail {
    pub(crate) fn new(cap: usize) -> Self {
        Self { bytes: Arc::default(), cap }
    }

    /// Adds output; says whether earlier output had to go.
    pub(crate) fn push(&self, piece: &[u8]) -> bool {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend(&piece[piece.len().saturating_sub(self.cap)..]);
        let over = bytes.len().saturating_sub(self.cap);
        bytes.drain(..over);
        over > 0 || piece.len() > self.cap
    }

    /// What is kept, control characters but line ends and tabs taken out.
    pub(crate) fn text(&self) -> String {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(bytes.make_contiguous());
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
    }

    /// The last few lines.
    pub(crate) fn last_lines(&self, count: usize) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}

/// A log that never takes more than its cap: when it has grown to half of it, it becomes `<name>.old`, in
/// place of the one before, and a new one is begun.
#[derive(Debug)]
pub(crate) struct CappedLog {
    path: PathBuf,
    half: u64,
    file: Option<File>,
    written: u64,
}

impl CappedLog {
    /// Opens the log to write behind what is there.
    pub(crate) async fn open(path: &Path, cap: u64) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path).await?;
        let written = file.metadata().await?.len();
        Ok(Self { path: path.to_owned(), half: (cap / 2).max(1), file: Some(file), written })
    }

    /// Writes, or gives up on the file for good: a full disk must not stop the child.
    async fn write(&mut self, piece: &[u8]) {
        let piece = &piece[piece.len().saturating_sub(usize::try_from(self.half).unwrap_or(usize::MAX))..];
        if self.written + piece.len() as u64 > self.half {
            self.rotate().await;
        }
        let Some(file) = &mut self.file else { return };
        match file.write_all(piece).await {
            Ok(()) => self.written += piece.len() as u64,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the log of a child process cannot be written, and is not kept any more");
                self.file = None;
            }
        }
    }

    async fn rotate(&mut self) {
        if self.file.take().is_none() {
            return;
        }
        let mut old: OsString = self.path.clone().into();
        old.push(".old");
        let renamed = fs::rename(&self.path, old).await;
        let opened = File::options().create(true).write(true).truncate(true).open(&self.path).await;
        match renamed.and(opened) {
            Ok(file) => (self.file, self.written) = (Some(file), 0),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the log of a child process cannot be renewed, and is not kept any more");
            }
        }
    }

    async fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            // The child is gone, and what it said is in the tail: a log that cannot be finished is no fault of its.
            drop(file.flush().await);
        }
    }
}

/// Reads both outputs to their ends, whatever becomes of the log.
pub(crate) async fn drain(
    mut out: impl AsyncRead + Unpin,
    mut err: impl AsyncRead + Unpin,
    mut log: CappedLog,
    tail: Tail,
) {
    let (mut out_buffer, mut err_buffer) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        let piece = tokio::select! {
            read = out.read(&mut out_buffer), if out_open => taken(read, &mut out_open, &out_buffer),
            read = err.read(&mut err_buffer), if err_open => taken(read, &mut err_open, &err_buffer),
        };
        tail.push(piece);
        log.write(piece).await;
    }
    log.flush().await;
}

fn taken<'a>(read: io::Result<usize>, open: &mut bool, buffer: &'a [u8]) -> &'a [u8] {
    let count = read.unwrap_or(0);
    *open = count > 0;
    &buffer[..count]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_bytes_and_says_when_some_went() {
        let tail = Tail::new(8);
        assert!(!tail.push(b"one\n"));
        assert!(tail.push(b"two\nthree\n"));
        assert_eq!(tail.text(), "o\nthree\n");
        assert_eq!(tail.last_lines(1), "three");
    }

    #[test]
    fn the_tail_never_repeats_escape_sequences() {
        let tail = Tail::new(64);
        tail.push(b"\x1b[31mred\x07\xff\n");
        assert_eq!(tail.last_lines(3), "[31mred\u{fffd}");
    }
}
