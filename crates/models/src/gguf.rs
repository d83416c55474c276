//! Reads a GGUF file's header, and from it how long the file must be.
//!
//! After the [specification of GGUF](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions 2
//! and 3, little-endian. The reader trusts nothing: counts and lengths are checked against the file's size
//! before anything is read or skipped, and only a few short values are ever kept in memory.

use cofounder_domain::FaultKind;
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use crate::ggml;

mod reader;

use reader::{ARRAY, Reader, STRING, U32};

const MAX_METADATA: u64 = 65_536;
const MAX_TENSORS: u64 = 65_536;
const MAX_NAME: u64 = 65_535;
const MAX_KEPT: u64 = 4_096;
const MAX_DIMENSIONS: u32 = 4;
const DEFAULT_ALIGNMENT: u64 = 32;

/// What a GGUF file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufHeader {
    /// The format's version.
    pub version: u32,
    /// `general.architecture`, e.g. `llama`.
    pub architecture: String,
    /// `general.name`.
    pub name: Option<String>,
    /// `general.license`.
    pub licence: Option<String>,
    /// The most tokens that it was trained for.
    pub context_length: Option<u64>,
    /// Whether it carries its vocabulary.
    pub tokenizer: bool,
    /// Whether it carries a chat template.
    pub chat_template: bool,
    /// How many tensors it has.
    pub tensors: u64,
    /// How many numbers they have together.
    pub parameters: u64,
    /// How long the file must be at least, in bytes.
    pub needed_bytes: u64,
}

/// Why a file is not a usable GGUF file.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It cannot be read.
    #[error("the model file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("this is not a GGUF file: it does not begin with `GGUF`. Name a file that ends in .gguf")]
    NotGguf,
    /// A version that this program cannot read.
    #[error(
        "this GGUF file has version {0}, and versions 2 and 3 can be read. Fetch the model in a newer form"
    )]
    Version(u32),
    /// It ends too early.
    #[error("the model file is cut off: it has {actual} bytes and needs {needed}. Fetch it again")]
    Truncated {
        /// How long it must be at least.
        needed: u64,
        /// How long it is.
        actual: u64,
    },
    /// It contradicts itself.
    #[error("the model file is damaged: {0}. Fetch it again")]
    Damaged(String),
}

impl GgufError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Io(_) => FaultKind::Unavailable,
            _ => FaultKind::InvalidInput,
        }
    }
}

/// Reads the header of a file and checks that the file is as long as the header says.
///
/// # Errors
/// [`GgufError`] says what is wrong with it.
pub fn read_gguf(path: &Path) -> Result<GgufHeader, GgufError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    read_gguf_from(BufReader::with_capacity(64 << 10, file), bytes)
}

/// As [`read_gguf`], from anything that holds `bytes` bytes.
///
/// # Errors
/// [`GgufError`] says what is wrong with it.
pub fn read_gguf_from(input: impl Read + Seek, bytes: u64) -> Result<GgufHeader, GgufError> {
    let mut reader = Reader::new(input, bytes);
    if bytes < 4 || reader.bytes::<4>()? != *b"GGUF" {
        return Err(GgufError::NotGguf);
    }
    let version = reader.u32()?;
    if !(2..=3).contains(&version) {
        return Err(GgufError::Version(version));
    }
    let (tensors, pairs) = (reader.u64()?, reader.u64()?);
    if tensors == 0 || tensors > MAX_TENSORS || pairs > MAX_METADATA {
        return Err(damaged(format!("it claims {tensors} tensors and {pairs} entries about itself")));
    }
    let metadata = Metadata::read(&mut reader, pairs)?;
    let (parameters, data) = read_tensors(&mut reader, tensors, metadata.alignment)?;
    let start = reader.at().checked_next_multiple_of(metadata.alignment);
    let needed = start
        .and_then(|start| start.checked_add(data))
        .ok_or_else(|| damaged("a tensor lies beyond all bounds"))?;
    if needed > bytes {
        return Err(GgufError::Truncated { needed, actual: bytes });
    }
    let architecture = metadata.architecture.ok_or_else(|| damaged("it does not name its architecture"))?;
    let context_key = format!("{architecture}.context_length");
    let context_length =
        metadata.contexts.iter().find(|(key, _)| *key == context_key).map(|(_, length)| *length);
    Ok(GgufHeader {
        version,
        architecture,
        name: metadata.name,
        licence: metadata.licence,
        context_length,
        tokenizer: metadata.tokenizer,
        chat_template: metadata.chat_template,
        tensors,
        parameters,
        needed_bytes: needed,
    })
}

/// Sums up the tensors: how many numbers they have, and where the last one ends, in bytes after the header.
fn read_tensors<R: Read + Seek>(
    reader: &mut Reader<R>,
    tensors: u64,
    alignment: u64,
) -> Result<(u64, u64), GgufError> {
    let (mut parameters, mut end) = (0_u64, 0_u64);
    for _ in 0..tensors {
        let length = reader.length(MAX_NAME, "a tensor's name")?;
        reader.skip(length)?;
        let dimensions = reader.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(damaged(format!("a tensor has {dimensions} dimensions")));
        }
        let (mut count, mut first) = (1_u64, 1);
        for index in 0..dimensions {
            let size = reader.u64()?;
            first = if index == 0 { size } else { first };
            count = count.checked_mul(size).ok_or_else(|| damaged("a tensor is larger than anything"))?;
        }
        let kind = reader.u32()?;
        let (block, block_bytes) =
            ggml::block(kind).ok_or_else(|| damaged(format!("a tensor has the unknown type {kind}")))?;
        let offset = reader.u64()?;
        if first % block != 0 || offset % alignment != 0 {
            return Err(damaged("a tensor does not lie where it should"));
        }
        let last = (count / block).checked_mul(block_bytes).and_then(|size| offset.checked_add(size));
        end = end.max(last.ok_or_else(|| damaged("a tensor lies beyond all bounds"))?);
        parameters = parameters.saturating_add(count);
    }
    Ok((parameters, end))
}

#[derive(Debug, Default)]
struct Metadata {
    architecture: Option<String>,
    name: Option<String>,
    licence: Option<String>,
    /// Every `*.context_length`; which of them counts is known when the architecture is.
    contexts: Vec<(String, u64)>,
    tokenizer: bool,
    chat_template: bool,
    alignment: u64,
}

impl Metadata {
    fn read<R: Read + Seek>(reader: &mut Reader<R>, pairs: u64) -> Result<Self, GgufError> {
        let mut metadata = Self { alignment: DEFAULT_ALIGNMENT, ..Self::default() };
        for _ in 0..pairs {
            let key = reader.kept_string(MAX_NAME)?.unwrap_or_default();
            let kind = reader.u32()?;
            metadata.take(reader, &key, kind)?;
        }
        Ok(metadata)
    }

    fn take<R: Read + Seek>(
        &mut self,
        reader: &mut Reader<R>,
        key: &str,
        kind: u32,
    ) -> Result<(), GgufError> {
        match (key, kind) {
            ("general.architecture", STRING) => self.architecture = reader.kept_string(MAX_KEPT)?,
            ("general.name", STRING) => self.name = reader.kept_string(MAX_KEPT)?,
            ("general.license", STRING) => self.licence = reader.kept_string(MAX_KEPT)?,
            ("general.alignment", U32) => {
                self.alignment = u64::from(reader.u32()?);
                if !self.alignment.is_power_of_two() || self.alignment > 1 << 20 {
                    return Err(damaged("its tensors have an alignment that is none"));
                }
            }
            (key, U32) if key.ends_with(".context_length") && self.contexts.len() < 8 => {
                self.contexts.push((key.to_owned(), u64::from(reader.u32()?)));
            }
            (key, kind) => {
                self.tokenizer |= key == "tokenizer.ggml.tokens" && kind == ARRAY;
                self.chat_template |= key == "tokenizer.chat_template" && kind == STRING;
                reader.skip_value(kind, 0)?;
            }
        }
        Ok(())
    }
}

fn damaged(what: impl Into<String>) -> GgufError {
    GgufError::Damaged(what.into())
}
