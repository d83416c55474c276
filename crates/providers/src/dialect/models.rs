//! Lists of models, which every protocol has under another address and in another shape.

use super::{hidden, read_json, secret};
use crate::ProviderError;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Some of a provider's models.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) names: Vec<String>,
    /// What to ask for to see more.
    pub(crate) next: Option<String>,
}

/// Reads a page: the names stand in the entries of a list, and somewhere what the next page is called.
///
/// # Errors
/// [`ProviderError::Malformed`] if there is no such list; what stands in it without a name is passed over.
pub(super) fn listed(
    body: &[u8],
    list: &str,
    name: &str,
    next: impl Fn(&Value) -> Option<String>,
) -> Result<Page, ProviderError> {
    let document: Value = read_json(body)?;
    // Some servers of OpenAI's dialect write the list alone.
    let Some(entries) = document.get(list).unwrap_or(&document).as_array() else {
        return Err(match document.get("error") {
            Some(error) if !error.is_null() => hidden(&document),
            _ => ProviderError::malformed(format!("it holds no list `{list}`")),
        });
    };
    let names = entries.iter().filter_map(|entry| entry.get(name)?.as_str().map(str::to_owned)).collect();
    Ok(Page { names, next: next(&document) })
}

/// Headers with a bearer key.
pub(super) fn bearer(key: Option<&SecretString>) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose_secret()))?);
    }
    Ok(headers)
}

/// Headers with the key in one of the provider's own.
pub(super) fn keyed(name: &'static str, key: Option<&SecretString>) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert(HeaderName::from_static(name), secret(key.expose_secret())?);
    }
    Ok(headers)
}
