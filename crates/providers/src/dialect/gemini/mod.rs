//! The dialect `gemini`: Google's Gemini API.
//!
//! After <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/api/embeddings>,
//! <https://ai.google.dev/gemini-api/docs/image-generation> and <https://ai.google.dev/gemini-api/docs/thought-signatures>.
//! A stream has no mark for its end: it is complete when every candidate said why it ended and the body ends.

mod answer;
mod embeddings;
mod images;
mod request;
mod stream;

use super::{Ask, Page, Reader, Wire, Words, models};
use crate::{Answer, ProviderError, Verb, http};
use bytes::Bytes;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use url::Url;

pub(crate) struct Gemini;

impl Words for Gemini {
    fn request(&self, ask: &Ask<'_>) -> Result<Wire, ProviderError> {
        let (verb, body) = match ask.verb {
            Verb::Chat if ask.streamed => ("streamGenerateContent", request::body(ask)?),
            Verb::Chat => ("generateContent", request::body(ask)?),
            Verb::Embeddings => ("batchEmbedContents", embeddings::body(ask)?),
            Verb::Images => ("generateContent", images::body(ask)?),
        };
        let mut url = address(ask.base, &format!("{}:{verb}", model(ask)));
        if ask.streamed {
            url.set_query(Some("alt=sse"));
        }
        Ok(Wire { url, headers: ask.headers_with(KEY)?, body: body.to_string().into_bytes() })
    }

    fn answer(&self, ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError> {
        match ask.verb {
            Verb::Chat => answer::read(ask, &body),
            Verb::Embeddings => embeddings::read(ask, &body),
            Verb::Images => images::read(ask, &body),
        }
    }

    fn reader(&self, ask: &Ask<'_>) -> Box<dyn Reader> {
        Box::new(stream::Pages::new(ask))
    }

    fn list(&self, base: &Url, page: Option<&str>) -> Url {
        let mut url = http::endpoint(&http::versioned(base, VERSION), "models");
        url.query_pairs_mut().append_pair("pageSize", "1000");
        if let Some(page) = page {
            url.query_pairs_mut().append_pair("pageToken", page);
        }
        url
    }

    fn signed(&self, key: Option<&SecretString>) -> Result<HeaderMap, ProviderError> {
        models::keyed(KEY, key)
    }

    fn names(&self, body: &[u8]) -> Result<Page, ProviderError> {
        let next = |list: &serde_json::Value| list.get("nextPageToken")?.as_str().map(str::to_owned);
        let mut page = models::listed(body, "models", "name", next)?;
        for name in &mut page.names {
            if let Some(short) = name.strip_prefix("models/") {
                *name = short.to_owned();
            }
        }
        page.next = page.next.filter(|next| !next.is_empty());
        Ok(page)
    }
}

const KEY: &str = "x-goog-api-key";
const VERSION: &str = "v1beta";

/// The model's name as the API has it.
fn model(ask: &Ask<'_>) -> String {
    let model = &ask.target.model;
    let whole = ["models/", "tunedModels/"].iter().any(|start| model.starts_with(start));
    if whole { model.clone() } else { format!("models/{model}") }
}

/// An address below the base whose parts are what they are, whatever characters they hold.
fn address(base: &Url, path: &str) -> Url {
    let mut url = http::versioned(base, VERSION);
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop_if_empty().extend(path.split('/'));
    }
    url
}
