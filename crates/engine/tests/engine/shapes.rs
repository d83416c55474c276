//! Answers that are held to a schema or a grammar, from a model that says noise.

use cofounder_testkit::gguf::TinyModel;
use serde_json::{Value, json};

use crate::support::{Engine, request};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 12},
            "kind": {"enum": ["news", "how-to"]},
            "score": {"type": "integer", "minimum": 3, "maximum": 250},
            "flags": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
            "source": {
                "type": "object",
                "properties": {"id": {"type": "string", "pattern": "^S[0-9]{2}$"}},
                "required": ["id"],
                "additionalProperties": false,
            },
        },
        "required": ["title", "kind", "score", "flags", "source"],
        "additionalProperties": false,
    })
}

/// Whether an answer is what [`schema`] asks for.
fn fits(answer: &Value) -> bool {
    let id = answer["source"]["id"].as_str().unwrap_or_default();
    let flags = answer["flags"].as_array().map_or(&[][..], Vec::as_slice);
    answer.as_object().is_some_and(|o| o.len() == 5)
        && answer["title"].as_str().is_some_and(|t| t.chars().count() <= 12)
        && ["news", "how-to"].map(Some).contains(&answer["kind"].as_str())
        && answer["score"].as_i64().is_some_and(|n| (3..=250).contains(&n))
        && (1..=3).contains(&flags.len())
        && flags.iter().all(Value::is_boolean)
        && answer["source"].as_object().is_some_and(|o| o.len() == 1)
        && id.len() == 3
        && id.starts_with('S')
        && id[1..].bytes().all(|b| b.is_ascii_digit())
}

fn format(schema: Value) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}})
}

#[test]
fn noise_becomes_what_the_schema_says() {
    let engine = Engine::start(&TinyModel::default());
    for seed in 0..4 {
        let fields = json!({"seed": seed, "temperature": 1.5, "top_p": 1.0, "max_tokens": 300, "response_format": format(schema())});
        let reply = engine.answer(&request("Answer", fields));
        assert_eq!(reply.finish(), "stop", "{}", reply.text());
        let answer: Value = serde_json::from_str(reply.text()).unwrap();
        assert!(fits(&answer), "{answer}");
    }
}

#[test]
fn what_is_cut_off_in_the_middle_is_said_to_be() {
    let engine = Engine::start(&TinyModel::default());
    let fields = json!({"max_tokens": 6, "response_format": format(schema())});
    let reply = engine.answer(&request("Answer", fields));
    assert_eq!(reply.finish(), "length");
    assert!(serde_json::from_str::<Value>(reply.text()).is_err());
}

#[test]
fn a_json_object_is_one() {
    let engine = Engine::start(&TinyModel::default());
    for seed in 0..3 {
        let fields = json!({"seed": seed, "max_tokens": 120, "response_format": {"type": "json_object"}});
        let reply = engine.answer(&request("Answer", fields));
        assert!(reply.text().starts_with('{'));
        let whole = serde_json::from_str::<Value>(reply.text()).is_ok_and(|v| v.is_object());
        assert!(whole || reply.finish() == "length", "{}", reply.text());
    }
}

#[test]
fn noise_becomes_what_the_grammar_says() {
    let engine = Engine::start(&TinyModel::default());
    let grammar = "start: (\"yes\" | \"no\") \", \" number\nnumber: /[1-9][0-9]{2}/";
    for seed in 0..6 {
        let reply = engine.answer(&request("Answer", json!({"seed": seed, "grammar": grammar})));
        let (word, number) = reply.text().split_once(", ").unwrap();
        assert!(["yes", "no"].contains(&word), "{word}");
        assert!((100..1000).contains(&number.parse::<u32>().unwrap()), "{number}");
        assert_eq!(reply.finish(), "stop");
    }
}

#[test]
fn a_schema_or_grammar_that_cannot_be_held_to_is_refused() {
    let engine = Engine::start(&TinyModel::default());
    let cases = [
        json!({"response_format": format(json!({"type": "no such type"}))}),
        json!({"response_format": format(json!({"type": "string", "pattern": "(?=a)b"}))}),
        json!({"response_format": format(json!({"not": {"type": "string"}}))}),
        json!({"response_format": format(json!("no schema"))}),
        json!({"grammar": "start: nothing_of_that_name"}),
        json!({"grammar": "("}),
    ];
    for fields in cases {
        let reply = engine.ask(&request("Answer", fields.clone()));
        assert_eq!(reply.status, 400, "{fields}: {}", reply.body);
        assert!(reply.error().contains("the schema or grammar is not supported"), "{}", reply.error());
    }
}
