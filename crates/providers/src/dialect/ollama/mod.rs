//! The dialect `ollama`: Ollama's own API.
//!
//! After <https://github.com/ollama/ollama/blob/main/docs/api.md>. Streams are a JSON document a line. Its tool calls
//! are objects without names, which get both here as OpenAI's clients expect them: a made-up id each, and arguments as
//! text.

mod answer;
mod embeddings;
mod pull;
mod request;

pub(crate) use pull::PullLine;

use super::{Ask, Page, Reader, Wire, Words, models};
use crate::{Answer, ProviderError, Verb, http, sse::Framing};
use bytes::Bytes;
use url::Url;

pub(crate) struct Ollama;

impl Words for Ollama {
    fn request(&self, ask: &Ask<'_>) -> Result<Wire, ProviderError> {
        let (verb, body) = match ask.verb {
            Verb::Chat => ("api/chat", request::body(ask)?),
            Verb::Embeddings => ("api/embed", embeddings::body(ask)?),
            Verb::Images => {
                let what = "Ollama makes no pictures here: name an image model of another provider, such as gemini, huggingface or openai";
                return Err(ProviderError::Unsupported { what: what.to_owned() });
            }
        };
        let url = http::endpoint(&http::root(ask.base), verb);
        Ok(Wire { url, headers: ask.headers()?, body: body.to_string().into_bytes() })
    }

    fn answer(&self, ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError> {
        match ask.verb {
            Verb::Embeddings => embeddings::read(ask, &body),
            Verb::Chat | Verb::Images => answer::read(ask, &body),
        }
    }

    fn reader(&self, ask: &Ask<'_>) -> Box<dyn Reader> {
        Box::new(answer::Lines::new(ask))
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn list(&self, base: &Url, _page: Option<&str>) -> Url {
        http::endpoint(&http::root(base), "api/tags")
    }

    fn names(&self, body: &[u8]) -> Result<Page, ProviderError> {
        models::listed(body, "models", "name", |_| None)
    }
}
