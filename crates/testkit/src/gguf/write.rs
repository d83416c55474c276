//! The words that a GGUF file is made of.

/// Where every tensor and the tensors' part begin, in bytes.
const ALIGNMENT: usize = 32;

/// Key-value pairs as the format writes them.
#[derive(Default)]
pub(super) struct Metadata {
    pub(super) count: u64,
    pub(super) bytes: Vec<u8>,
}

impl Metadata {
    fn key(&mut self, key: &str, kind: u32) {
        self.count += 1;
        push_text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
    }

    pub(super) fn u32(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn f32(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.key(key, 7);
        self.bytes.push(u8::from(value));
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        push_text(&mut self.bytes, value);
    }

    fn list(&mut self, key: &str, kind: u32, count: usize) {
        self.key(key, 9);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((count as u64).to_le_bytes());
    }

    pub(super) fn texts(&mut self, key: &str, values: &[impl AsRef<str>]) {
        self.list(key, 8, values.len());
        values.iter().for_each(|value| push_text(&mut self.bytes, value.as_ref()));
    }

    pub(super) fn numbers(&mut self, key: &str, values: impl ExactSizeIterator<Item = i32>) {
        self.list(key, 5, values.len());
        values.for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }
}

pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

pub(super) fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
}
