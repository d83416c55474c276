//! Parts of an answer's making that cannot be seen from outside.

use cofounder_testkit::gguf::TinyModel;
use serde_json::json;
use std::{sync::atomic::AtomicBool, time::Duration};

use super::{Generator, next_chunk};
use crate::protocol::{ChatRequest, Ended, Prompt};

fn generator() -> Generator {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    TinyModel::default().write(&path).unwrap();
    Generator::load(&path, None).unwrap()
}

fn prompt(content: &str) -> Prompt {
    let request = json!({"messages": [{"role": "user", "content": content}], "max_tokens": 30, "seed": 4});
    Prompt::try_from(serde_json::from_value::<ChatRequest>(request).unwrap()).unwrap()
}

fn answer(generator: &mut Generator, prompt: &Prompt) -> (String, Ended) {
    let mut said = String::new();
    let ended = generator.answer(prompt, &AtomicBool::new(false), &mut |text| {
        said.push_str(&text);
        Ok(())
    });
    (said, ended.unwrap())
}

#[test]
fn in_what_pieces_a_prompt_is_read_does_not_matter() {
    let long = prompt(&"A sentence of a long prompt. ".repeat(5));
    let answers = [1, 7, 64, 512].map(|chunk| {
        let mut generator = generator();
        generator.chunk = chunk;
        answer(&mut generator, &long).0
    });
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
}

#[test]
fn after_a_cancel_in_the_middle_the_next_answer_is_as_it_should_be() {
    let mut generator = generator();
    let first = prompt("The first question, which is long enough for pieces");
    generator.chunk = 8;
    let tokens = generator.tokens(&first).unwrap();
    generator.step(&tokens[..8], &AtomicBool::new(false)).unwrap();
    assert!(generator.answer(&first, &AtomicBool::new(true), &mut |_| Ok(())).is_err());
    let (after, ended) = answer(&mut generator, &first);
    assert_eq!(ended.cached_tokens, 8);
    let mut fresh = self::generator();
    assert_eq!(answer(&mut fresh, &first).0, after);
}

#[test]
fn pieces_grow_while_there_is_time_and_shrink_when_there_is_not() {
    assert_eq!(next_chunk(32, Duration::from_millis(10)), 64);
    assert_eq!(next_chunk(32, Duration::from_millis(200)), 32);
    assert_eq!(next_chunk(64, Duration::from_secs(5)), 32);
    assert_eq!(next_chunk(8, Duration::from_secs(5)), 8);
    assert_eq!(next_chunk(256, Duration::ZERO), 256);
}
