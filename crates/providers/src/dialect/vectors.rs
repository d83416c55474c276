//! Vectors and pictures in OpenAI's words: what of a question the other dialects translate from, and the answers that
//! they translate into.
//!
//! After <https://platform.openai.com/docs/api-reference/embeddings> and
//! <https://platform.openai.com/docs/api-reference/images>.

use super::{Ask, Spoken, question::wrong};
use crate::{Answer, Document, Finish, ProviderError, Usage};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The texts that are to become vectors.
///
/// # Errors
/// [`ProviderError::WrongQuestion`] if there are none, or if they come as numbers of tokens, which belong to one
/// model alone.
pub(super) fn texts(document: &Document) -> Result<Vec<String>, ProviderError> {
    let texts = match document.read::<Value>("input")? {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => {
            let text = |value| match value {
                Value::String(text) => Ok(text),
                _ => Err(wrong(
                    "input",
                    "holds something else than texts: this model's provider takes no tokens",
                )),
            };
            list.into_iter().map(text).collect::<Result<_, _>>()?
        }
        _ => Vec::new(),
    };
    if texts.is_empty() { Err(wrong("input", "holds no text")) } else { Ok(texts) }
}

/// How many texts are to become vectors, however they are given: as texts, or as numbers of tokens.
fn asked(document: &Document) -> Result<usize, ProviderError> {
    Ok(match document.read::<Value>("input")? {
        Some(Value::Array(list)) if list.first().is_none_or(|first| !first.is_number()) => list.len(),
        _ => 1,
    })
}

/// Vectors as they came: as many as there were texts, each a list of numbers or a text of base64.
///
/// # Errors
/// [`ProviderError::Malformed`]
pub(super) fn check(document: &Document, vectors: &[&str]) -> Result<(), ProviderError> {
    let asked = asked(document)?;
    if vectors.len() != asked {
        return Err(wrong_count(vectors.len(), asked));
    }
    let good = |vector: &&&str| match vector.trim_matches(['[', ']', '"', ' ', '\n', '\r', '\t']) {
        "" => false,
        _ if vector.starts_with('"') => true,
        numbers => {
            vector.starts_with('[')
                && !numbers.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E'))
        }
    };
    match vectors.iter().find(|vector| !good(vector)) {
        Some(_) => Err(ProviderError::malformed("it holds a vector that is none")),
        None => Ok(()),
    }
}

fn wrong_count(found: usize, asked: usize) -> ProviderError {
    ProviderError::malformed(format!("it holds {found} vectors for {asked} texts"))
}

/// An answer of vectors, as numbers or, as OpenAI's own clients ask for them, in base64: 32-bit floats, the lowest
/// byte first.
///
/// # Errors
/// [`ProviderError::Malformed`] if there are not as many as there were texts, or if they are not alike.
pub(super) fn answer(
    ask: &Ask<'_>,
    vectors: Vec<Vec<f32>>,
    usage: Option<Usage>,
    model: Option<String>,
) -> Result<Answer, ProviderError> {
    let asked = texts(ask.document)?.len();
    if vectors.len() != asked {
        return Err(wrong_count(vectors.len(), asked));
    }
    let length = vectors.first().map_or(0, Vec::len);
    if length == 0 || vectors.iter().any(|vector| vector.len() != length) {
        return Err(ProviderError::malformed("its vectors are empty or of different lengths"));
    }
    let base64 = ask.document.read::<String>("encoding_format")?.as_deref() == Some("base64");
    let entry = |(index, vector): (usize, Vec<f32>)| {
        let embedding = if base64 { json!(encoded(&vector)) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<Value> = vectors.into_iter().enumerate().map(entry).collect();
    let usage = usage.unwrap_or_default().or(|| ask.estimate(Spoken::default()));
    let tokens = usage.tokens_in.likely();
    let model = model.unwrap_or_else(|| ask.target.model.clone());
    let counted = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let body = json!({"object": "list", "data": data, "model": model, "usage": counted});
    Ok(Answer { body: body.to_string().into(), text: String::new(), finish: Finish::Stop, usage, model })
}

fn encoded(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

/// A picture that is wanted.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) prompt: String,
    /// Width and height in pixels.
    pub(super) size: Option<(u32, u32)>,
    /// More than one.
    pub(super) several: bool,
}

impl Picture {
    /// # Errors
    /// [`ProviderError::WrongQuestion`] names the field that cannot be read or served.
    pub(super) fn read(document: &Document) -> Result<Self, ProviderError> {
        let prompt = document.read::<String>("prompt")?.ok_or_else(|| wrong("prompt", "is missing"))?;
        let size = match document.read::<String>("size")?.as_deref() {
            None | Some("auto") => None,
            Some(size) => {
                let (width, height) =
                    size.split_once('x').ok_or_else(|| wrong("size", "is not WIDTHxHEIGHT"))?;
                let number = |text: &str| text.parse::<u32>().ok().filter(|n| (1..=16_384).contains(n));
                let both = number(width).zip(number(height));
                Some(both.ok_or_else(|| wrong("size", "is not WIDTHxHEIGHT in pixels"))?)
            }
        };
        if document.read::<String>("response_format")?.as_deref() == Some("url") {
            return Err(wrong(
                "response_format",
                "cannot be url: this model's provider keeps no pictures; ask for b64_json",
            ));
        }
        let several = document.read::<u64>("n")?.is_some_and(|n| n > 1);
        Ok(Self { prompt, size, several })
    }
}

/// An answer of pictures, each in base64.
pub(super) fn pictures(ask: &Ask<'_>, pictures: Vec<String>, usage: Option<Usage>) -> Answer {
    let data: Vec<Value> = pictures.into_iter().map(|picture| json!({"b64_json": picture})).collect();
    let mut body = json!({"created": ask.now.timestamp(), "data": data});
    if let Some(usage) = usage.filter(Usage::is_counted) {
        let (asked, made) = (usage.tokens_in.likely(), usage.tokens_out.likely());
        body["usage"] = json!({"input_tokens": asked, "output_tokens": made, "total_tokens": usage.total()});
    }
    Answer {
        body: body.to_string().into(),
        text: String::new(),
        finish: Finish::Stop,
        usage: usage.unwrap_or_default().or(|| ask.estimate(Spoken::default())),
        model: ask.target.model.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn texts_come_alone_or_in_a_list() {
        assert_eq!(texts(&document(r#"{"input":"a"}"#)).unwrap(), ["a"]);
        assert_eq!(texts(&document(r#"{"input":["a","b"]}"#)).unwrap(), ["a", "b"]);
        for wrong in [r#"{"input":[]}"#, r#"{"input":[1,2]}"#, r#"{"input":[[1]]}"#, "{}", r#"{"input":7}"#] {
            assert!(texts(&document(wrong)).unwrap_err().to_string().contains("`input`"), "{wrong}");
        }
    }

    /// Tried by counting alone, and by looking at the form alone: the test failed both times.
    #[test]
    fn vectors_that_are_none_or_too_few_are_told_apart() {
        let (one, two) = (document(r#"{"input":[1,2,3]}"#), document(r#"{"input":["a","b"]}"#));
        let fine = ["[0.1, -2e-5]", r#""AACAPwAAIMA=""#];
        assert_eq!(check(&two, &fine), Ok(()));
        assert_eq!((check(&one, &fine[..1]), check(&one, &fine[1..])), (Ok(()), Ok(())));
        assert_eq!(check(&document(r#"{"input":[[1],[2]]}"#), &fine), Ok(()));
        for bad in [
            &fine[..1],
            &["[1]", "[1]", "[1]"],
            &["[1]", "[]"],
            &["[1]", "\"\""],
            &["[1]", r#"["a"]"#],
            &["[1]", "null"],
        ] {
            assert!(check(&two, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn vectors_in_base64_are_floats_with_the_lowest_byte_first() {
        assert_eq!(encoded(&[1.0, -2.5]), "AACAPwAAIMA=");
    }

    #[test]
    fn a_picture_has_a_size_or_none() {
        let size = |size: &str| {
            Picture::read(&document(&format!(r#"{{"prompt":"p","size":"{size}"}}"#))).map(|p| p.size)
        };
        assert_eq!(size("1024x768").unwrap(), Some((1024, 768)));
        assert_eq!(size("auto").unwrap(), None);
        for wrong in ["big", "0x5", "5x", "99999x1", "-1x1"] {
            assert!(size(wrong).unwrap_err().to_string().contains("`size`"), "{wrong}");
        }
    }
}
