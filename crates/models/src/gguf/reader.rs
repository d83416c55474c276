//! Reads the values of a GGUF file, and skips what nobody asked for, never further than the file goes.

use std::io::{self, Read, Seek, SeekFrom};

use super::{GgufError, damaged};

const MAX_NESTING: u32 = 4;

pub(super) const U32: u32 = 4;
pub(super) const STRING: u32 = 8;
pub(super) const ARRAY: u32 = 9;

/// How many bytes a value of fixed size takes.
const fn fixed(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

/// Reads forward and knows where the input ends.
pub(super) struct Reader<R> {
    input: R,
    at: u64,
    end: u64,
}

impl<R: Read + Seek> Reader<R> {
    /// Of something that holds `end` bytes.
    pub(super) fn new(input: R, end: u64) -> Self {
        Self { input, at: 0, end }
    }

    /// How far it is.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Says no before anything is read or skipped that lies behind the end.
    fn advance(&mut self, count: u64) -> Result<(), GgufError> {
        let needed = self.at.checked_add(count).ok_or_else(|| damaged("a length goes beyond all bounds"))?;
        if needed > self.end {
            return Err(GgufError::Truncated { needed, actual: self.end });
        }
        self.at = needed;
        Ok(())
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.advance(N as u64)?;
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, GgufError> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, GgufError> {
        self.bytes().map(u64::from_le_bytes)
    }

    pub(super) fn length(&mut self, most: u64, what: &str) -> Result<u64, GgufError> {
        let length = self.u64()?;
        if length > most { Err(damaged(format!("{what} has {length} bytes"))) } else { Ok(length) }
    }

    pub(super) fn skip(&mut self, count: u64) -> Result<(), GgufError> {
        self.advance(count)?;
        // Short ways stay in the buffer of a `BufReader`, whose `seek` from here would throw it away.
        if count <= 4096 {
            io::copy(&mut self.input.by_ref().take(count), &mut io::sink())?;
        } else {
            self.input.seek(SeekFrom::Start(self.at))?;
        }
        Ok(())
    }

    /// A string, if it is UTF-8.
    pub(super) fn kept_string(&mut self, most: u64) -> Result<Option<String>, GgufError> {
        let length = self.length(most, "a name")?;
        self.advance(length)?;
        let mut bytes = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut bytes)?;
        Ok(String::from_utf8(bytes).ok())
    }

    pub(super) fn skip_value(&mut self, kind: u32, depth: u32) -> Result<(), GgufError> {
        match (kind, fixed(kind)) {
            (_, Some(size)) => self.skip(size),
            (STRING, _) => {
                let length = self.u64()?;
                self.skip(length)
            }
            (ARRAY, _) if depth < MAX_NESTING => self.skip_array(depth),
            _ => Err(damaged(format!("it holds a value of the unknown type {kind}"))),
        }
    }

    fn skip_array(&mut self, depth: u32) -> Result<(), GgufError> {
        let (kind, count) = (self.u32()?, self.u64()?);
        let too_long = || damaged(format!("it holds a list of {count} values"));
        if let Some(size) = fixed(kind) {
            return self.skip(count.checked_mul(size).ok_or_else(too_long)?);
        }
        // Each value takes at least the eight bytes of its length.
        if count > (self.end - self.at) / 8 {
            return Err(too_long());
        }
        (0..count).try_for_each(|_| self.skip_value(kind, depth + 1))
    }
}
