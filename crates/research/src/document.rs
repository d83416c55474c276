//! A source with its bytes.

use bytes::Bytes;
use cofounder_domain::{Source, SourceId, content_hash};

use crate::{Extracted, Format, NotText, ResearchError, extract};

/// A source and the bytes that its hash is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is, with its extracted text.
    pub source: Source,
    /// As they were read or fetched.
    pub bytes: Bytes,
}

/// What a path gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In the order of their paths; each content once.
    pub documents: Vec<Document>,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
}

/// Something in a directory that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its `file:` URL.
    pub uri: String,
    /// Why, in words a person reads.
    pub reason: String,
}

impl Document {
    /// Extracts the text. `shown` names the source in an error's message.
    pub(crate) fn read(
        bytes: Bytes,
        format: Format,
        charset: Option<&str>,
        uri: &str,
        shown: &str,
    ) -> Result<Self, ResearchError> {
        let extracted = extract(&bytes, format, charset, uri).map_err(|e| e.of(shown))?;
        Ok(Self::of(extracted, bytes, uri))
    }

    pub(crate) fn of(extracted: Extracted, bytes: Bytes, uri: &str) -> Self {
        let sha256 = content_hash(&bytes);
        let source = Source {
            id: SourceId::from_sha256(&sha256),
            uri: uri.to_owned(),
            title: extracted.title,
            sha256,
            bytes: bytes.len() as u64,
            text: extracted.text,
        };
        Self { source, bytes }
    }
}

impl NotText {
    /// As the error of the source that is named so.
    pub(crate) fn of(self, shown: &str) -> ResearchError {
        let uri = shown.to_owned();
        match self {
            Self::Empty => ResearchError::Empty { uri },
            Self::Binary { looks_like } => ResearchError::Binary { uri, looks_like },
            Self::TooComplex => ResearchError::TooComplex { uri },
        }
    }
}
