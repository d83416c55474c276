//! Fetches pages from the web without trusting them.

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::{
    Client, Response,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER},
};
use std::{future::Future, sync::OnceLock, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{Document, Format, Reference, ResearchError, Settings, client, public_address::PublicResolver};

const ACCEPTED: &str = "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.9";

/// The longest `Retry-After` that is believed, in seconds.
const MAX_RETRY_AFTER: u64 = 24 * 3_600;

/// Fetches pages over HTTP(S): public addresses only (see [`is_public`](crate::is_public)), with limits on
/// time, size and redirects, and one second try after a failure that may pass. One per program: it keeps
/// connections.
#[derive(Debug)]
pub struct Fetcher {
    settings: Settings,
    /// Built at the first use, so that a program that only reads files needs no certificates.
    client: OnceLock<Client>,
}

/// What a server answered, within the limits.
#[derive(Debug)]
pub(crate) struct Page {
    /// Where it was found in the end.
    pub(crate) url: Url,
    /// In lower case, without parameters; empty if none was declared.
    pub(crate) media_type: String,
    /// As declared by the server.
    pub(crate) charset: Option<String>,
    pub(crate) bytes: Bytes,
}

impl Fetcher {
    /// A fetcher. Nothing is connected to yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings, client: OnceLock::new() }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Fetches a page and extracts its text. The document's URI is the address that answered, after any
    /// redirects. Dropping the future, or cancelling, closes the connection.
    ///
    /// # Errors
    /// [`ResearchError`] says why there is no document. [`ResearchError::kind`] tells whether trying again
    /// can help, [`ResearchError::retry_after`] when the server wants it.
    pub async fn fetch(&self, url: &str, cancel: &CancellationToken) -> Result<Document, ResearchError> {
        let Reference::Url(address) = Reference::parse(url)? else {
            let reason = "it is a path, and a web address is needed here".to_owned();
            return Err(ResearchError::BadReference { reference: url.chars().take(120).collect(), reason });
        };
        let page = self.get(address, ACCEPTED, readable, cancel).await?;
        let uri = page.url.to_string();
        let format = page.format();
        let extraction = tokio::task::spawn_blocking({
            let uri = uri.clone();
            move || Document::read(page.bytes, format, page.charset.as_deref(), &uri, &uri)
        });
        tokio::select! {
            () = cancel.cancelled() => Err(ResearchError::Cancelled { uri }),
            read = extraction => read.unwrap_or(Err(ResearchError::Broken { uri })),
        }
    }

    /// The answer to a GET, if its media type is `wanted`: with redirects, a second try, the total deadline
    /// and cancellation.
    pub(crate) async fn get(
        &self,
        url: Url,
        accept: &'static str,
        wanted: fn(&str) -> bool,
        cancel: &CancellationToken,
    ) -> Result<Page, ResearchError> {
        let total = self.settings.timeouts.total();
        let name = url.to_string();
        let work = timeout(total, self.tried_twice(&url, accept, wanted));
        tokio::select! {
            () = cancel.cancelled() => Err(ResearchError::Cancelled { uri: name }),
            done = work => done.unwrap_or(Err(ResearchError::TimedOut { url: name, phase: "all of it", limit: total })),
        }
    }

    async fn tried_twice(
        &self,
        url: &Url,
        accept: &'static str,
        wanted: fn(&str) -> bool,
    ) -> Result<Page, ResearchError> {
        let backoff = ExponentialBuilder::default().with_jitter().with_min_delay(Duration::from_millis(200));
        let mut delays = backoff.with_max_times(1).build();
        loop {
            match self.followed(url, accept, wanted).await {
                Err(error) if error.transient() => match delays.next() {
                    Some(delay) => {
                        tracing::debug!(%url, %error, "asking once more");
                        tokio::time::sleep(delay).await;
                    }
                    None => return Err(error),
                },
                done => return done,
            }
        }
    }

    /// Follows redirects by hand, so that every hop is checked.
    async fn followed(
        &self,
        url: &Url,
        accept: &'static str,
        wanted: fn(&str) -> bool,
    ) -> Result<Page, ResearchError> {
        let mut url = url.clone();
        for _ in 0..=self.settings.limits.redirects {
            let answer = self.ask(&url, accept).await?;
            match answer.status().as_u16() {
                200 => return self.page(url, answer, wanted).await,
                301 | 302 | 303 | 307 | 308 => url = redirected(&url, &answer)?,
                status => {
                    let retry_after = retry_after(&answer);
                    return Err(ResearchError::Status { url: url.into(), status, retry_after });
                }
            }
        }
        let reason = format!("it redirects more than {} times", self.settings.limits.redirects);
        Err(ResearchError::Redirect { url: url.into(), reason })
    }

    async fn ask(&self, url: &Url, accept: &'static str) -> Result<Response, ResearchError> {
        let resolver = PublicResolver::new(&self.settings);
        if let Some(host) = url.host() {
            resolver
                .check_literal(&host)
                .map_err(|e| ResearchError::PrivateAddress { url: url.to_string(), address: e.0 })?;
        }
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let built = client::build(&self.settings, resolver)?;
                self.client.get_or_init(|| built)
            }
        };
        let limit = self.settings.timeouts.first_byte();
        let sent = client.get(url.clone()).header(ACCEPT, accept).send();
        in_time(url, "the first answer", limit, sent)
            .await?
            .map_err(|e| client::failed(url.as_str(), &self.settings, e))
    }

    async fn page(
        &self,
        url: Url,
        answer: Response,
        wanted: fn(&str) -> bool,
    ) -> Result<Page, ResearchError> {
        let (media_type, charset) = content_type(&answer);
        if !media_type.is_empty() && !wanted(&media_type) {
            return Err(ResearchError::MediaType { url: url.into(), media_type });
        }
        if let Some(encoding) =
            header(&answer, &CONTENT_ENCODING).filter(|e| !e.eq_ignore_ascii_case("identity"))
        {
            return Err(ResearchError::Encoded {
                url: url.into(),
                encoding: encoding.chars().take(40).collect(),
            });
        }
        let bytes = self.body(&url, answer).await?;
        Ok(Page { url, media_type, charset, bytes })
    }

    async fn body(&self, url: &Url, answer: Response) -> Result<Bytes, ResearchError> {
        let limit = self.settings.limits.file_bytes;
        let too_large =
            |bytes| ResearchError::TooLarge { uri: url.to_string(), bytes, limit, setting: "file_bytes" };
        if let Some(length) = answer.content_length().filter(|length| *length > limit) {
            return Err(too_large(Some(length)));
        }
        let mut body = BytesMut::new();
        let mut pieces = answer.bytes_stream();
        let idle = self.settings.timeouts.idle();
        while let Some(piece) = in_time(url, "a pause in the page", idle, pieces.next()).await? {
            let piece = piece.map_err(|e| client::failed(url.as_str(), &self.settings, e))?;
            if (body.len() + piece.len()) as u64 > limit {
                return Err(too_large(None));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }
}

impl Page {
    /// Its format: as declared, unless a plain text is called `.md`; as it looks, if nothing was declared.
    fn format(&self) -> Format {
        let path = self.url.path();
        let named = path.rsplit_once('.').and_then(|(_, extension)| Format::from_extension(extension));
        match Format::from_media_type(&self.media_type) {
            Some(Format::Plain) if named == Some(Format::Markdown) => Format::Markdown,
            Some(format) => format,
            None => named.unwrap_or_else(|| Format::sniff(&self.bytes)),
        }
    }
}

fn readable(media_type: &str) -> bool {
    Format::from_media_type(media_type).is_some()
}

async fn in_time<T>(
    url: &Url,
    phase: &'static str,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, ResearchError> {
    timeout(limit, work).await.map_err(|_| ResearchError::TimedOut { url: url.to_string(), phase, limit })
}

fn redirected(url: &Url, answer: &Response) -> Result<Url, ResearchError> {
    let bad = |reason: String| ResearchError::Redirect { url: url.to_string(), reason };
    let location = header(answer, &LOCATION).ok_or_else(|| bad("it redirects to nowhere".to_owned()))?;
    let mut target =
        url.join(location).map_err(|e| bad(format!("it redirects to what is no address ({e})")))?;
    if !matches!(target.scheme(), "http" | "https") {
        return Err(bad(format!("it redirects to the scheme `{}`", target.scheme())));
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err(bad("it redirects to an address with a user name or password".to_owned()));
    }
    target.set_fragment(None);
    Ok(target)
}

fn content_type(answer: &Response) -> (String, Option<String>) {
    let declared = header(answer, &CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let mut parts = declared.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().chars().take(80).collect();
    let charset =
        parts.find_map(|p| p.strip_prefix("charset=")).map(|c| c.trim_matches(['"', '\'', ' ']).to_owned());
    (media_type, charset)
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3). The form with a date is left alone: it would need
/// the server's clock to agree with ours.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds: u64 = header(answer, &RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER)))
}

fn header<'a>(answer: &'a Response, name: &HeaderName) -> Option<&'a str> {
    answer.headers().get(name).and_then(|value| value.to_str().ok())
}
