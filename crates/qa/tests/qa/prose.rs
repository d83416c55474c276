//! Prose that people wrote must pass, with and without sources, and a wrong fact in it must not.

use cofounder_domain::{Passage, Verdict, sentences};
use cofounder_qa::lint;

use crate::claims::passage;

const ARTICLES: [(&str, &str); 4] = [
    ("what-sqlite-is", include_str!("../../../../examples/sqlite/1-what-sqlite-is.md")),
    ("file-format", include_str!("../../../../examples/sqlite/2-file-format-and-limits.md")),
    ("transactions", include_str!("../../../../examples/sqlite/3-transactions-and-concurrency.md")),
    ("testing", include_str!("../../../../examples/sqlite/4-testing-and-reliability.md")),
];

/// Passages of up to three sentences, as a source is cut.
fn cut(markdown: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut heading = String::new();
    for block in markdown.split("\n\n").filter(|b| !b.starts_with("---")) {
        if let Some(text) = block.strip_prefix('#') {
            heading = text.trim_matches(['#', ' ']).to_owned();
            continue;
        }
        let spans = sentences(block);
        for group in spans.chunks(3) {
            let range = group[0].start..group[group.len() - 1].end;
            let number = passages.len() as u32 + 1;
            passages.push(Passage { headings: vec![heading.clone()], ..passage(number, &block[range]) });
        }
    }
    passages
}

#[test]
fn articles_by_people_pass_without_sources() {
    for (name, text) in ARTICLES {
        for result in lint(text, None) {
            let measured = !matches!(result.rail.as_str(), "grounding" | "citations" | "quotes" | "length");
            let want = if measured { Verdict::Pass } else { Verdict::Skipped };
            let places: Vec<_> = result.spans.iter().map(|s| &text[s.start..s.end]).collect();
            let near = result.rail == "repetition" && result.verdict == Verdict::Warn;
            assert!(result.verdict == want || near, "{name}: {result:#?} {places:#?}");
            assert!(measured || !result.blocking);
        }
    }
}

#[test]
fn articles_by_people_rest_on_themselves() {
    for (name, text) in ARTICLES {
        let results = lint(text, Some(&cut(text)));
        let found = results.iter().find(|r| r.rail == "grounding").unwrap();
        let places: Vec<_> = found.spans.iter().map(|s| &text[s.start..s.end]).collect();
        assert_eq!(found.verdict, Verdict::Pass, "{name}: {} {places:#?}", found.reason);
    }
}

/// An article of its own words on the same facts, and one wrong detail of it each time.
const OWN_WORDS: &str = "---\ntitle: \"SQLite in a nutshell\"\n---\n# SQLite in a Nutshell\n\nSQLite isn’t a server: it’s a C library that an application calls directly — no network in between. What does that buy you? The whole database is a single file, which users can copy to another machine or send by mail.\n\n## Who Wrote It\n\nD. Richard Hipp began writing SQLite in 2000, when he was working on software for the U.S. Navy under a contract of General Dynamics. Version 1.0 was released in August 2000; it stored its data with gdbm. SQLite’s second major version replaced gdbm with a B-tree implementation in September 2001.\n\n## Where It Runs\n\nEvery Android phone and every iPhone contains SQLite. Firefox, Chrome and Safari store data in SQLite databases, and Airbus has confirmed that the flight software of the A350 uses it. More than a trillion databases are estimated to be in active use.\n";

#[test]
fn a_reworded_article_passes_with_sources() {
    let sources = cut(ARTICLES[0].1);
    let results = lint(OWN_WORDS, Some(&sources));
    for result in results.iter().filter(|r| !matches!(r.rail.as_str(), "citations" | "length")) {
        let places: Vec<_> = result.spans.iter().map(|s| &OWN_WORDS[s.start..s.end]).collect();
        assert_eq!(result.verdict, Verdict::Pass, "{result:#?} {places:#?}");
    }
}

#[test]
fn one_wrong_detail_fails_with_sources() {
    let sources = cut(ARTICLES[0].1);
    let mut missed = Vec::new();
    for (right, wrong) in [
        ("in 2000, when", "in 2001, when"),
        ("in August 2000", "in August 2001"),
        ("in August 2000", "in July 2000"),
        ("September 2001", "September 2000"),
        ("Version 1.0", "Version 1.1"),
        ("Richard Hipp", "Richard Hopp"),
        ("U.S. Navy", "U.S. Army"),
        ("General Dynamics", "General Electric"),
        ("Airbus", "Boeing"),
        ("A350", "A380"),
        ("Safari", "Opera"),
        ("a trillion", "a billion"),
        ("has confirmed", "has not confirmed"),
        ("Every Android phone", "No Android phone"),
        ("uses it. More", "uses it. “We could not fly without SQLite,” says Airbus. More"),
        ("uses it. More", "uses it. NASA flies it to Mars. More"),
    ] {
        let text = OWN_WORDS.replacen(right, wrong, 1);
        assert_ne!(text, OWN_WORDS, "{right}");
        let results = lint(&text, Some(&sources));
        if !results.iter().any(|r| r.blocking && r.verdict == Verdict::Fail) {
            missed.push(wrong);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

/// Sentences of people that look like something else.
#[test]
fn odd_but_sound_prose_passes() {
    let text = "# A Field Guide to Small Databases\n\nBy Jane Doe, 12 May 2024\n\n“Small,” she wrote, “is not a weakness.” I cannot recommend that attitude enough — it saved us. Dr. Smith's team (e.g. in the U.S.) measured 3.5 ms per read; others, such as O’Brien et al., saw 4 ms…\n\n![A disk](disk.png)\n\nThe 3.5\" disk held 1.44 MB. Was it enough? For most of us, yes.\n\n### Steps\n\n1. Open the file\n2. Read it\n3. Close it\n\nAn error: what is it? HTTP 500 is an answer, too.\n\nHTTP 500 is rare. She worked as an assistant; as requested by all, she left. You can ignore the old rules, and override the styles. I cannot write C without help.\n\nLet me know if you have questions! HTTP 500 is what a server says when it fails.\n\n| Name | Size |\n|---|---|\n| SQLite | 1 MB |\n\n```sh\nsqlite3 app.db 'select {{x}}' # TODO\n```\n\nThat is all there is to say, and it’s plenty!\n";
    for result in lint(text, None) {
        let places: Vec<_> = result.spans.iter().map(|s| &text[s.start..s.end]).collect();
        assert!(
            matches!(result.verdict, Verdict::Pass | Verdict::Skipped | Verdict::Warn),
            "{result:#?} {places:?}"
        );
    }
}

#[test]
fn marks_are_held_to_their_passages() {
    let sources = crate::rails::passages();
    let good = lint(crate::rails::GOOD, Some(&sources));
    let told: Vec<_> =
        good.iter().filter(|r| !matches!(r.verdict, Verdict::Pass | Verdict::Skipped)).collect();
    assert!(told.is_empty(), "{told:#?}");
    let bad = lint(&crate::rails::GOOD.replace("[S3]", "[S7]"), Some(&sources));
    assert!(bad.iter().any(|r| r.rail == "citations" && r.blocking && r.verdict == Verdict::Fail));
}
