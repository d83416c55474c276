//! The HTTP client, and what its errors mean.

use reqwest::{Client, ClientBuilder, redirect::Policy};
use std::error::Error;

use crate::{
    ResearchError, Settings,
    public_address::{NotPublic, PublicResolver},
};

/// A client that follows no redirect, knows no proxy, asks for no compression, keeps no cookie, and connects
/// to the addresses that the resolver lets pass.
pub(crate) fn build(settings: &Settings, resolver: PublicResolver) -> Result<Client, ResearchError> {
    // Another part of the program may have installed the same provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || -> ClientBuilder {
        Client::builder()
            .user_agent(&settings.user_agent)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(settings.timeouts.connect())
            .dns_resolver(resolver.clone())
    };
    let built = builder().build().or_else(|error| {
        // A machine without root certificates can still fetch over plain HTTP; HTTPS then fails by itself.
        tracing::warn!(error = %chain(&error), "no root certificates were found: https:// cannot be fetched. Install ca-certificates");
        builder().tls_certs_only([]).build()
    });
    built.map_err(|e| ResearchError::Client { reason: chain(&e) })
}

/// What a failed exchange means.
pub(crate) fn failed(url: &str, settings: &Settings, error: reqwest::Error) -> ResearchError {
    let url = url.to_owned();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(found) = cause {
        if let Some(NotPublic(address)) = found.downcast_ref() {
            return ResearchError::PrivateAddress { url, address: *address };
        }
        cause = found.source();
    }
    if error.is_timeout() {
        let limit = settings.timeouts.connect();
        return ResearchError::TimedOut { url, phase: "the connection", limit };
    }
    if error.is_body() || error.is_decode() {
        return ResearchError::Truncated { url };
    }
    ResearchError::Unreachable { url, reason: chain(&error.without_url()) }
}

/// The innermost cause says most.
fn chain(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
