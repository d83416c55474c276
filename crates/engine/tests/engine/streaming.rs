//! Answers that come piece by piece: the same answers, never with half a character or with what is taken back later.

use cofounder_testkit::gguf::TinyModel;
use serde_json::{Value, json};

use crate::{
    events::Heard,
    support::{Engine, request},
};

/// Asks for the same answer twice, whole and streamed, and compares.
#[track_caller]
fn both(engine: &Engine, request: &Value) -> Heard {
    let (whole, heard) = (engine.answer(request), engine.hear(request));
    assert!(heard.done, "{heard:?}");
    assert_eq!((heard.text().as_str(), heard.finish()), (whole.text(), whole.finish()));
    assert!(heard.deltas().iter().all(|delta| !delta.is_empty()), "{heard:?}");
    heard
}

#[test]
fn chunks_come_in_order_and_have_their_shape() {
    let engine = Engine::start(&TinyModel::default());
    let fields = json!({"grammar": "start: /[A-Z]{5}/", "temperature": 0});
    let mut events = engine.stream(&request("Letters", fields));
    assert_eq!(events.head[0], "HTTP/1.1 200 OK");
    assert!(events.head.iter().any(|line| line == "content-type: text/event-stream"), "{:?}", events.head);
    let heard = events.rest();
    assert!(heard.done);
    let choices: Vec<&Value> = heard.chunks.iter().map(|c| &c["choices"][0]).collect();
    assert_eq!(
        choices[0],
        &json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null})
    );
    assert_eq!(choices.len(), 7, "a letter is a token, and a token is a chunk: {heard:?}");
    for choice in &choices[1..6] {
        let letter = &choice["delta"]["content"];
        assert_eq!(**choice, json!({"index": 0, "delta": {"content": letter}, "finish_reason": null}));
    }
    assert_eq!(choices[6], &json!({"index": 0, "delta": {}, "finish_reason": "stop"}));
    for chunk in &heard.chunks {
        assert_eq!((&chunk["object"], &chunk["model"]), (&json!("chat.completion.chunk"), &json!("tiny")));
        assert_eq!((&chunk["id"], &chunk["created"]), (&heard.chunks[0]["id"], &json!(0)));
        assert_eq!(chunk.get("usage"), None, "nobody asked for it");
    }
    assert_ne!(heard.chunks[0]["id"], engine.answer(&request("Hi", json!({"max_tokens": 1}))).body["id"]);
}

#[test]
fn what_was_used_is_told_at_the_end_to_who_asks() {
    let engine = Engine::start(&TinyModel::default());
    let fields = json!({"max_tokens": 6, "stream_options": {"include_usage": true}});
    let ask = request("The same question", fields);
    let (first, second) = (engine.hear(&ask), engine.hear(&ask));
    let whole = engine.answer(&ask);
    let [.., ended, used] = second.chunks.as_slice() else { panic!("{second:?}") };
    assert!(ended["choices"][0]["finish_reason"].is_string());
    assert_eq!((&used["choices"], &used["usage"]), (&json!([]), &whole.body["usage"]));
    assert!(used["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap() > 0, "{used}");
    let others = &second.chunks[..second.chunks.len() - 1];
    assert!(others.iter().all(|c| c.get("usage") == Some(&Value::Null)));
    let cached = &first.chunks.last().unwrap()["usage"]["prompt_tokens_details"]["cached_tokens"];
    assert_eq!(cached, &json!(0), "the first time nothing was known");
}

/// Tried by losing the piece that the head waits for: the stream was that much shorter.
#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let engine = Engine::start(&TinyModel::default());
    for seed in 0..6 {
        // Noise at this temperature holds bytes that are no text.
        let fields = json!({"seed": seed, "temperature": 2, "top_p": 1, "max_tokens": 40 + seed});
        let heard = both(&engine, &request("Tell me", fields));
        assert!(heard.deltas().len() > 5, "{heard:?}");
    }
}

/// Tried by holding no half characters back: there were `\u{fffd}` instead of signs.
#[test]
fn characters_are_whole_whatever_tokens_they_are_made_of() {
    let engine = Engine::start(&TinyModel::default());
    let signs = ['ä', '€', '🦀'];
    // In this vocabulary each byte of these signs is a token.
    for (seed, most) in [(1, 24), (2, 25), (3, 26), (4, 27)] {
        let fields =
            json!({"grammar": "start: /[ä€🦀]{30}/", "seed": seed, "temperature": 1.5, "max_tokens": most});
        let heard = both(&engine, &request("Signs", fields));
        assert!(heard.text().chars().count() >= 6, "{heard:?}");
        for delta in heard.deltas() {
            assert!(delta.chars().eq(delta.chars().filter(|c| signs.contains(c)).take(1)), "{delta:?}");
        }
    }
}

/// Tried by holding no begun stops back: all twenty letters came. And by forgetting at the end what is held back: three
/// were missing.
#[test]
fn a_stop_is_never_said_however_tokens_cut_it() {
    let engine = Engine::start(&TinyModel::default());
    let letters = |stop: &Value| {
        let fields = json!({
            "grammar": "start: /[A-Z]{20}/", "seed": 3, "temperature": 1.5, "repeat_penalty": 1.3, "stop": stop,
        });
        request("Letters", fields)
    };
    let free = both(&engine, &letters(&json!(null))).text();
    for length in [1, 2, 5] {
        let stop = &free[8..8 + length];
        let heard = both(&engine, &letters(&json!(["?", stop])));
        assert_eq!((heard.text().as_str(), heard.finish()), (&free[..free.find(stop).unwrap()], "stop"));
    }
    // What only looked like a stop is said, late or at the very end.
    for (stop, held) in [(format!("{}-", &free[8..12]), 8..13), (format!("{}-", &free[17..20]), 17..20)] {
        let heard = both(&engine, &letters(&json!(stop)));
        assert_eq!(heard.text(), free);
        assert!(heard.deltas().contains(&&free[held]), "{heard:?}");
    }
}

#[test]
fn what_is_held_to_a_schema_or_was_begun_is_streamed_too() {
    let engine = Engine::start(&TinyModel::default());
    let schema = json!({
        "type": "object",
        "properties": {"kind": {"enum": ["news", "how-to"]}, "title": {"type": "string", "maxLength": 12}},
        "required": ["kind", "title"],
        "additionalProperties": false,
    });
    for seed in 0..3 {
        let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
        let fields = json!({"seed": seed, "temperature": 1.5, "max_tokens": 200, "response_format": format});
        let heard = both(&engine, &request("Answer", fields));
        let answer: Value = serde_json::from_str(&heard.text()).unwrap();
        assert!(["news", "how-to"].map(Some).contains(&answer["kind"].as_str()), "{answer}");
    }
    let mut begun = request("Letters", json!({"continue_final_message": true, "temperature": 0}));
    begun["grammar"] = json!("start: /[A-Z]{7}/");
    begun["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "ABC"}));
    assert_eq!(both(&engine, &begun).text().len(), 7);
}

#[test]
fn an_answer_without_a_word_is_one() {
    let engine = Engine::start(&TinyModel::default());
    let ask = request("Signs", json!({"grammar": "start: /€{4}/", "max_tokens": 1}));
    let heard = both(&engine, &ask);
    assert_eq!((heard.chunks.len(), heard.finish()), (2, "length"), "half a sign is none");
    let stopped = request("A", json!({"grammar": "start: \"AB\"", "stop": "AB"}));
    assert_eq!(both(&engine, &stopped).finish(), "stop");
}

#[test]
fn what_cannot_begin_is_an_error_of_http() {
    let engine = Engine::start(&TinyModel::default());
    let cases = [
        (request(&"X".repeat(600), json!({"stream": true})), "512"),
        (request("Hi", json!({"stream": true, "grammar": "("})), "grammar"),
        (request("Hi", json!({"stream": true, "n": 2})), "`n`"),
    ];
    for (request, word) in cases {
        let reply = engine.ask(&request);
        assert_eq!(reply.status, 400, "{request}");
        assert!(reply.error().contains(word), "{request}: {}", reply.error());
    }
}
