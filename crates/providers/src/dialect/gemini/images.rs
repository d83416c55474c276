//! Pictures by Gemini's image models, which answer `generateContent` with one.

use super::answer::Response;
use crate::{
    Answer, ProviderError,
    dialect::{Ask, question::wrong, vectors},
};
use serde_json::{Value, json};

pub(super) fn body(ask: &Ask<'_>) -> Result<Value, ProviderError> {
    if ask.target.model.contains("imagen") {
        let what = "Imagen has a protocol of its own, which is not built in: name a Gemini image model, such as gemini-2.5-flash-image";
        return Err(ProviderError::Unsupported { what: what.to_owned() });
    }
    let picture = vectors::Picture::read(ask.document)?;
    if picture.several {
        return Err(wrong("n", "cannot be more than 1: Google's image models make one picture a request"));
    }
    let mut config = json!({"responseModalities": ["TEXT", "IMAGE"]});
    if let Some((width, height)) = picture.size {
        config["imageConfig"] = json!({"aspectRatio": nearest(width, height)});
    }
    Ok(json!({
        "contents": [{"role": "user", "parts": [{"text": picture.prompt}]}],
        "generationConfig": config,
    }))
}

/// The shape among those that are offered that comes nearest.
fn nearest(width: u32, height: u32) -> &'static str {
    let wanted = f64::from(width) / f64::from(height);
    let shapes = [
        ("1:1", 1.0),
        ("2:3", 2.0 / 3.0),
        ("3:2", 1.5),
        ("3:4", 0.75),
        ("4:3", 4.0 / 3.0),
        ("4:5", 0.8),
        ("5:4", 1.25),
        ("9:16", 9.0 / 16.0),
        ("16:9", 16.0 / 9.0),
        ("21:9", 21.0 / 9.0),
    ];
    let off = |shape: f64| (shape / wanted).ln().abs();
    shapes.into_iter().min_by(|a, b| off(a.1).total_cmp(&off(b.1))).map_or("1:1", |(name, _)| name)
}

pub(super) fn read(ask: &Ask<'_>, body: &[u8]) -> Result<Answer, ProviderError> {
    let response = Response::read(body)?;
    let mut candidates = response.candidates.unwrap_or_default();
    let pictures: Vec<String> = candidates
        .iter_mut()
        .flat_map(|candidate| candidate.parts())
        .filter(|part| !part.thought)
        .filter_map(|part| part.inline_data.map(|inline| inline.data))
        .collect();
    if pictures.is_empty() {
        return Err(match candidates.first().map(|candidate| candidate.finish(false)) {
            Some(Ok(Some(crate::Finish::ContentFilter))) => {
                ProviderError::Refused { why: "the picture is withheld".to_owned() }
            }
            _ => ProviderError::malformed("it holds no picture"),
        });
    }
    let usage = response.usage_metadata.and_then(|counts| Some(counts.0?.usage(true)));
    Ok(vectors::pictures(ask, pictures, usage))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_shape_is_taken() {
        for (width, height, shape) in
            [(1024, 1024, "1:1"), (1536, 1024, "3:2"), (1200, 630, "16:9"), (1, 900, "9:16")]
        {
            assert_eq!(nearest(width, height), shape);
        }
    }
}
