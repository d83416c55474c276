//! Parts of an answer's making that cannot be seen from outside.

use cofounder_testkit::gguf::TinyModel;
use serde_json::json;
use std::{sync::atomic::AtomicBool, time::Duration};

use super::{Generator, next_chunk, stop_at, text};
use crate::protocol::{Answer, ChatRequest, Prompt};

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

fn answer(generator: &mut Generator, prompt: &Prompt) -> Answer {
    generator.answer(prompt, &AtomicBool::new(false)).unwrap()
}

#[test]
fn in_what_pieces_a_prompt_is_read_does_not_matter() {
    let long = prompt(&"A sentence of a long prompt. ".repeat(5));
    let answers = [1, 7, 64, 512].map(|chunk| {
        let mut generator = generator();
        generator.chunk = chunk;
        answer(&mut generator, &long).text
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
    assert!(generator.answer(&first, &AtomicBool::new(true)).is_err());
    let after = answer(&mut generator, &first);
    assert_eq!(after.cached_tokens, 8);
    let mut fresh = self::generator();
    assert_eq!(answer(&mut fresh, &first).text, after.text);
}

#[test]
fn pieces_grow_while_there_is_time_and_shrink_when_there_is_not() {
    assert_eq!(next_chunk(32, Duration::from_millis(10)), 64);
    assert_eq!(next_chunk(32, Duration::from_millis(200)), 32);
    assert_eq!(next_chunk(64, Duration::from_secs(5)), 32);
    assert_eq!(next_chunk(8, Duration::from_secs(5)), 8);
    assert_eq!(next_chunk(256, Duration::ZERO), 256);
}

#[test]
fn a_stop_is_found_behind_bytes_that_are_no_text() {
    let stops = ["##".to_owned(), "end".to_owned()];
    assert_eq!(stop_at(b"\xff\xfe\xffabc end ##", &stops), Some(7));
    assert_eq!(stop_at(b"\xff#", &stops), None);
    assert_eq!(stop_at(b"", &stops), None);
}

#[test]
fn a_character_that_was_cut_off_is_left_out_and_others_stay() {
    assert_eq!(text("a€".as_bytes()), "a€");
    assert_eq!(text(&"a€".as_bytes()[..3]), "a");
    assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
    assert_eq!(text(b"a\xff"), "a\u{fffd}");
    assert_eq!(text(b""), "");
}
