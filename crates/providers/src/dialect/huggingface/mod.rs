//! The dialect `huggingface`: chat through the router of Hugging Face's inference providers, which speaks OpenAI's
//! words, and models of one task by the API of its own provider `hf-inference`.
//!
//! After <https://huggingface.co/docs/inference-providers/tasks/chat-completion>,
//! <https://huggingface.co/docs/inference-providers/tasks/feature-extraction> and
//! <https://huggingface.co/docs/inference-providers/tasks/text-to-image>. A model that is being loaded answers 503 with
//! `estimated_time`, which the router waits for.

use super::{Ask, Reader, Wire, Words, hidden, openai::Openai, read_json, vectors};
use crate::{Answer, ProviderError, Verb, http};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

pub(crate) struct Huggingface;

impl Words for Huggingface {
    fn request(&self, ask: &Ask<'_>) -> Result<Wire, ProviderError> {
        let (url, body) = match ask.verb {
            Verb::Chat => return Openai.request(ask),
            Verb::Embeddings => {
                let body = json!({"inputs": vectors::texts(ask.document)?});
                (task(ask, &["pipeline", "feature-extraction"]), body)
            }
            Verb::Images => (task(ask, &[]), picture(ask)?),
        };
        Ok(Wire { url, headers: ask.headers()?, body: body.to_string().into_bytes() })
    }

    fn answer(&self, ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError> {
        match ask.verb {
            Verb::Chat => Openai.answer(ask, body),
            Verb::Embeddings => vectors::answer(ask, features(&body)?, None, None),
            Verb::Images => match is_picture(&body) {
                true => Ok(vectors::pictures(ask, vec![STANDARD.encode(&body)], None)),
                false => Err(told(&body).unwrap_or_else(|| ProviderError::malformed("it is no picture"))),
            },
        }
    }

    fn reader(&self, ask: &Ask<'_>) -> Box<dyn Reader> {
        Openai.reader(ask)
    }
}

/// The address of a model of one task. The base is the router's for chats, which ends in `/v1`.
fn task(ask: &Ask<'_>, rest: &[&str]) -> Url {
    let mut url = http::root(ask.base);
    if let Ok(mut parts) = url.path_segments_mut() {
        parts
            .pop_if_empty()
            .extend(["hf-inference", "models"])
            .extend(ask.target.model.split('/'))
            .extend(rest);
    }
    url
}

fn picture(ask: &Ask<'_>) -> Result<Value, ProviderError> {
    let picture = vectors::Picture::read(ask.document)?;
    if picture.several {
        return Err(super::question::wrong(
            "n",
            "cannot be more than 1: Hugging Face makes one picture a request",
        ));
    }
    let mut parameters = json!({});
    if let Some((width, height)) = picture.size {
        parameters = json!({"width": width, "height": height});
    }
    if let Some(seed) = ask.document.read::<u64>("seed")? {
        parameters["seed"] = json!(seed);
    }
    Ok(json!({"inputs": picture.prompt, "parameters": parameters}))
}

/// What a model of features says of each text: one vector, or one for each token. The vectors of tokens are averaged
/// (mean pooling), which is what most sentence models are made for; a model that pools otherwise is to be asked for
/// through a server that does so.
#[derive(Deserialize)]
#[serde(untagged)]
enum Features {
    Sentence(Vec<f32>),
    Tokens(Vec<Vec<f32>>),
}

fn features(body: &[u8]) -> Result<Vec<Vec<f32>>, ProviderError> {
    let Ok(features) = serde_json::from_slice::<Vec<Features>>(body) else {
        read_json::<Value>(body)?;
        return Err(told(body).unwrap_or_else(|| ProviderError::malformed("it holds no vectors")));
    };
    features.into_iter().map(Features::pooled).collect()
}

impl Features {
    fn pooled(self) -> Result<Vec<f32>, ProviderError> {
        let tokens = match self {
            Self::Sentence(vector) => return Ok(vector),
            Self::Tokens(tokens) => tokens,
        };
        let length = tokens.first().map_or(0, Vec::len);
        if tokens.iter().any(|token| token.len() != length) {
            return Err(ProviderError::malformed("its vectors are of different lengths"));
        }
        let count = tokens.len() as f64;
        let mean = |at: usize| (tokens.iter().map(|token| f64::from(token[at])).sum::<f64>() / count) as f32;
        Ok((0..length).map(mean).collect())
    }
}

/// The error that a document speaks of.
fn told(body: &[u8]) -> Option<ProviderError> {
    let document: Value = serde_json::from_slice(body).ok()?;
    document.get("error").map(|_| hidden(&document))
}

/// PNG, JPEG or WebP, by their first bytes.
fn is_picture(body: &[u8]) -> bool {
    let starts: [&[u8]; 2] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"];
    starts.iter().any(|start| body.starts_with(start))
        || (body.starts_with(b"RIFF") && body.get(8..12) == Some(b"WEBP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_tokens_are_averaged_and_others_are_not() {
        assert_eq!(features(b"[[1,2],[3,4]]").unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(features(b"[[[1,2],[3,6]]]").unwrap(), [[2.0, 4.0]]);
        for wrong in ["[[[1,2],[3]]]", "[1,2]", "{}", "[[[[1]]]]", "[[\"a\"]]", "no"] {
            assert!(matches!(features(wrong.as_bytes()), Err(ProviderError::Malformed { .. })), "{wrong}");
        }
        assert!(matches!(features(b"{\"error\":\"busy\"}"), Err(ProviderError::Unavailable { .. })));
    }
}
