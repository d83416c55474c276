//! JSON schemas as Anthropic takes them: objects are closed, and what the grammar cannot enforce (lengths, bounds,
//! patterns) is told to the model in the description instead, as Anthropic's own clients do.

use serde_json::{Map, Value, json};

/// Keywords that are enforced.
const KEPT: [&str; 13] = [
    "type",
    "enum",
    "const",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "definitions",
    "properties",
    "required",
    "items",
    "description",
    "title",
];
/// Texts of these formats are enforced.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema in the form that is accepted.
pub(super) fn strict(schema: &Value) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let (mut strict, mut told) = (Map::new(), Vec::new());
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("$schema" | "$id" | "additionalProperties" | "default" | "examples", _) => {}
            ("oneOf", _) => drop(strict.insert("anyOf".to_owned(), inside(value))),
            ("anyOf" | "allOf" | "items", _) => drop(strict.insert(key.clone(), inside(value))),
            ("properties" | "$defs" | "definitions", Value::Object(map)) => {
                let map: Map<String, Value> =
                    map.iter().map(|(name, value)| (name.clone(), self::strict(value))).collect();
                strict.insert(key.clone(), Value::Object(map));
            }
            ("minItems", Value::Number(n)) if n.as_u64().is_some_and(|n| n < 2) => {
                drop(strict.insert(key.clone(), value.clone()))
            }
            ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => {
                strict.insert(key.clone(), value.clone());
            }
            (kept, _) if KEPT.contains(&kept) => drop(strict.insert(key.clone(), value.clone())),
            _ => told.push(format!("{key}: {value}")),
        }
    }
    if strict.get("type") == Some(&json!("object")) || strict.contains_key("properties") {
        strict.insert("additionalProperties".to_owned(), json!(false));
    }
    if !told.is_empty() {
        let before =
            strict.get("description").and_then(Value::as_str).map_or_else(String::new, |d| format!("{d} "));
        strict.insert("description".to_owned(), json!(format!("{before}({})", told.join(", "))));
    }
    Value::Object(strict)
}

fn inside(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(strict).collect(),
        other => strict(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_and_what_cannot_be_enforced_is_told() {
        let schema = json!({
            "$schema": "x", "type": "object", "required": ["a"],
            "properties": {
                "a": {"type": "array", "minItems": 3, "items": {"type": "string", "maxLength": 5, "description": "Short."}},
                "b": {"oneOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
            },
        });
        assert_eq!(
            strict(&schema),
            json!({
                "type": "object", "required": ["a"], "additionalProperties": false,
                "properties": {
                    "a": {"type": "array", "items": {"type": "string", "description": "Short. (maxLength: 5)"}, "description": "(minItems: 3)"},
                    "b": {"anyOf": [{"type": "object", "properties": {}, "additionalProperties": false}, {"type": "null"}]},
                },
            })
        );
    }
}
