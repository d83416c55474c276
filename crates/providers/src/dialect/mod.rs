//! One module per wire dialect. A dialect translates a question from OpenAI's words into its own and the answer back,
//! whole or piece by piece. Nothing here does any input or output, waits, or knows which target comes next.

mod anthropic;
mod count;
mod estimate;
mod gemini;
mod huggingface;
mod models;
mod ollama;
mod openai;
mod question;
mod refusal;
mod told;
mod vectors;

pub(crate) use estimate::Spoken;
pub(crate) use models::Page;
pub(crate) use ollama::PullLine;
pub(crate) use openai::{chat_document, limit_key};
pub(crate) use refusal::{Refusal, hidden, refusal, retry_after};

use crate::{Answer, Dialect, Document, Finish, ProviderError, Target, Usage, Verb, http, sse::Framing};
use bytes::Bytes;
use cofounder_domain::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use url::Url;

/// A question to one target.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) verb: Verb,
    /// The question in OpenAI's words. Its `model` is whatever the caller named.
    pub(crate) document: &'a Document,
    pub(crate) target: &'a Target,
    pub(crate) base: &'a Url,
    pub(crate) key: Option<&'a SecretString>,
    /// Names the call, so that a provider that knows such names does not do it twice. Empty for none.
    pub(crate) idempotency: &'a str,
    /// Piece by piece.
    pub(crate) streamed: bool,
    /// The longest answer, in tokens, if the document names none.
    pub(crate) bound: Option<u32>,
    /// When it is asked: answers say when they were made.
    pub(crate) now: Timestamp,
}

/// A request as it goes out, always by POST.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// How one protocol says things.
pub(crate) trait Words: Sync {
    /// The request.
    fn request(&self, ask: &Ask<'_>) -> Result<Wire, ProviderError>;
    /// A whole answer that came with a status of success.
    fn answer(&self, ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError>;
    /// Reads an answer that comes piece by piece.
    fn reader(&self, ask: &Ask<'_>) -> Box<dyn Reader>;
    /// How such an answer is cut into events.
    fn framing(&self) -> Framing {
        Framing::Events
    }
    /// Where the provider's models are listed, or more of them.
    fn list(&self, base: &Url, _page: Option<&str>) -> Url {
        http::endpoint(base, "models")
    }
    /// The headers with which that is asked for, by GET.
    fn signed(&self, key: Option<&SecretString>) -> Result<HeaderMap, ProviderError> {
        models::bearer(key)
    }
    /// What such a list says.
    fn names(&self, body: &[u8]) -> Result<Page, ProviderError> {
        models::listed(body, "data", "id", |_| None)
    }
}

/// Reads the events of one answer. It keeps what it must remember from one event to the next.
pub(crate) trait Reader: Send {
    /// Reads one event; what it says is noted in `heard`.
    ///
    /// # Errors
    /// The event is no event of this protocol, or says that the answer failed.
    fn event(&mut self, data: &[u8], heard: &mut Heard) -> Result<(), ProviderError>;
}

/// A piece of an answer: one `chat.completion.chunk` in OpenAI's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The document.
    pub data: Bytes,
    /// What it brings.
    pub brings: Brings,
}

/// What a piece of an answer brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    /// Nothing that the model said: who speaks, or why it ended.
    Frame,
    /// Something that the model said, or a tool that it calls.
    Content,
    /// Its usage alone.
    Usage,
}

/// What has been heard of an answer that comes piece by piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// Pieces that nobody has taken yet.
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<Finish>,
    pub(crate) model: Option<String>,
    /// The beginning of what the first choice said.
    pub(crate) text: String,
    /// All that the model said.
    pub(crate) spoken: Spoken,
    /// The protocol's own sign that nothing follows.
    pub(crate) done: bool,
}

/// Bytes of a streamed answer's text that are kept for whoever looks at the ledger.
const KEPT_TEXT: usize = 64 << 10;

impl Heard {
    /// Notes what the model said.
    pub(crate) fn say(&mut self, text: &str) {
        self.spoken.add(text);
        if self.text.len() + text.len() <= KEPT_TEXT {
            self.text.push_str(text);
        }
    }

    pub(crate) fn push(&mut self, data: impl Into<Bytes>, brings: Brings) {
        self.chunks.push(Chunk { data: data.into(), brings });
    }
}

/// The words of a dialect.
pub(crate) fn words(dialect: Dialect) -> &'static dyn Words {
    match dialect {
        Dialect::Openai | Dialect::Embedded => &openai::Openai,
        Dialect::Anthropic => &anthropic::Anthropic,
        Dialect::Gemini => &gemini::Gemini,
        Dialect::Ollama => &ollama::Ollama,
        Dialect::Huggingface => &huggingface::Huggingface,
    }
}

impl Ask<'_> {
    /// The headers that most providers want: a bearer key and the call's name.
    pub(crate) fn headers(&self) -> Result<HeaderMap, ProviderError> {
        self.named(models::bearer(self.key)?)
    }

    /// The headers with the key in one of the provider's own.
    pub(crate) fn headers_with(&self, name: &'static str) -> Result<HeaderMap, ProviderError> {
        self.named(models::keyed(name, self.key)?)
    }

    fn named(&self, mut headers: HeaderMap) -> Result<HeaderMap, ProviderError> {
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if !self.idempotency.is_empty() {
            let unfit = |_| ProviderError::Bug { why: "the call's key does not fit in a header".to_owned() };
            headers.insert("idempotency-key", HeaderValue::try_from(self.idempotency).map_err(unfit)?);
        }
        Ok(headers)
    }
}

/// A document of a provider's.
fn read_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ProviderError> {
    serde_json::from_slice(body).map_err(|error| {
        ProviderError::malformed(match error.classify() {
            serde_json::error::Category::Data => "its JSON has another shape",
            _ => "it is not JSON",
        })
    })
}

fn secret(text: &str) -> Result<HeaderValue, ProviderError> {
    let unfit =
        |_| ProviderError::Unauthorised { why: "the key holds characters that no key has".to_owned() };
    let mut value = HeaderValue::try_from(text).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(value)
}
