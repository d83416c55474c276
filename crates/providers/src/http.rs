//! HTTP to providers: clients with limits, bounded bodies, and errors without addresses' secrets.

use crate::{ProviderError, Stage};
use bytes::Bytes;
use std::{path::Path, sync::Once, time::Duration};
use tokio::time::timeout;
use url::Url;

/// The largest error document that is read.
pub(crate) const MAX_REFUSAL: usize = 1 << 20;

/// A client of its own for each provider. It follows no redirects, which would carry the key elsewhere, and asks no
/// proxy for what is near.
pub(crate) fn client(
    socket: Option<&Path>,
    connect: Duration,
    local: bool,
) -> Result<reqwest::Client, ProviderError> {
    static TLS: Once = Once::new();
    // An error means that the program has already chosen a provider of cryptography, which is as good.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let mut builder = reqwest::Client::builder()
        .connect_timeout(connect)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("cofounder/", env!("CARGO_PKG_VERSION")));
    if local {
        builder = builder.no_proxy();
    }
    #[cfg(unix)]
    if let Some(path) = socket {
        builder = builder.unix_socket(path);
    }
    #[cfg(not(unix))]
    if socket.is_some() {
        let what = "embedded models need Unix sockets; use a provider with dialect = \"openai\"".to_owned();
        return Err(ProviderError::Unsupported { what });
    }
    builder
        .build()
        .map_err(|error| ProviderError::Bug { why: format!("no HTTP client: {}", error.without_url()) })
}

/// The address of a verb below a base that ends in `/v1` or the like, with or without a slash.
pub(crate) fn endpoint(base: &Url, verb: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{verb}", base.path().trim_end_matches('/')));
    url
}

/// The same base with a version as its last part: as it is if it has one, such as `/v1` or `/v1beta`, else with this.
pub(crate) fn versioned(base: &Url, version: &str) -> Url {
    let last = base.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let number = last.strip_prefix('v').unwrap_or_default();
    if number.starts_with(|c: char| c.is_ascii_digit()) { base.clone() } else { endpoint(base, version) }
}

/// The base without the `/v1` under which a server has its copy of OpenAI's API.
pub(crate) fn root(base: &Url) -> Url {
    let mut root = base.clone();
    let path = base.path().trim_end_matches('/');
    root.set_path(path.strip_suffix("/v1").unwrap_or(path));
    root
}

/// The whole body, if it is not larger than `largest` and never stands still for longer than `idle`.
pub(crate) async fn bounded(
    mut answer: reqwest::Response,
    idle: Duration,
    largest: usize,
) -> Result<Bytes, ProviderError> {
    let mut pieces = Pieces::default();
    loop {
        let chunk =
            timeout(idle, answer.chunk()).await.map_err(|_| ProviderError::Timeout { stage: Stage::Idle })?;
        let Some(chunk) = chunk.map_err(|_| ProviderError::Truncated)? else { return Ok(pieces.whole()) };
        if pieces.len() + chunk.len() > largest {
            return Err(ProviderError::malformed(format!("it is larger than {} MiB", largest >> 20)));
        }
        pieces.push(chunk);
    }
}

/// A body as it comes. One that comes in one piece, as most do, is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    more: Vec<u8>,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
        } else {
            let first = std::mem::take(&mut self.first);
            self.more.extend_from_slice(&first);
            self.more.extend_from_slice(&piece);
        }
    }

    fn whole(self) -> Bytes {
        if self.more.is_empty() { self.first } else { self.more.into() }
    }
}

/// Why sending failed. A connection that was there and was lost may have carried the request.
pub(crate) fn sending(error: reqwest::Error) -> ProviderError {
    let error = error.without_url();
    if error.is_connect() && error.is_timeout() {
        return ProviderError::Timeout { stage: Stage::Connect };
    }
    if error.is_builder() {
        return ProviderError::Bug { why: deepest(&error) };
    }
    if error.is_connect() { ProviderError::unavailable(deepest(&error)) } else { ProviderError::Truncated }
}

/// The innermost reason, which is the one that tells something ("Connection refused").
fn deepest(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_taken_with_and_without_their_version() {
        let url = |text: &str| Url::parse(text).unwrap();
        for base in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"] {
            assert_eq!(endpoint(&root(&url(base)), "api/chat").as_str(), "http://h:1/api/chat", "{base}");
            assert_eq!(
                endpoint(&versioned(&url(base), "v1"), "messages").as_str(),
                "http://h:1/v1/messages",
                "{base}"
            );
        }
        assert_eq!(root(&url("http://h/x/v1")).as_str(), "http://h/x");
        assert_eq!(versioned(&url("http://h/v1alpha"), "v1beta").as_str(), "http://h/v1alpha");
        assert_eq!(versioned(&url("http://h/vertex"), "v1beta").as_str(), "http://h/vertex/v1beta");
    }
}
