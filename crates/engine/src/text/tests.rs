//! What cannot be seen from outside: bytes that are no text, and every way to cut them.

use super::{Text, stop_at};

/// The pieces in which `bytes` are said if they come in pieces of `size`, with what is left at the end.
fn said(bytes: &[u8], size: usize, stops: &[String]) -> Vec<String> {
    let mut text = Text::new(stops);
    let mut pieces = Vec::new();
    for piece in bytes.chunks(size) {
        let (new, stopped) = text.take(piece);
        pieces.push(new);
        if stopped {
            return pieces;
        }
    }
    pieces.push(text.rest());
    pieces
}

fn stops(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|t| (*t).to_owned()).collect()
}

#[test]
fn a_stop_is_found_behind_bytes_that_are_no_text() {
    let stops = stops(&["##", "end"]);
    assert_eq!(stop_at(b"\xff\xfe\xffabc end ##", &stops), Some(7));
    assert_eq!(stop_at(b"\xff#", &stops), None);
    assert_eq!(stop_at(b"", &stops), None);
}

#[test]
fn a_character_that_was_cut_off_is_left_out_and_others_stay() {
    let text = |bytes: &[u8]| said(bytes, 1, &[]).concat();
    assert_eq!(text("a€".as_bytes()), "a€");
    assert_eq!(text(&"a€".as_bytes()[..3]), "a");
    assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
    assert_eq!(text(b"a\xff"), "a\u{fffd}");
    assert_eq!(text(b""), "");
}

#[test]
fn characters_and_begun_stops_are_held_back_no_longer_than_needed() {
    assert_eq!(said("a€b".as_bytes(), 1, &[]), ["a", "", "", "€", "b", ""]);
    let stops = stops(&["##", "#!x"]);
    assert_eq!(said(b"a#b#!y", 1, &stops), ["a", "", "#b", "", "", "#!y", ""]);
    assert_eq!(said(b"a#!x", 1, &stops), ["a", "", "", ""]);
    assert_eq!(said(b"ab#", 2, &stops), ["ab", "", "#"], "it was none in the end");
}

/// Tried by letting half characters and begun stops through, one after the other: both failed here.
#[test]
fn how_bytes_are_cut_does_not_matter() {
    let whole = b"\xe2\x82#a\xf0\x9f\xa6\x80\xff\xe2\x82\xac \xf0\x9f#\xe2\x82 ##!\xc3";
    for stops in [stops(&[]), stops(&["€ "]), stops(&["##!!", "##?"]), stops(&["#\u{fffd}", " ##"])] {
        let one = said(whole, whole.len(), &stops).concat();
        for size in 1..whole.len() {
            assert_eq!(said(whole, size, &stops).concat(), one, "{stops:?} in pieces of {size}");
        }
    }
    assert_eq!(
        said(whole, 1, &[]).concat(),
        String::from_utf8_lossy(&whole[..whole.len() - 1]),
        "without its last byte, which begins a character"
    );
}
