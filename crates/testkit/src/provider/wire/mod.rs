//! The protocols that the fake speaks, each after its maker's documentation.

mod anthropic;
mod faults;
mod gemini;
mod huggingface;
mod ollama;
mod openai;

use super::{Reply, perform::words};
use serde_json::{Value, json};

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// <https://platform.openai.com/docs/api-reference/chat>
    Openai,
    /// <https://docs.anthropic.com/en/api/messages>
    Anthropic,
    /// <https://ai.google.dev/api/generate-content>
    Gemini,
    /// <https://github.com/ollama/ollama/blob/main/docs/api.md>
    Ollama,
    /// <https://huggingface.co/docs/inference-providers>
    Huggingface,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Chat,
    Vectors,
    Picture,
    Models,
    Pull,
    Nothing,
}

/// An answer in words of no protocol.
pub(super) struct Said {
    pub(super) model: String,
    pub(super) pieces: Vec<String>,
    pub(super) call: Option<(String, Value)>,
    pub(super) ended: Ended,
    pub(super) usage: bool,
    /// Nobody says anything.
    pub(super) empty: bool,
}

impl Said {
    fn text(&self) -> String {
        self.pieces.concat()
    }
}

/// Why it ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Stop,
    Length,
    Tools,
}

/// A streamed answer: what comes before the pieces, one event for each piece, and what comes after them.
pub(super) struct Events {
    pub(super) before: Vec<Vec<u8>>,
    pub(super) content: Vec<Vec<u8>>,
    pub(super) after: Vec<Vec<u8>>,
}

/// A picture of one pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\x9c\x63\x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";
/// The same in base64.
const PIXEL_BASE64: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

impl Wire {
    /// Every protocol.
    pub const ALL: [Self; 5] = [Self::Openai, Self::Anthropic, Self::Gemini, Self::Ollama, Self::Huggingface];

    /// The name of the dialect in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Huggingface => "huggingface",
        }
    }

    /// The vector of the text at this place.
    #[must_use]
    pub fn vector(index: usize) -> [f32; 3] {
        [0.25 * (index + 1) as f32, -1.0, 0.5]
    }

    /// What a whole answer looks like; none for replies that are no answers.
    #[must_use]
    pub fn whole_document(self, reply: &Reply) -> Option<Value> {
        scripted(reply).map(|said| self.whole(&said))
    }

    /// What a streamed answer looks like, to the byte; none for replies that are no streams.
    #[must_use]
    pub fn streamed_bytes(self, reply: &Reply) -> Option<Vec<u8>> {
        let Events { before, content, after } = self.events(&scripted(reply)?);
        Some([before, content, after].concat().concat())
    }

    /// The path below which everything is.
    pub(super) const fn base(self) -> &'static str {
        match self {
            Self::Openai | Self::Anthropic | Self::Huggingface => "/v1",
            Self::Gemini => "/v1beta",
            Self::Ollama => "",
        }
    }

    pub(super) const fn stream_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            _ => "text/event-stream",
        }
    }

    pub(super) fn asked(self, path: &str, body: &Value) -> Asked {
        let pictures = body.pointer("/generationConfig/responseModalities").is_some();
        let chats =
            ["/chat/completions", "/messages", ":generateContent", ":streamGenerateContent", "/api/chat"];
        let vectors = ["/embeddings", ":batchEmbedContents", "/api/embed", "/pipeline/feature-extraction"];
        let any = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        match self {
            _ if any(&["/models", "/api/tags"]) => Asked::Models,
            Self::Gemini if pictures => Asked::Picture,
            _ if any(&chats) => Asked::Chat,
            _ if any(&vectors) => Asked::Vectors,
            Self::Huggingface if path.starts_with("/hf-inference/models/") => Asked::Picture,
            _ if any(&["/images/generations"]) => Asked::Picture,
            Self::Ollama if path == "/api/pull" => Asked::Pull,
            _ => Asked::Nothing,
        }
    }

    /// Whether a streamed answer is asked for. Ollama streams unless it is told not to.
    pub(super) fn streamed(self, path: &str, body: &Value) -> bool {
        let said = body.get("stream").and_then(Value::as_bool);
        match self {
            Self::Gemini => path.ends_with(":streamGenerateContent"),
            Self::Ollama => said.unwrap_or(true),
            _ => said.unwrap_or(false),
        }
    }

    pub(super) fn model(self, path: &str, body: &Value) -> String {
        let named = body.get("model").and_then(Value::as_str).unwrap_or_default();
        let in_path = || path.rsplit_once("/models/").and_then(|(_, rest)| rest.split(':').next());
        match self {
            Self::Gemini => in_path().unwrap_or_default().to_owned(),
            _ => named.to_owned(),
        }
    }

    /// A whole answer.
    pub(super) fn whole(self, said: &Said) -> Value {
        match self {
            Self::Openai | Self::Huggingface => openai::whole(said),
            Self::Anthropic => anthropic::whole(said),
            Self::Gemini => gemini::whole(said),
            Self::Ollama => ollama::whole(said),
        }
    }

    /// A streamed one.
    pub(super) fn events(self, said: &Said) -> Events {
        match self {
            Self::Openai | Self::Huggingface => openai::events(said),
            Self::Anthropic => anthropic::events(said),
            Self::Gemini => gemini::events(said),
            Self::Ollama => ollama::events(said),
        }
    }

    /// One event with this data.
    pub(super) fn event(self, data: &str) -> Vec<u8> {
        match self {
            Self::Ollama => format!("{data}\n").into_bytes(),
            _ => format!("data: {data}\n\n").into_bytes(),
        }
    }

    pub(super) fn pull(self, said: &Said) -> Events {
        ollama::pull(said)
    }

    pub(super) fn vectors(self, body: &Value) -> Value {
        match self {
            Self::Openai | Self::Anthropic => openai::vectors(body),
            Self::Gemini => gemini::vectors(body),
            Self::Ollama => ollama::vectors(body),
            Self::Huggingface => huggingface::vectors(body),
        }
    }

    /// A picture: a document, or its bytes.
    pub(super) fn picture(self) -> Result<Value, &'static [u8]> {
        match self {
            Self::Huggingface => Err(PIXEL),
            Self::Gemini => Ok(gemini::picture(PIXEL_BASE64)),
            _ => {
                let usage = json!({"input_tokens": 10, "output_tokens": 5, "total_tokens": 15});
                Ok(json!({"created": 1_767_323_045, "data": [{"b64_json": PIXEL_BASE64}], "usage": usage}))
            }
        }
    }

    /// The models on a page, and the token of the page that is asked for.
    pub(super) fn models(self, names: &[String], page: usize, query: &str) -> Value {
        match self {
            Self::Openai | Self::Huggingface => openai::models(names),
            Self::Anthropic => anthropic::models(names, page, query),
            Self::Gemini => gemini::models(names, page, query),
            Self::Ollama => ollama::models(names),
        }
    }
}

/// What a reply says without being asked.
fn scripted(reply: &Reply) -> Option<Said> {
    let (pieces, call, ended) = match reply {
        Reply::Text(text) => (words(text), None, Ended::Stop),
        Reply::Stream { pieces, .. } => (pieces.clone(), None, Ended::Stop),
        Reply::ToolCall { name, arguments } => {
            (Vec::new(), Some((name.clone(), arguments.clone())), Ended::Tools)
        }
        _ => return None,
    };
    Some(Said { model: "m".to_owned(), pieces, call, ended, usage: true, empty: false })
}

/// The value of a parameter in a query.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A text in two halves, as arguments of tools come.
fn halves(text: &str) -> [String; 2] {
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    [text[..middle].to_owned(), text[middle..].to_owned()]
}
