//! The tiny model's vocabulary.

use candle_core::quantized::gguf_file::Content;
use cofounder_testkit::gguf::TinyModel;
use std::io::Cursor;

use super::Vocabulary;

fn vocabulary() -> Vocabulary {
    Vocabulary::read(&Content::read(&mut Cursor::new(TinyModel::default().bytes())).unwrap()).unwrap()
}

fn spelled(vocabulary: &Vocabulary, tokens: &[u32]) -> String {
    String::from_utf8(tokens.iter().flat_map(|t| vocabulary.bytes(*t)).copied().collect()).unwrap()
}

#[test]
fn marks_are_tokens_in_a_template_and_letters_in_a_message() {
    let vocabulary = vocabulary();
    for mark in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] {
        let text = format!("a{mark}\n{mark}system");
        let marked = vocabulary.marked(&text).unwrap();
        assert_eq!(marked.iter().filter(|t| **t < 3).count(), 2, "{mark}");
        let plain = vocabulary.plain(&text).unwrap();
        assert!(plain.iter().all(|t| *t >= 3), "{mark}: {plain:?}");
        assert_eq!(spelled(&vocabulary, &plain), text);
    }
}

#[test]
fn text_survives_the_way_to_tokens_and_back() {
    let vocabulary = vocabulary();
    for text in [" the theory of the inn", "  two  spaces\n\n", "Größe: 12345 €", "\u{1F980}\0\u{E000}", ""]
    {
        assert_eq!(spelled(&vocabulary, &vocabulary.plain(text).unwrap()), text);
    }
}

#[test]
fn words_are_merged_and_digits_stay_single() {
    let vocabulary = vocabulary();
    let words = vocabulary.plain("in the of").unwrap();
    let words: Vec<_> = words.iter().map(|t| vocabulary.bytes(*t)).collect();
    // `th e` comes before `Ġ t` among the merges.
    assert_eq!(words, [&b"in"[..], b" ", b"the", b" of"]);
    assert_eq!(vocabulary.plain("123").unwrap().len(), 3);
}

#[test]
fn marks_end_an_answer_or_are_never_in_one() {
    let vocabulary = vocabulary();
    assert!(vocabulary.is_end(0) && vocabulary.is_end(2) && !vocabulary.is_end(1));
    assert_eq!(vocabulary.other_marks().collect::<Vec<_>>(), [1]);
    assert_eq!(
        (vocabulary.bos.as_deref(), vocabulary.eos.as_deref()),
        (Some("<|im_start|>"), Some("<|im_end|>"))
    );
}
