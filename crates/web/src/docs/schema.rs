//! Types of JSON (JSON Schema 2020-12, as far as the description uses it) in words.

use serde_json::Value;

use super::text::{Piece, pieces};

/// A field of a document, or a parameter.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// Where a parameter stands: `path`, `query` or `header`.
    pub(super) place: String,
    pub(super) needed: bool,
    pub(super) kind: Vec<Piece>,
    pub(super) bounds: String,
    pub(super) words: Vec<Piece>,
}

/// A document that is described by its fields, or by its values.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) words: Vec<Piece>,
    pub(super) kind: Vec<Piece>,
    pub(super) fields: Vec<Field>,
}

impl Document {
    pub(super) fn of(name: &str, schema: &Value) -> Self {
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        let fields = parts.flat_map(|part| {
            let needed = part["required"].as_array().cloned().unwrap_or_default();
            let own = part["properties"].as_object().into_iter().flatten();
            own.map(|(name, schema)| Field::of(name, schema, needed.contains(&Value::from(name.as_str()))))
                .collect::<Vec<_>>()
        });
        let words = pieces(schema["description"].as_str().unwrap_or_default());
        Self { name: name.to_owned(), words, kind: kind(schema), fields: fields.collect() }
    }
}

impl Field {
    fn of(name: &str, schema: &Value, needed: bool) -> Self {
        let words = pieces(schema["description"].as_str().unwrap_or_default());
        let (kind, bounds) = (kind(schema), bounds(schema));
        Self { name: name.to_owned(), place: String::new(), needed, kind, bounds, words }
    }

    pub(super) fn parameter(parameter: &Value) -> Self {
        let text = |key: &str| parameter[key].as_str().unwrap_or_default();
        let needed = parameter["required"].as_bool().unwrap_or_default();
        let field = Self::of(text("name"), &parameter["schema"], needed);
        Self { place: text("in").to_owned(), words: pieces(text("description")), ..field }
    }
}

/// What kind of value a schema allows.
pub(super) fn kind(schema: &Value) -> Vec<Piece> {
    if let Some(place) = schema["$ref"].as_str() {
        return vec![Piece::document(place.rsplit('/').next().unwrap_or_default())];
    }
    if let Some(values) = schema["enum"].as_array() {
        return joined(values.iter().map(|value| {
            vec![Piece::code(value.as_str().map_or_else(|| value.to_string(), str::to_owned))]
        }));
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(ways) = schema[several].as_array() {
            return joined(ways.iter().map(kind));
        }
    }
    match &schema["type"] {
        Value::String(name) => simple(name, schema),
        Value::Array(names) => {
            joined(names.iter().map(|name| simple(name.as_str().unwrap_or_default(), schema)))
        }
        _ if schema["allOf"].is_array() => vec![Piece::words("object")],
        _ => vec![Piece::words("anything")],
    }
}

fn simple(name: &str, schema: &Value) -> Vec<Piece> {
    match (name, schema["format"].as_str()) {
        ("null", _) => vec![Piece::words("nothing")],
        ("array", _) => [vec![Piece::words("list of ")], kind(&schema["items"])].concat(),
        ("string", Some("date-time")) => vec![Piece::words("time")],
        ("string", Some("uuid")) => vec![Piece::words("id")],
        (name, _) => vec![Piece::words(name)],
    }
}

fn joined(ways: impl Iterator<Item = Vec<Piece>>) -> Vec<Piece> {
    let mut all = ways.collect::<Vec<_>>();
    // That there may be nothing is said last.
    all.sort_by_key(|way| way == &[Piece::words("nothing")]);
    all.join(&Piece::words(" or "))
}

/// The bounds of a value, if it has any.
fn bounds(schema: &Value) -> String {
    let range = |least: &str, most: &str, of: &str| match (&schema[least], &schema[most]) {
        (Value::Null, Value::Null) => None,
        (least, Value::Null) => Some(format!("{least}{of} or more")),
        (Value::Null, most) => Some(format!("{most}{of} or less")),
        (least, most) => Some(format!("{least} to {most}{of}")),
    };
    let usual = &schema["default"];
    let parts = [
        range("minimum", "maximum", ""),
        range("minLength", "maxLength", " characters"),
        range("minItems", "maxItems", " items"),
        (!usual.is_null()).then(|| format!("{usual} if absent")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(schema: &Value) -> String {
        kind(schema).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn kinds_and_bounds_are_told_in_words() {
        for (schema, words, limits) in [
            (
                json!({"type": ["null", "string"], "maxLength": 5}),
                "string or nothing",
                "5 characters or less",
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Gate"}]}),
                "Gate or nothing",
                "",
            ),
            (
                json!({"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": 3}),
                "list of id",
                "3 items or less",
            ),
            (
                json!({"type": "integer", "minimum": 1, "maximum": 9, "default": 2}),
                "integer",
                "1 to 9; 2 if absent",
            ),
            (json!({"type": "string", "enum": ["a", "b"]}), "a or b", ""),
            (json!({}), "anything", ""),
        ] {
            assert_eq!((told(&schema).as_str(), bounds(&schema).as_str()), (words, limits), "{schema}");
        }
    }
}
