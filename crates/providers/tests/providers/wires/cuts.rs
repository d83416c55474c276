//! However a valid stream is cut into parts, and wherever it ends: never more, never less than was said, and never
//! "complete" before the whole answer was there.

use super::{Bench, Heard, hello};
use cofounder_testkit::provider::{Reply, Wire};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

fn answer() -> impl Strategy<Value = Reply> {
    let text = "[ -~äß€🦀]{1,24}".prop_map(Reply::Text);
    let call = "[ -~äß€🦀]{0,12}".prop_map(|city| Reply::tool("weather", json!({"city": city})));
    prop_oneof![3 => text, 1 => call, 1 => Just(Reply::tool("now", json!({})))]
}

/// The bytes up to somewhere, in parts that end anywhere.
fn parts(bytes: &[u8], ends: &[Index]) -> Vec<Vec<u8>> {
    let mut ends: Vec<usize> = ends.iter().map(|end| end.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut from = 0;
    let parts = ends.into_iter().map(|to| bytes[std::mem::replace(&mut from, to)..to].to_vec());
    parts.filter(|part| !part.is_empty()).collect()
}

/// A place behind a line, where what came is whole and the answer is not.
fn between_lines(bytes: &[u8], at: Index) -> usize {
    let ends: Vec<usize> = (1..bytes.len()).filter(|end| bytes[end - 1] == b'\n').collect();
    if ends.is_empty() { 0 } else { ends[at.index(ends.len())] }
}

/// The text and the calls.
type Content = (String, Vec<(String, String)>);

fn content(heard: &Heard) -> Content {
    (heard.text.clone(), heard.calls.clone())
}

fn begins(part: &Content, whole: &Content) -> bool {
    let arguments =
        part.1.iter().zip(&whole.1).all(|(part, whole)| part.0 == whole.0 && whole.1.starts_with(&part.1));
    whole.0.starts_with(&part.0) && part.1.len() <= whole.1.len() && arguments
}

/// Tried by letting the end of the body be the end of the answer, whatever was said: it was found in every protocol.
fn no_cut_passes_as_complete(wire: Wire) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(Bench::new(wire));
    let hear = |reply: Reply| {
        bench.rest();
        bench.fake.reply([reply]);
        runtime.block_on(bench.hear(&hello()))
    };
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let cases = (answer(), any::<Index>(), any::<bool>(), vec(any::<Index>(), 0..5), any::<bool>());
    let outcome = TestRunner::new(config).run(&cases, |(reply, at, between, ends, cut)| {
        let bytes = wire.streamed_bytes(&reply).unwrap();
        let whole = hear(Reply::Bytes { parts: vec![bytes.clone()], cut: false });
        assert!(whole.complete && whole.error.is_none(), "{whole:?}");

        let in_parts = hear(Reply::Bytes { parts: parts(&bytes, &ends), cut: false });
        assert_eq!(content(&in_parts), content(&whole));
        assert_eq!((in_parts.complete, in_parts.finish, in_parts.usage), (true, whole.finish, whole.usage));

        let at = if between { between_lines(&bytes, at) } else { at.index(bytes.len()) };
        let broken = hear(Reply::Bytes { parts: parts(&bytes[..at], &ends), cut });
        assert!(begins(&content(&broken), &content(&whole)), "cut at {at}: {broken:?} of {whole:?}");
        assert_eq!(broken.complete, broken.error.is_none(), "cut at {at}: {broken:?}");
        if broken.complete {
            assert_eq!((content(&broken), broken.finish), (content(&whole), whole.finish), "cut at {at}");
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn openai() {
    no_cut_passes_as_complete(Wire::Openai);
}

#[test]
fn anthropic() {
    no_cut_passes_as_complete(Wire::Anthropic);
}

#[test]
fn gemini() {
    no_cut_passes_as_complete(Wire::Gemini);
}

#[test]
fn ollama() {
    no_cut_passes_as_complete(Wire::Ollama);
}
