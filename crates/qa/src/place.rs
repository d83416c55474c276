//! From a byte offset to the line and column that an editor shows.

/// The line and the column of a byte offset, both from 1; columns count characters. An offset past the end
/// is taken as the end, one inside a character as the character's beginning.
#[must_use]
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..floor(text, offset)];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// The nearest character boundary at or before an offset.
pub(crate) fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Replaces each byte of the characters in a range by spaces, so that every offset stays what it was.
pub(crate) fn blank(text: &mut [u8], start: usize, end: usize) {
    let end = end.min(text.len());
    if let Some(range) = text.get_mut(start..end) {
        range.fill(b' ');
    }
}

/// The text of bytes that were blanked on character boundaries.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}
