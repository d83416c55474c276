//! What can go wrong on the way to a source.

use cofounder_domain::FaultKind;
use std::{net::IpAddr, time::Duration};

/// Why a source could not be had. Every message says what happened and what to do next; what was read
/// before stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ResearchError {
    /// Neither a path nor an `http(s)` URL.
    #[error(
        "`{reference}` cannot be a source: {reason}. Give a path, or a URL that begins with http:// or https://"
    )]
    BadReference {
        /// What was given, shortened.
        reference: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such file or directory.
    #[error(
        "the source {path} does not exist. Check the path; a relative one counts from the directory you are in"
    )]
    Missing {
        /// As it was given.
        path: String,
    },
    /// The file system refused.
    #[error(
        "the source {path} cannot be read ({reason}). Check its permissions, or give a copy that you can read"
    )]
    Unreadable {
        /// As it was given.
        path: String,
        /// What the file system said.
        reason: String,
    },
    /// A pipe, a socket, a device.
    #[error("the source {path} is {what}, not a file. Write its content to a file and give that")]
    NotAFile {
        /// As it was given.
        path: String,
        /// E.g. `a named pipe`.
        what: &'static str,
    },
    /// More bytes than the limit.
    #[error("the source {uri} has {} bytes, and at most {limit} are read. Give the part that matters, or raise research.limits.{setting}", .bytes.map_or_else(|| "too many".to_owned(), |b| b.to_string()))]
    TooLarge {
        /// Path or URL.
        uri: String,
        /// Its size, where it is known without reading it.
        bytes: Option<u64>,
        /// The limit.
        limit: u64,
        /// The limit's name in the configuration.
        setting: &'static str,
    },
    /// Nothing but white space and markup.
    #[error("the source {uri} holds no text. Give one that does")]
    Empty {
        /// Path or URL.
        uri: String,
    },
    /// Not text.
    #[error(
        "the source {uri} is not text: it looks like {looks_like}. Convert it to text, Markdown or HTML and give that"
    )]
    Binary {
        /// Path or URL.
        uri: String,
        /// E.g. `a PDF document`.
        looks_like: &'static str,
    },
    /// Markup that would take too much memory or time to read.
    #[error(
        "the markup of the source {uri} is too large, too deep or too tangled to be read. Save its text to a file and give that"
    )]
    TooComplex {
        /// Path or URL.
        uri: String,
    },
    /// A directory without a file that could be used.
    #[error("the directory {path} holds nothing that can be used as a source{}. Put .md, .txt, .html or .rst files there, or name a file", skipped_note(*.skipped, .first))]
    NothingReadable {
        /// As it was given.
        path: String,
        /// How many entries were looked at and left out.
        skipped: usize,
        /// Why the first one was.
        first: Option<String>,
    },
    /// An address that is not on the public Internet.
    #[error(
        "{url} leads to {address}, which is not a public address, and was not asked. If you trust it, save its content to a file and give that, or add its host to research.allow_private_hosts"
    )]
    PrivateAddress {
        /// The URL that was asked for, or redirected to.
        url: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// Not HTML, Markdown or plain text.
    #[error(
        "{url} answers with {media_type}, and only HTML, Markdown and plain text can be read. Convert it to one of these and give the file"
    )]
    MediaType {
        /// The URL.
        url: String,
        /// What the server declared.
        media_type: String,
    },
    /// An answer other than 200.
    #[error("{url} answers with status {status}{}. {}", wait_note(*.retry_after), status_advice(*.status))]
    Status {
        /// The URL.
        url: String,
        /// HTTP status (RFC 9110).
        status: u16,
        /// What the server's `Retry-After` says.
        retry_after: Option<Duration>,
    },
    /// A redirect too many, or to where nothing may be fetched.
    #[error("{url} cannot be followed: {reason}. Give the address of the page itself")]
    Redirect {
        /// The URL that redirects.
        url: String,
        /// What is wrong with the redirect.
        reason: String,
    },
    /// It took too long.
    #[error("{url} took too long: {phase} lasted more than {} ms. Try again later, or save the page to a file and give that", .limit.as_millis())]
    TimedOut {
        /// The URL.
        url: String,
        /// What was waited for.
        phase: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// No connection, or one that broke.
    #[error(
        "{url} cannot be reached ({reason}). Check the address and the network, or save the page to a file and give that"
    )]
    Unreachable {
        /// The URL.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// The connection ended before the page did.
    #[error("{url} ended before all of it had come. Try again, or save the page to a file and give that")]
    Truncated {
        /// The URL.
        url: String,
    },
    /// Compressed although nothing compressed was asked for.
    #[error(
        "{url} answers in the encoding `{encoding}`, which was not asked for. Save the page to a file and give that"
    )]
    Encoded {
        /// The URL.
        url: String,
        /// What the server declared.
        encoding: String,
    },
    /// The caller gave up.
    #[error("reading {uri} was cancelled. Nothing of it was kept; run the command again to read it")]
    Cancelled {
        /// Path or URL.
        uri: String,
    },
    /// Nothing was named, and nothing was found.
    #[error(
        "no sources: none was named, and Wikipedia could not be used ({reason}). Name sources with --source PATH or --source URL (it can be given several times)"
    )]
    NoSources {
        /// Why Wikipedia gave nothing.
        reason: String,
    },
    /// The HTTP client could not be built.
    #[error("pages cannot be fetched on this machine ({reason}). Save the pages to files and give those")]
    Client {
        /// What is missing.
        reason: String,
    },
    /// A part of this program broke while it read a source.
    #[error(
        "reading {uri} broke off inside the program. Please report it with the source; meanwhile leave that source out"
    )]
    Broken {
        /// Path or URL.
        uri: String,
    },
}

impl ResearchError {
    /// What it means at the program's edges.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Missing { .. } => FaultKind::NotFound,
            Self::BadReference { .. }
            | Self::Unreadable { .. }
            | Self::NotAFile { .. }
            | Self::TooLarge { .. }
            | Self::Empty { .. }
            | Self::Binary { .. }
            | Self::TooComplex { .. }
            | Self::NothingReadable { .. }
            | Self::PrivateAddress { .. }
            | Self::MediaType { .. }
            | Self::Redirect { .. }
            | Self::Encoded { .. }
            | Self::NoSources { .. } => FaultKind::InvalidInput,
            Self::Status { status, .. } => match *status {
                404 | 410 => FaultKind::NotFound,
                429 => FaultKind::Limited,
                408 | 500..=599 => FaultKind::Unavailable,
                _ => FaultKind::InvalidInput,
            },
            Self::TimedOut { .. }
            | Self::Unreachable { .. }
            | Self::Truncated { .. }
            | Self::Cancelled { .. } => FaultKind::Unavailable,
            Self::Client { .. } => FaultKind::Unsupported,
            Self::Broken { .. } => FaultKind::Bug,
        }
    }

    /// How long the server asked to be left alone, if it said.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether asking again at once may help.
    pub(crate) const fn transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Truncated { .. } => true,
            Self::Status { status, retry_after, .. } => {
                matches!(status, 500 | 502 | 503 | 504) && retry_after.is_none()
            }
            _ => false,
        }
    }
}

fn skipped_note(skipped: usize, first: &Option<String>) -> String {
    match first {
        Some(first) => format!(" ({skipped} left out; the first: {first})"),
        None => String::new(),
    }
}

fn wait_note(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |d| format!(" and asks to wait {} s", d.as_secs()))
}

const fn status_advice(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 | 451 => "It does not let this program in: save the page to a file and give that",
        404 | 410 => "Check the address",
        429 => "Try again after that time",
        500..=599 => "Try again later, or save the page to a file and give that",
        _ => "Save the page to a file and give that",
    }
}
