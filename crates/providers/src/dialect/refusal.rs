//! What a provider says when it does not answer: one reading for the error documents of every dialect.
//!
//! OpenAI `{"error": {"message", "type", "code"}}` (<https://platform.openai.com/docs/guides/error-codes>), Anthropic
//! `{"type": "error", "error": {"type", "message"}}` (<https://docs.anthropic.com/en/api/errors>), Google
//! `{"error": {"code", "message", "status", "details": [{"retryDelay"}]}}`, also in a list
//! (<https://cloud.google.com/apis/design/errors>), Ollama `{"error": "…"}`, Hugging Face
//! `{"error": "…", "estimated_time": 20.0}`; or no document at all.

use crate::ProviderError;
use chrono::DateTime;
use cofounder_domain::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;
use std::time::Duration;

/// An error document, read.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    message: String,
    /// What the provider calls the kind of error: `type`, `code` and `status`, in lower case.
    signs: Vec<String>,
    wait: Option<Duration>,
    /// The model is being loaded.
    loading: bool,
}

impl Refusal {
    pub(crate) fn of_bytes(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) => Self::of(&json),
            Err(_) => Self { message: one_line(&String::from_utf8_lossy(body)), ..Self::default() },
        }
    }

    pub(crate) fn of(document: &Value) -> Self {
        let document = document.get(0).unwrap_or(document);
        let text = |place: &&str| document.pointer(place).and_then(Value::as_str);
        let message =
            ["/error/message", "/error", "/message", "/detail"].iter().find_map(text).unwrap_or_default();
        let signs: Vec<String> = ["/error/code", "/error/type", "/error/status", "/code"]
            .iter()
            .filter_map(text)
            .map(str::to_ascii_lowercase)
            .collect();
        let shown = document.pointer("/error/code").and_then(Value::as_str);
        let details = document.pointer("/error/details").and_then(Value::as_array);
        let delay = details.into_iter().flatten().find_map(|d| d.get("retryDelay")?.as_str());
        let estimated = document.get("estimated_time").and_then(Value::as_f64);
        let wait = delay
            .and_then(|d| d.strip_suffix('s')?.parse().ok())
            .or(estimated)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self {
            message: one_line(
                &shown.map_or_else(|| message.to_owned(), |code| format!("{message} ({code})")),
            ),
            signs,
            wait,
            loading: estimated.is_some() || message.to_ascii_lowercase().contains("currently loading"),
        }
    }

    fn says(&self, sign: &str) -> bool {
        self.signs.iter().any(|s| s.contains(sign))
    }
}

/// The error behind a status that is not success. `wait` is what headers say of when to come again.
pub(crate) fn refusal(status: u16, refusal: &Refusal, wait: Option<Duration>) -> ProviderError {
    let message = &refusal.message;
    let why = if message.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {message}") };
    // Whoever says more than a day has miscounted.
    let retry_after = wait.or(refusal.wait).map(|wait| wait.min(Duration::from_hours(24)));
    match status {
        // No money is left: waiting does not mend it, whatever the status says.
        _ if refusal.says("insufficient_quota") || refusal.says("billing") => {
            ProviderError::Unauthorised { why }
        }
        _ if refusal.says("content_filter") || refusal.says("content_policy") => {
            ProviderError::Refused { why }
        }
        400 if refusal.says("invalid_api_key") || message.contains("API key not valid") => {
            ProviderError::Unauthorised { why }
        }
        401..=403 => ProviderError::Unauthorised { why },
        429 => ProviderError::Limited { retry_after, why },
        503 if refusal.loading => ProviderError::Loading { retry_after, why },
        300..=399 => ProviderError::NotThere { why: format!("{why}, a redirect, which is not followed") },
        404 | 405 | 410 => ProviderError::NotThere { why },
        408 | 409 | 425 | 500.. => ProviderError::Unavailable { why, retry_after },
        413 => ProviderError::ContextTooLong { why },
        _ if too_long(message) => ProviderError::ContextTooLong { why },
        _ => ProviderError::InvalidRequest { why },
    }
}

/// The error inside a document that came with a status of success.
pub(crate) fn hidden(document: &Value) -> ProviderError {
    let read = Refusal::of(document);
    let code =
        document.pointer("/error/code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = code.filter(|code| (400..600).contains(code)).unwrap_or_else(|| match () {
        () if read.says("rate_limit") || read.says("resource_exhausted") => 429,
        () if read.says("authentication") || read.says("permission") => 401,
        () if read.says("invalid_request") || read.says("invalid_argument") => 400,
        () if read.says("overloaded") => 529,
        () => 502,
    });
    refusal(status, &read, None)
}

fn too_long(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "context_length_exceeded",
        "context length",
        "context window",
        "context size",
        "too many tokens",
        "prompt is too long",
        "input token count",
        "exceeds the context",
        "`max_new_tokens` must be",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// When to come again, as headers say it: `Retry-After` as RFC 9110 has it, in seconds or as a date of any form, or OpenAI's
/// `retry-after-ms`.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let text = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    // RFC 9110's three forms; some servers write the zone as a number.
    let at = httpdate::parse_http_date(text).map(Timestamp::from).ok();
    let at = at.or_else(|| Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc()))?;
    Some((at - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        retry_after(&headers, DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().to_utc())
    }

    #[test]
    fn retry_after_is_seconds_a_date_or_milliseconds() {
        assert_eq!(parsed("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(parsed("retry-after", "Fri, 02 Jan 2026 03:04:35 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(parsed("retry-after", "Friday, 02-Jan-26 03:04:35 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(parsed("retry-after", "Fri Jan  2 03:04:35 2026"), Some(Duration::from_secs(30)));
        assert_eq!(parsed("retry-after", "Fri, 02 Jan 2026 03:04:35 +0000"), Some(Duration::from_secs(30)));
        assert_eq!(parsed("retry-after", "Fri, 02 Jan 2026 03:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(parsed("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        for nonsense in ["", "soon", "-3", "1e999"] {
            assert_eq!(parsed("retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn every_dialects_wait_is_read() {
        let google = json!([{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"}]}}]);
        let error = refusal(429, &Refusal::of(&google), None);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(12_500)));
        let loading = json!({"error": "Model x is currently loading", "estimated_time": 20.0});
        let error = refusal(503, &Refusal::of(&loading), None);
        assert!(matches!(error, ProviderError::Loading { .. }), "{error}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
    }

    #[test]
    fn no_money_left_is_nothing_that_waiting_mends() {
        let quota = json!({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}});
        assert!(matches!(refusal(429, &Refusal::of(&quota), None), ProviderError::Unauthorised { .. }));
    }
}
