//! The dialect `anthropic`: the Messages API, version 2023-06-01.
//!
//! After <https://docs.anthropic.com/en/api/messages>, <https://docs.anthropic.com/en/docs/build-with-claude/streaming>
//! and <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>. A last message of the assistant is a
//! prefill, which models up to Claude 4.5 continue and later ones refuse.

mod answer;
mod request;
mod schema;
mod stream;

use super::{Ask, Page, Reader, Wire, Words, models};
use crate::{Answer, ProviderError, Verb, http};
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use url::Url;

pub(crate) struct Anthropic;

impl Words for Anthropic {
    fn request(&self, ask: &Ask<'_>) -> Result<Wire, ProviderError> {
        if ask.verb != Verb::Chat {
            let what = match ask.verb {
                Verb::Embeddings => {
                    "Anthropic offers no embeddings: name an embedding model of another provider, such as gemini, ollama or openai"
                }
                _ => {
                    "Anthropic makes no pictures: name an image model of another provider, such as gemini or openai"
                }
            };
            return Err(ProviderError::Unsupported { what: what.to_owned() });
        }
        let mut headers = ask.headers_with(KEY)?;
        headers.insert(VERSION.0, HeaderValue::from_static(VERSION.1));
        Ok(Wire {
            url: http::endpoint(&http::versioned(ask.base, "v1"), "messages"),
            headers,
            body: request::body(ask)?.to_string().into_bytes(),
        })
    }

    fn answer(&self, ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError> {
        answer::read(ask, &body)
    }

    fn reader(&self, ask: &Ask<'_>) -> Box<dyn Reader> {
        Box::new(stream::Events::new(ask))
    }

    fn list(&self, base: &Url, page: Option<&str>) -> Url {
        let mut url = http::endpoint(&http::versioned(base, "v1"), "models");
        url.query_pairs_mut().append_pair("limit", "1000");
        if let Some(page) = page {
            url.query_pairs_mut().append_pair("after_id", page);
        }
        url
    }

    fn signed(&self, key: Option<&SecretString>) -> Result<HeaderMap, ProviderError> {
        let mut headers = models::keyed(KEY, key)?;
        headers.insert(VERSION.0, HeaderValue::from_static(VERSION.1));
        Ok(headers)
    }

    fn names(&self, body: &[u8]) -> Result<Page, ProviderError> {
        models::listed(body, "data", "id", |list| match list.get("has_more")?.as_bool()? {
            true => list.get("last_id")?.as_str().map(str::to_owned),
            false => None,
        })
    }
}

const KEY: &str = "x-api-key";
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
