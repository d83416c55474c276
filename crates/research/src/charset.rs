//! From bytes to characters, and whether they are characters at all.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// How many of the first bytes are searched for an HTML page's `charset`, as the HTML standard says.
const META_PRESCAN: usize = 1_024;

/// What some bytes look like that are not text, by their first bytes and their shape.
pub(crate) fn looks_binary(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 12] = [
        (b"%PDF-", "a PDF document"),
        (b"PK\x03\x04", "a zip archive or an office document"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\x7fELF", "a program"),
        (b"MZ\x90", "a program"),
        (b"\x89PNG", "an image"),
        (b"\xff\xd8\xff", "an image"),
        (b"GIF8", "an image"),
        (b"RIFF", "a sound, video or image file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"GGUF", "a model file"),
        (b"{\\rtf", "an RTF document"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(what);
    }
    if Encoding::for_bom(bytes).is_some() {
        return None;
    }
    let head = &bytes[..bytes.len().min(64 << 10)];
    let control = bytes_where(head, |b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127));
    if head.contains(&0) || control * 100 > head.len() {
        return Some("binary data");
    }
    if std::str::from_utf8(bytes).is_err() && bytes_where(head, |b| b >= 0x80) * 100 > head.len() * 40 {
        return Some("binary data");
    }
    None
}

/// The characters of some bytes: by their byte order mark, else by what the server or the page declares,
/// unless the bytes themselves contradict it (valid UTF-8 with more than ASCII is no accident).
pub(crate) fn decode<'a>(bytes: &'a [u8], declared: Option<&str>, html: bool) -> Cow<'a, str> {
    let text = decoded(bytes, declared, html);
    // No database keeps a NUL in a text.
    if text.contains('\0') { Cow::Owned(text.replace('\0', " ")) } else { text }
}

fn decoded<'a>(bytes: &'a [u8], declared: Option<&str>, html: bool) -> Cow<'a, str> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && (!text.is_ascii() || declared.is_none())
    {
        return Cow::Borrowed(text);
    }
    let label = declared.and_then(|l| Encoding::for_label(l.as_bytes()));
    let encoding = label.or_else(|| html.then(|| meta_charset(bytes)).flatten());
    if let Some(encoding) = encoding.filter(|e| *e != UTF_8) {
        let (text, errors) = encoding.decode_without_bom_handling(bytes);
        if !errors {
            return text;
        }
    }
    if mostly_utf8(bytes) { UTF_8.decode(bytes).0 } else { WINDOWS_1252.decode(bytes).0 }
}

/// Whether a few broken bytes spoil what is otherwise UTF-8.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > bad
}

fn meta_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(META_PRESCAN)]).to_ascii_lowercase();
    head.match_indices("charset").find_map(|(at, word)| {
        let rest = head[at + word.len()..].trim_start().strip_prefix('=')?;
        let label = rest.trim_start().trim_start_matches(['"', '\'']);
        let end =
            label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
        Encoding::for_label(&label.as_bytes()[..end])
    })
}

fn bytes_where(bytes: &[u8], test: impl Fn(u8) -> bool) -> usize {
    bytes.iter().filter(|b| test(**b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_charset_counts_unless_the_bytes_contradict_it() {
        assert_eq!(decode("Grüße".as_bytes(), Some("iso-8859-1"), false), "Grüße");
        assert_eq!(decode(b"Gr\xfc\xdfe", Some("iso-8859-1"), false), "Grüße");
        assert_eq!(decode(b"Gr\xfc\xdfe", Some("utf-8"), false), "Grüße");
        assert_eq!(decode(b"Gr\xfc\xdfe", Some("no-such-charset"), false), "Grüße");
        assert_eq!(decode(b"\x83e\x83X\x83g", Some("shift_jis"), false), "テスト");
        assert_eq!(decode(b"<meta charset='koi8-r'>\xf0\xf2\xe9", None, true), "<meta charset='koi8-r'>ПРИ");
        assert_eq!(decode(b"\xff\xfeh\0i\0", Some("utf-8"), false), "hi");
        assert_eq!(decode("ä ö ü \u{20ac}".as_bytes(), None, false), "ä ö ü €");
        assert_eq!(decode(b"\xc3\xa4 \xc3\xb6 \xff x", None, false), "ä ö \u{fffd} x");
    }

    #[test]
    fn binary_data_is_told_from_text_in_any_charset() {
        assert_eq!(looks_binary(b"%PDF-1.7 ..."), Some("a PDF document"));
        assert_eq!(looks_binary(b"abc\0def"), Some("binary data"));
        assert_eq!(looks_binary(&[0xf3; 500]), Some("binary data"));
        assert_eq!(looks_binary(b"\x01\x02\x03\x04 text"), Some("binary data"));
        assert_eq!(looks_binary(b"\xff\xfeh\0i\0"), None);
        assert_eq!(looks_binary("日本語の文章です。".as_bytes()), None);
        assert_eq!(looks_binary(b"caf\xe9 and na\xefve words"), None);
        assert_eq!(looks_binary(b""), None);
    }
}
