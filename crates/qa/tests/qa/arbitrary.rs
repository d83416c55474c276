//! No text makes the checks panic, and every place they name is a place in the text.

use cofounder_qa::*;
use proptest::prelude::*;

use crate::claims::passage;

/// Pieces that the readers take apart, in any order, between arbitrary characters.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("“"),
        Just("”"),
        Just("\""),
        Just("[S1]"),
        Just("[S1, S99999999999]"),
        Just("[S2-S9]"),
        Just("> "),
        Just("- "),
        Just("# "),
        Just("## x\n"),
        Just("\n"),
        Just("\n\n"),
        Just("\r\n"),
        Just("\r"),
        Just("\t"),
        Just("```\n"),
        Just("`"),
        Just("**"),
        Just("_"),
        Just("| a | b |\n|--|--|\n"),
        Just("[^1]"),
        Just("\n[^1]: note\n"),
        Just("([T](u))"),
        Just("[t](u \"v\")"),
        Just("---\n"),
        Just("a: b\n"),
        Just("\0"),
        Just("\u{feff}"),
        Just("\u{a0}"),
        Just("5 million"),
        Just("$5.5m "),
        Just("2000-08-17"),
        Just("twenty-one "),
        Just("½"),
        Just("²"),
        Just("٣"),
        Just("A350 "),
        Just("UTF-16 "),
        Just("é́"),
        Just("İ"),
        Just("ß"),
        Just("ﬁ"),
        Just("…"),
        Just("."),
        Just("? "),
        Just("Anna Berg "),
        Just("is faster than "),
        Just("not "),
        Just("the "),
        Just("1,000,000.50 "),
        Just("-"),
        Just(" — "),
        Just("\\"),
        Just("<think>"),
        Just("</think>"),
        Just("<|im_end|>"),
    ];
    let some = prop_oneof![4 => piece.prop_map(str::to_owned), 1 => any::<String>(), 2 => "[a-zA-Z ]{1,12}"];
    prop::collection::vec(some, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn spans_are_places_in_the_text(text in markdown()) {
        let article = parse(&text);
        for sentence in &article.sentences {
            prop_assert!(text.get(sentence.span.start..sentence.span.end).is_some(), "{:?} in {:?}", sentence, text);
        }
        prop_assert!(article.sentences.windows(2).all(|w| w[0].span.start <= w[1].span.start && w[0].paragraph <= w[1].paragraph));
        for result in lint(&text, None) {
            for span in &result.spans {
                prop_assert!(text.get(span.start..span.end).is_some(), "{:?} in {:?}", result, text);
            }
        }
        let (line, column) = line_column(&text, text.len() / 2);
        prop_assert!(line >= 1 && column >= 1);
    }

    #[test]
    fn nothing_panics(text in markdown(), other in markdown()) {
        let source = passage(1, &other);
        let checks = check_claim(&text, &[&source], &Rules::default());
        prop_assert_eq!(checks.len(), 5);
        let _ = (plain(&text), strip_citations(&text), is_factual(&text), clean_answer(&text), answer_faults(&text, &other), content_words(&text));
        let alike = similar(&text, &other);
        prop_assert!((0.0..=1.0).contains(&alike) && (alike - similar(&other, &text)).abs() < 1e-6);
        let passages = [source];
        for result in lint(&text, Some(&passages)) {
            for span in &result.spans {
                prop_assert!(text.get(span.start..span.end).is_some(), "{:?} in {:?}", result, text);
            }
        }
    }

    #[test]
    fn cleaning_twice_changes_nothing_more(text in markdown()) {
        let once = strip_citations(&text);
        prop_assert!(strip_citations(&once).len() <= once.len());
    }
}
