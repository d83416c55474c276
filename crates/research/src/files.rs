//! Reads files and directories that a person named.

use bytes::Bytes;
use std::{
    collections::HashSet,
    fs::{File, FileType, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use url::Url;
use walkdir::{DirEntry, WalkDir};

use crate::{Document, Format, Limits, Reading, ResearchError, Skipped};

/// The most entries of a directory that are looked at, readable or not.
const MAX_ENTRIES: usize = 20_000;
/// The most that are listed as left out.
const MAX_SKIPPED: usize = 1_000;

/// Reads one file, or every `.md`, `.markdown`, `.txt`, `.text`, `.rst`, `.html`, `.htm` and `.xhtml` file
/// of a directory, in the order of their paths. In a directory, hidden entries and symbolic links are left out (what a link leads to
/// within the directory is met there by itself), and what cannot be used is listed with the reason. A file
/// that is named itself may have any name.
///
/// Memory is bounded by `limits`: a file's size is looked at before it is read.
///
/// # Errors
/// [`ResearchError`] if a file that is named itself cannot be used, or a directory holds none that can.
pub async fn read_path(path: &Path, limits: &Limits) -> Result<Reading, ResearchError> {
    let (path, limits) = (path.to_owned(), limits.clone());
    let uri = path.display().to_string();
    let reading = tokio::task::spawn_blocking(move || read(&path, &limits));
    reading.await.unwrap_or(Err(ResearchError::Broken { uri }))
}

fn read(path: &Path, limits: &Limits) -> Result<Reading, ResearchError> {
    let shown = path.display().to_string();
    let real = path.canonicalize().map_err(|e| refused(&shown, &e))?;
    let metadata = real.metadata().map_err(|e| refused(&shown, &e))?;
    if metadata.is_dir() {
        return Directory {
            root: &real,
            shown,
            limits,
            reading: Reading::default(),
            seen: HashSet::new(),
            total: 0,
        }
        .read();
    }
    let document = read_file(&real, &shown, limits)?;
    Ok(Reading { documents: vec![document], skipped: Vec::new() })
}

fn read_file(real: &Path, shown: &str, limits: &Limits) -> Result<Document, ResearchError> {
    let bytes = read_bytes(real, shown, limits.file_bytes)?;
    let extension = real.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let format = Format::from_extension(extension).unwrap_or_else(|| Format::sniff(&bytes));
    Document::read(bytes, format, None, &file_uri(real), shown)
}

fn read_bytes(real: &Path, shown: &str, limit: u64) -> Result<Bytes, ResearchError> {
    let refuse = |e: io::Error| refused(shown, &e);
    // Looked at before it is opened, since opening a device can do things; and after, since what stands
    // there may have changed. Opening a pipe without waiting for a writer returns at once.
    regular(real.metadata().map_err(refuse)?.file_type(), shown)?;
    let file = open(real).map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    regular(metadata.file_type(), shown)?;
    let too_large = |bytes| ResearchError::TooLarge {
        uri: shown.to_owned(),
        bytes: Some(bytes),
        limit,
        setting: "file_bytes",
    };
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(refuse)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes.into())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32).open(path)
}

fn regular(kind: FileType, shown: &str) -> Result<(), ResearchError> {
    let what = if kind.is_file() {
        return Ok(());
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "something else"
    };
    Err(ResearchError::NotAFile { path: shown.to_owned(), what })
}

fn refused(shown: &str, error: &io::Error) -> ResearchError {
    let path = shown.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => ResearchError::Missing { path },
        _ => ResearchError::Unreadable { path, reason: error.to_string() },
    }
}

fn file_uri(path: &Path) -> String {
    Url::from_file_path(path).map_or_else(|()| format!("file://{}", path.display()), String::from)
}

struct Directory<'a> {
    root: &'a Path,
    shown: String,
    limits: &'a Limits,
    reading: Reading,
    seen: HashSet<String>,
    total: u64,
}

impl Directory<'_> {
    fn read(mut self) -> Result<Reading, ResearchError> {
        let walk =
            WalkDir::new(self.root).follow_links(false).max_depth(self.limits.depth).sort_by_file_name();
        let walk = walk.into_iter().filter_entry(|e| e.depth() == 0 || !is_hidden(e));
        let mut left_out = 0;
        for (count, entry) in walk.enumerate() {
            if count >= MAX_ENTRIES {
                self.skip(
                    self.root,
                    &format!("the directory has more than {MAX_ENTRIES} entries; the rest was not looked at"),
                );
                break;
            }
            let outcome = match &entry {
                Ok(entry) => self.take(entry),
                Err(error) => Err(walk_reason(error)),
            };
            if let Err(reason) = outcome {
                left_out += 1;
                let root = self.root.to_owned();
                let path = entry
                    .as_ref()
                    .map_or_else(|e| e.path().map_or(root, PathBuf::from), |e| e.path().to_owned());
                self.skip(&path, &reason);
            }
        }
        if self.reading.documents.is_empty() {
            let first = self.reading.skipped.first().map(|s| format!("{}: {}", s.uri, s.reason));
            return Err(ResearchError::NothingReadable { path: self.shown, skipped: left_out, first });
        }
        Ok(self.reading)
    }

    /// Takes an entry, or says why not.
    fn take(&mut self, entry: &DirEntry) -> Result<(), String> {
        let kind = entry.file_type();
        if kind.is_dir() {
            let deepest = entry.depth() > 0 && entry.depth() >= self.limits.depth;
            return if deepest { Err(format!("it lies {} levels deep", entry.depth())) } else { Ok(()) };
        }
        if kind.is_symlink() {
            return Err("it is a symbolic link, and these are not followed in a directory".to_owned());
        }
        let path = entry.path();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if Format::from_extension(extension).is_none() {
            return Err("its name does not end like a text's (.md, .txt, .html, .rst)".to_owned());
        }
        if self.reading.documents.len() >= self.limits.files {
            return Err(format!("there are already {} files (research.limits.files)", self.limits.files));
        }
        let size = entry.metadata().map_or(0, |m| m.len());
        if size <= self.limits.file_bytes && self.total + size > self.limits.total_bytes {
            return Err(format!(
                "the files before it fill {} bytes (research.limits.total_bytes)",
                self.limits.total_bytes
            ));
        }
        let document = read_file(path, &file_uri(path), self.limits).map_err(|e| reason(&e))?;
        if !self.seen.insert(document.source.sha256.clone()) {
            return Err("another file has the same content".to_owned());
        }
        self.total += document.source.bytes;
        self.reading.documents.push(document);
        Ok(())
    }

    fn skip(&mut self, path: &Path, reason: &str) {
        let uri = file_uri(path);
        tracing::debug!(uri, reason, "left out");
        match self.reading.skipped.len() {
            MAX_SKIPPED => {
                self.reading
                    .skipped
                    .push(Skipped { uri: file_uri(self.root), reason: "more was left out".to_owned() });
            }
            listed if listed < MAX_SKIPPED => {
                self.reading.skipped.push(Skipped { uri, reason: reason.to_owned() })
            }
            _ => {}
        }
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn walk_reason(error: &walkdir::Error) -> String {
    error.io_error().map_or_else(|| error.to_string(), |e| format!("it cannot be read ({e})"))
}

/// The short form of an error, for an entry whose path stands beside it.
fn reason(error: &ResearchError) -> String {
    match error {
        ResearchError::Empty { .. } => "it holds no text".to_owned(),
        ResearchError::Binary { looks_like, .. } => format!("it looks like {looks_like}"),
        ResearchError::NotAFile { what, .. } => format!("it is {what}"),
        ResearchError::Missing { .. } => "it went away".to_owned(),
        ResearchError::Unreadable { reason, .. } => format!("it cannot be read ({reason})"),
        ResearchError::TooLarge { limit, .. } => {
            format!("it has more than {limit} bytes (research.limits.file_bytes)")
        }
        ResearchError::TooComplex { .. } => "its markup is too large, too deep or too tangled".to_owned(),
        other => other.to_string(),
    }
}
