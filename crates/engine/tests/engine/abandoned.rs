//! Answers that nobody waits for, streams that nobody reads to their end, and those that nobody reads at all.

use cofounder_testkit::gguf::TinyModel;
use serde_json::{Value, json};
use std::{
    io::{ErrorKind, Read},
    time::Duration,
};

use crate::{
    events::Events,
    support::{Engine, Reply, request},
};

/// Letters of which many can be asked for, always the same ones.
fn letters(most: usize) -> Value {
    let fields =
        json!({"grammar": "start: /[A-Z]{5000}/", "temperature": 0, "repeat_penalty": 1, "max_tokens": most});
    request("Go on", fields)
}

/// How many tokens the model computed last of an answer, if that is so far the same as `whole`.
fn computed(engine: &Engine, whole: &Reply) -> u64 {
    // It knows so much of an answer that was begun with all the letters.
    let mut begun = letters(1);
    begun["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": whole.text()}));
    engine.answer(&begun).cached_tokens().saturating_sub(whole.prompt_tokens())
}

/// Tried by computing in a task of its own, which goes on: 1,999 of the letters were computed.
#[test]
fn an_answer_that_nobody_waits_for_makes_way() {
    let engine = Engine::start(&TinyModel { context: 4096, ..TinyModel::default() });
    let whole = engine.answer(&letters(2000));
    // It forgets them again.
    engine.answer(&request("Hi", json!({"max_tokens": 1})));
    let mut asked = engine.send("POST", "/v1/chat/completions", &letters(2000).to_string());
    asked.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let waiting = asked.read(&mut [0; 1]).unwrap_err().kind();
    assert!(matches!(waiting, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    drop(asked);
    let computed = computed(&engine, &whole);
    assert!(computed < 1500, "{computed} of 2000");
}

/// Tried by computing on for a reader that is gone: 599 of the letters were computed.
#[test]
fn a_stream_that_nobody_reads_on_makes_way() {
    let engine = Engine::start(&TinyModel { context: 4096, ..TinyModel::default() });
    let whole = engine.answer(&letters(600));
    let mut stream = engine.stream(&letters(600));
    for _ in 0..4 {
        stream.next().unwrap();
    }
    assert_eq!(engine.call("GET", "/healthz", "").status, 200, "while it computes");
    drop(stream);
    let computed = computed(&engine, &whole);
    // The third was said before it was taken in.
    assert!((2..300).contains(&computed), "{computed} of 600");
}

/// Tried by leaving the mark for a cancel alone: 599 of the letters were computed.
#[test]
fn a_stream_that_has_said_nothing_yet_makes_way_too() {
    let engine = Engine::start(&TinyModel { context: 4096, ..TinyModel::default() });
    let whole = engine.answer(&letters(600));
    let mut silent = letters(600);
    // All of it may be the beginning of this.
    silent["stop"] = json!(format!("{}-", whole.text()));
    let stream = engine.ask_for_stream(&silent);
    assert_eq!(engine.call("GET", "/healthz", "").status, 200, "while it computes");
    drop(stream);
    let computed = computed(&engine, &whole);
    assert!(computed < 300, "{computed} of 600");
}

/// Tried by waiting for the reader without an end: the others never had an answer.
#[test]
fn a_stream_that_nobody_reads_is_given_up_and_says_so() {
    let tiny = TinyModel { context: 4096, ..TinyModel::default() };
    let engine = Engine::start_with(&tiny, |options| options.reader_patience = Duration::from_millis(300));
    let unread = engine.ask_for_stream(&letters(3900));
    let others = engine.hear(&request("Hi", json!({"max_tokens": 3})));
    assert!(others.done, "{others:?}");
    let heard = Events::of(unread).rest();
    let (error, said) = heard.chunks.split_last().unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("not read"), "{error}");
    assert!(!heard.done, "it is not complete");
    assert!(said.iter().all(|c| c["choices"][0]["finish_reason"].is_null()));
    assert!((10..2000).contains(&said.len()), "{} pieces were kept for it", said.len());
}
