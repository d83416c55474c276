//! HTTP to providers: clients with limits, bounded bodies, and errors without addresses' secrets.

use crate::{ProviderError, Stage};
use std::{path::Path, sync::Once, time::Duration};
use tokio::time::timeout;
use url::Url;

/// The largest answer that is read.
pub(crate) const MAX_BODY: usize = 8 * 1024 * 1024;

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

/// The whole body, if it is not larger than [`MAX_BODY`] and never stands still for longer than `idle`.
pub(crate) async fn bounded(mut answer: reqwest::Response, idle: Duration) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    loop {
        let chunk =
            timeout(idle, answer.chunk()).await.map_err(|_| ProviderError::Timeout { stage: Stage::Idle })?;
        let Some(chunk) = chunk.map_err(|_| ProviderError::Truncated)? else { return Ok(body) };
        if body.len() + chunk.len() > MAX_BODY {
            return Err(ProviderError::malformed(format!("it is larger than {} MiB", MAX_BODY >> 20)));
        }
        body.extend_from_slice(&chunk);
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
