//! The dialect `openai`: one chat call is one HTTP request. The embedded engine speaks it over a Unix socket.

pub(crate) mod wire;

use crate::{ChatAnswer, ChatRequest, ProviderError, Stage, config::Patience, http};
use chrono::DateTime;
use cofounder_domain::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::time::timeout;
use url::Url;
use wire::Shape;

/// Everything but the request itself.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) base: &'a Url,
    pub(crate) key: Option<&'a SecretString>,
    /// Empty for none.
    pub(crate) idempotency: &'a str,
    pub(crate) shape: Shape<'a>,
    pub(crate) patience: Patience,
    pub(crate) now: Timestamp,
}

/// Asks once. Dropping the future drops the connection.
pub(crate) async fn chat(
    client: &reqwest::Client,
    call: &Call<'_>,
    request: &ChatRequest,
) -> Result<ChatAnswer, ProviderError> {
    let late = |_| Err(ProviderError::Timeout { stage: Stage::Total });
    let answer = timeout(call.patience.total, exchange(client, call, request)).await.unwrap_or_else(late);
    answer.map_err(|error| error.cleaned(call.key.map_or("", ExposeSecret::expose_secret)))
}

async fn exchange(
    client: &reqwest::Client,
    call: &Call<'_>,
    request: &ChatRequest,
) -> Result<ChatAnswer, ProviderError> {
    let sent = client
        .post(http::endpoint(call.base, "chat/completions"))
        .headers(headers(call)?)
        .json(&wire::body(request, call.shape))
        .send();
    let late = |_| ProviderError::Timeout { stage: Stage::FirstByte };
    let answer = match call.patience.first_byte {
        Some(patience) => timeout(patience, sent).await.map_err(late)?,
        None => sent.await,
    };
    let answer = answer.map_err(http::sending)?;
    let status = answer.status();
    let wait = retry_after(answer.headers(), call.now);
    if status.is_success() {
        let body = http::bounded(answer, call.patience.idle).await?;
        return wire::answer(&body, request, call.shape.model);
    }
    // The status tells enough, should the document that goes with it not arrive.
    let body = http::bounded(answer, call.patience.idle).await.unwrap_or_default();
    Err(wire::refusal(status.as_u16(), &wire::message_of_bytes(&body), wait))
}

fn headers(call: &Call<'_>) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = call.key {
        let unfit =
            |_| ProviderError::Unauthorised { why: "the key holds characters that no key has".to_owned() };
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret())).map_err(unfit)?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    if !call.idempotency.is_empty() {
        let unfit = |_| ProviderError::Bug { why: "the call's key does not fit in a header".to_owned() };
        headers.insert("idempotency-key", HeaderValue::try_from(call.idempotency).map_err(unfit)?);
    }
    Ok(headers)
}

/// `Retry-After` as RFC 9110 has it: whole seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::try_from(value).unwrap());
        retry_after(&headers, DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().to_utc())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(parsed("7"), Some(Duration::from_secs(7)));
        assert_eq!(parsed("Fri, 02 Jan 2026 03:04:35 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(parsed("Fri, 02 Jan 2026 03:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["", "soon", "-3", "1e999"] {
            assert_eq!(parsed(nonsense), None, "{nonsense}");
        }
    }
}
