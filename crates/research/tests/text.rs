//! From bytes to passages: extraction and segmentation.

#![expect(clippy::unwrap_used, reason = "what a test relies on fails it")]

use cofounder_domain::{Passage, Source, SourceId, content_hash};
use cofounder_research::{
    Format, Limits, NotText, Ranking, contradictions, extract, read_path, segment, suspicious,
};
use proptest::prelude::*;

fn text(format: Format, bytes: impl AsRef<[u8]>) -> String {
    extract(bytes.as_ref(), format, None, "file:///a/name.x").unwrap().text
}

fn source(text: &str) -> Source {
    let sha256 = content_hash(text.as_bytes());
    Source {
        id: SourceId::from_sha256(&sha256),
        uri: "file:///x".to_owned(),
        title: "x".to_owned(),
        sha256,
        bytes: text.len() as u64,
        text: text.to_owned(),
    }
}

fn passages(text: &str) -> Vec<String> {
    segment(&source(text), 1).into_iter().map(|p| p.text).collect()
}

#[test]
fn markdown_keeps_its_blocks_and_loses_its_marks() {
    let markdown = "---\ntitle: \"The title\"\ntags: [a, b]\n---\n# First *heading*\n\nA **bold** [link](http://x.y) and\n`code` here.[^1]\n\n\
        ![alt text](a.png)\n\n- one [ ]\n- two\n  more\n\n1. three\n\n> quoted <b>words</b>\n\n```rust\nfn main() {}\n```\n\n\
        | a | b |\n|---|---|\n| 1 | 2 |\n\n<div>inner <script>x()</script> html</div>\n\nSetext\n------\nEnd.\n\n[^1]: A note.\n";
    let found = extract(markdown.as_bytes(), Format::Markdown, None, "x").unwrap();
    assert_eq!(found.title, "The title");
    assert_eq!(
        found.text,
        "# First heading\n\nA bold link and code here.\n\n- one [ ]\n- two more\n- three\n\n> quoted words\n\n\
         ```\nfn main() {}\n```\n\n| a | b |\n| 1 | 2 |\n\ninner html\n\n## Setext\n\nEnd.\n\nA note."
    );
}

#[test]
fn html_keeps_the_article_and_loses_the_frame() {
    let html = "<html><head><title>Storks | A site</title><style>p{}</style><script>var x='<p>no</p>'</script></head><body>\
        <nav><a href=/>Home</a> <a href=/b>Birds</a></nav><div role=banner>Best site</div>\
        <main><h1>Storks</h1><p>The white stork is a large bird.<br>It breeds in Europe.</p>\
        <h2>Food</h2><ul><li>Storks eat frogs.<li>Storks eat mice.</ul><table><tr><th>Bird<th>Weight<tr><td>Stork<td>3 kg</table>\
        <pre>x = 1\n  y</pre><blockquote><p>Storks bring luck.</p></blockquote><p hidden>secret</p></main>\
        <ul><li><a href=1>Other page</a><li><a href=2>One more page</a></ul><footer>All rights reserved.</footer></body></html>";
    let found = extract(html.as_bytes(), Format::Html, None, "x").unwrap();
    assert_eq!(found.title, "Storks");
    assert_eq!(
        found.text,
        "# Storks\n\nThe white stork is a large bird. It breeds in Europe.\n\n## Food\n\n- Storks eat frogs.\n- Storks eat mice.\n\n\
         | Bird | Weight |\n| Stork | 3 kg |\n\n```\nx = 1\n  y\n```\n\n> Storks bring luck."
    );
}

#[test]
fn plain_text_is_unwrapped_and_its_headings_are_found() {
    let plain = "\u{feff}Title\r\n=====\r\n\r\nA wrapped\r\nparagraph.\r\n\r\nPart one\r\n--------\r\nText\u{7} with\u{a0}odd\u{200b} letters.\r\n\r\n* one\r\n  more\r\n* two\r\n\r\nINTRODUCTION\r\n\r\nThe end.\r\n";
    let found = extract(plain.as_bytes(), Format::Plain, None, "x").unwrap();
    assert_eq!(found.title, "Title");
    assert_eq!(
        found.text,
        "# Title\n\nA wrapped paragraph.\n\n## Part one\n\nText with odd letters.\n\n- one more\n- two\n\n## INTRODUCTION\n\nThe end."
    );
    let untitled = extract(b"Just a line.", Format::Plain, None, "http://h/dir/page?x#y").unwrap();
    assert_eq!(untitled.title, "page");
}

#[test]
fn a_rule_at_the_top_is_no_front_matter() {
    assert_eq!(
        text(Format::Markdown, "---\nA line: of text that is kept.\n"),
        "A line: of text that is kept."
    );
    assert!(text(Format::Plain, "---\nNo front matter here.\n---\nMore.").contains("No front matter here."));
}

#[test]
fn what_holds_no_text_says_so() {
    let none = |format, bytes: &[u8]| extract(bytes, format, None, "x").unwrap_err();
    assert_eq!(none(Format::Plain, b""), NotText::Empty);
    assert_eq!(none(Format::Plain, b" \n\t --- ***"), NotText::Empty);
    assert_eq!(none(Format::Html, b"<html><body><script>1</script></body></html>"), NotText::Empty);
    assert_eq!(none(Format::Markdown, b"![](a.png)"), NotText::Empty);
    assert_eq!(none(Format::Plain, b"a\0b"), NotText::Binary { looks_like: "binary data" });
}

#[test]
fn hostile_markup_neither_overflows_the_stack_nor_runs_for_minutes() {
    let begun = std::time::Instant::now();
    let deep = |tag: &str, n| tag.repeat(n);
    for html in
        [deep("<div>", 100_000), deep("<b>", 100_000), deep("<table><tr><td>", 50_000), deep("<svg>", 50_000)]
    {
        assert_eq!(extract(html.as_bytes(), Format::Html, None, "x"), Err(NotText::TooComplex));
    }
    let at_the_limit = format!("{}Some deep text.{}", deep("<div>", 390), deep("</div>", 390));
    assert_eq!(text(Format::Html, at_the_limit), "Some deep text.");
    for markdown in [
        deep("> ", 50_000),
        deep("- ", 20_000),
        deep("[", 100_000),
        deep("*a ", 50_000),
        deep("`", 100_000),
        deep("<div>\n", 20_000),
        deep("![", 50_000),
    ] {
        let _ = extract(format!("{markdown}text\n").as_bytes(), Format::Markdown, None, "x");
    }
    let _ = segment(&source(&"word ".repeat(200_000)), 1);
    let _ = segment(&source(&"a. ".repeat(200_000)), 1);
    let alike: String = (0..4_000)
        .map(|n| format!("The stork number {n} lives on the roof of house {n} in town.\n\n"))
        .collect();
    let mut found = segment(&source(&alike), 1);
    found.iter_mut().skip(2_000).for_each(|p| p.source = SourceId::from_text("other"));
    let _ = contradictions(&found);
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn passages_are_whole_sentences_below_their_headings() {
    let text = "# Storks\n\nThe stork is a large bird. It lives in Europe.\n\n## Food\n\n- Storks eat frogs and mice.\n- no\n\n\
        ### Young\n\nYoung storks eat worms in spring.\n\n## Nests\n\n```\ncode is not a passage.\n```\n\n| a table | is not a passage. |\n\n> Storks nest on high roofs.";
    let found = segment(&source(text), 5);
    let seen: Vec<(u32, &str, Vec<&str>)> = found
        .iter()
        .map(|p| (p.number, p.text.as_str(), p.headings.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        seen,
        [
            (5, "The stork is a large bird. It lives in Europe.", vec!["Storks"]),
            (6, "Storks eat frogs and mice.", vec!["Storks", "Food"]),
            (7, "Young storks eat worms in spring.", vec!["Storks", "Food", "Young"]),
            (8, "Storks nest on high roofs.", vec!["Storks", "Nests"]),
        ]
    );
}

#[test]
fn a_long_paragraph_is_divided_evenly() {
    let sentence =
        "The white stork is a large bird that breeds in Europe and winters in Africa every single year. ";
    let found = passages(&sentence.repeat(8));
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|p| (180..=450).contains(&p.len()) && p.ends_with("year.")), "{found:?}");
}

#[test]
fn a_passage_does_not_begin_with_a_word_that_leans_on_the_sentence_before() {
    let long =
        "The white stork is a large bird that breeds in much of Europe and winters in the south of Africa.";
    let text = format!("{long} It eats frogs. {long} {long} They nest on roofs.");
    let found = passages(&text);
    assert!(found.len() > 1 && found.iter().all(|p| p.starts_with("The white")), "{found:?}");
}

#[test]
fn the_edges_of_web_pages_are_no_passages() {
    let text = "Home About us Contact\n\nThis site uses cookies to improve your visit.\n\nSubscribe to our newsletter today and save!\n\nShort one.\n\n\
        The stork is a large bird.\n\n© 2020 Storks Ltd. All rights reserved.";
    assert_eq!(passages(text), ["The stork is a large bird."]);
}

#[tokio::test]
async fn the_projects_example_gives_clean_passages() {
    let path = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/sqlite"));
    let reading = read_path(path, &Limits::default()).await.unwrap();
    assert!(reading.skipped.is_empty(), "{:?}", reading.skipped);
    assert_eq!(reading.documents.len(), 6);
    let mut all: Vec<Passage> = Vec::new();
    for document in &reading.documents {
        let source = &document.source;
        assert!(source.title.contains("SQLite"), "{}", source.title);
        assert!(!source.text.contains("CC0"), "the licence line is no prose: {}", source.uri);
        let found = segment(source, all.len() as u32 + 1);
        assert!(found.len() >= 15, "{}: {}", source.uri, found.len());
        for passage in &found {
            assert_eq!(source.text[passage.start..passage.end], passage.text);
            assert!(
                passage.text.ends_with(['.', '?', '!']) && !passage.text.contains('\n'),
                "{}",
                passage.text
            );
            assert!(!passage.headings.is_empty() && !suspicious(passage), "{passage:?}");
            assert!(!passage.text.contains("cookies") && !passage.text.contains('*'), "{}", passage.text);
        }
        all.extend(found);
    }
    assert!(all.iter().enumerate().all(|(i, p)| p.number as usize == i + 1));
    assert_eq!(contradictions(&all), [], "the example agrees with itself");
    let ranking = Ranking::new(&all);
    assert!(ranking.coverage("Why SQLite is a good default database") > 0.99);
    assert!(all[ranking.rank("who started to write SQLite in the year 2000", 1)[0].0].text.contains("Hipp"));
    let best = ranking.rank("How many columns can a table have by default?", 3);
    assert!(best.iter().any(|(i, _)| all[*i].text.contains("2,000 columns")));
}

fn any_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Html), Just(Format::Markdown), Just(Format::Plain)]
}

/// Pieces that stand for what the readers look at, in any order.
fn any_markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<div>",
            "</div>",
            "<p>",
            "<b>",
            "</b>",
            "<table>",
            "<tr><td>",
            "<li>",
            "<ul>",
            "<pre>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "<a href='",
            "\">",
            "&amp;",
            "&#0;",
            "# ",
            "\n\n",
            "\n",
            "- ",
            "> ",
            "```",
            "|",
            "---\n",
            "===\n",
            "== x ==\n",
            "*",
            "_",
            "[",
            "](",
            "![",
            "`",
            "    ",
            "\t",
            "\r\n",
            "1. ",
            "[^1]",
            "<br>",
            "title: x\n",
            "\u{feff}",
            "\u{202e}",
            "é",
            "日本",
            "。",
            "🦩",
            "\u{0}",
            "e.g. ",
            "St. ",
            "...",
            "?!",
            "\"",
            ") ",
        ])
        .prop_map(str::to_owned),
        "[A-Za-z]{1,8}[ .]",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_extracted_or_refused_and_always_the_same(bytes in prop::collection::vec(any::<u8>(), 0..400), format in any_format()) {
        let once = extract(&bytes, format, None, "x");
        prop_assert_eq!(&once, &extract(&bytes, format, None, "x"));
    }

    #[test]
    fn passages_of_any_markup_are_ranges_of_its_text(markup in any_markup(), format in any_format(), first in 0u32..10) {
        if let Ok(found) = extract(markup.as_bytes(), format, None, "x") {
            prop_assert!(!found.title.is_empty() && !found.title.contains('\n'));
            let unseen = ['\r', '\u{202e}'];
            prop_assert!(!found.text.contains(unseen));
            check(&source(&found.text), first)?;
        }
    }

    #[test]
    fn passages_of_any_text_are_ranges_of_it(text in "\\PC{0,300}|([A-Z][a-z]{1,9}( [a-z0-9]{1,9}){1,20}[.?!] ?\n{0,2}){0,20}", first in 0u32..10) {
        check(&source(&text), first)?;
    }
}

fn check(source: &Source, first: u32) -> Result<(), TestCaseError> {
    let found = segment(source, first);
    let mut end = 0;
    for (index, passage) in found.iter().enumerate() {
        prop_assert_eq!(&source.text[passage.start..passage.end], &passage.text);
        prop_assert!(passage.start >= end, "they do not overlap");
        end = passage.end;
        prop_assert_eq!(passage.number, first + index as u32);
        prop_assert!(!passage.text.contains('\n') && passage.text.trim() == passage.text);
        prop_assert_eq!(&passage.source, &source.id);
        let _ = suspicious(passage);
    }
    let ranking = Ranking::new(&found);
    let ranked = ranking.rank(&source.text, 5);
    prop_assert!(ranked.windows(2).all(|w| w[0].1 >= w[1].1));
    let _ = contradictions(&found);
    Ok(())
}
