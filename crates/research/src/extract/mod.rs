//! From a document's bytes to the clean text that passages are ranges of.
//!
//! The text has one block per line, blocks parted by a blank line (items of one list and rows of one table
//! by a line break): `# Heading`, `- item`, `> quotation`, `| cell | cell |`, code between lines of three
//! backticks, and paragraphs, each on one line. The same bytes always give the same text.

mod blocks;
mod front_matter;
mod html;
mod html_guard;
mod markdown;
mod plain;

use crate::charset;

/// How a document is marked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// HTML or XHTML.
    Html,
    /// CommonMark with the extensions of GitHub.
    Markdown,
    /// Plain text, also reStructuredText.
    Plain,
}

/// What was found in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// The document's own title, or the last part of its URI; one line, never empty.
    pub title: String,
    /// The clean text; see the module for its form.
    pub text: String,
}

/// Why no text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// Nothing but white space and markup.
    #[error("it holds no text")]
    Empty,
    /// Not text at all.
    #[error("it is not text: it looks like {looks_like}")]
    Binary {
        /// E.g. `a PDF document`.
        looks_like: &'static str,
    },
    /// It would take too much memory or time.
    #[error("its markup is too large, too deep or too tangled to be read")]
    TooComplex,
}

impl Format {
    /// The format that a file name's extension (without dot, in any case) stands for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            "txt" | "text" | "rst" => Some(Self::Plain),
            _ => None,
        }
    }

    /// The format that a media type (without parameters, in lower case) stands for, of those that can be read.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "text/html" | "application/xhtml+xml" => Some(Self::Html),
            "text/markdown" | "text/x-markdown" => Some(Self::Markdown),
            "text/plain" => Some(Self::Plain),
            _ => None,
        }
    }

    /// HTML or plain text, by how the bytes begin.
    pub(crate) fn sniff(bytes: &[u8]) -> Self {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
        let head = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let html = ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| head.starts_with(tag));
        if html { Self::Html } else { Self::Plain }
    }
}

/// The clean text and the title of a document. `charset` is what the server declares; `uri` gives the
/// title if nothing else does. Blocks the thread for as long as it takes: milliseconds for a usual page.
///
/// # Errors
/// [`NotText`] says why there is none.
pub fn extract(bytes: &[u8], format: Format, charset: Option<&str>, uri: &str) -> Result<Extracted, NotText> {
    if let Some(looks_like) = charset::looks_binary(bytes) {
        return Err(NotText::Binary { looks_like });
    }
    let text = charset::decode(bytes, charset, format == Format::Html);
    let found = match format {
        Format::Html => html::read(&text)?,
        Format::Markdown => markdown::read(&text)?,
        Format::Plain => plain::read(&text),
    };
    finish(found, uri)
}

/// What a format's reader found.
struct Found {
    title: Option<String>,
    text: String,
}

/// The text of what a MediaWiki sends as an extract, under the title it gives.
pub(crate) fn wiki_extract(title: &str, extract: &str) -> Result<Extracted, NotText> {
    let found = plain::read(extract);
    finish(Found { title: Some(title.to_owned()), ..found }, title)
}

fn finish(found: Found, uri: &str) -> Result<Extracted, NotText> {
    if !found.text.chars().any(char::is_alphanumeric) {
        return Err(NotText::Empty);
    }
    let title = found.title.map(|t| blocks::one_line(&t)).filter(|t| !t.is_empty());
    let title = title.unwrap_or_else(|| name_of(uri));
    Ok(Extracted { title: title.chars().take(200).collect(), text: found.text })
}

fn name_of(uri: &str) -> String {
    let file = url::Url::parse(uri).ok().filter(|u| u.scheme() == "file").and_then(|u| u.to_file_path().ok());
    if let Some(name) = file.as_deref().and_then(|path| path.file_name()) {
        return blocks::one_line(&name.to_string_lossy());
    }
    let path = uri.split(['?', '#']).next().unwrap_or(uri).trim_end_matches('/');
    let name = blocks::one_line(path.rsplit('/').next().unwrap_or(path));
    if name.is_empty() { "Untitled".to_owned() } else { name }
}
