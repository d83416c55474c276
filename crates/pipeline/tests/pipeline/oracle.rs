//! What must hold of every stored article, whatever the model did. Told without the crates that write it.

use cofounder_domain::{Gate, Post, Report, Source, Verdict, sentences};
use cofounder_pipeline::render::{FrontMatter, html};
use std::collections::BTreeSet;

use crate::bench::{Bench, Run};

/// What no article has in it: words of the prompts, templates, markup, errors, talk.
const FOREIGN: [&str; 44] = [
    "[S",
    "{{",
    "{%",
    "<script",
    "<img",
    "<iframe",
    "<a ",
    "<div",
    "<|",
    "javascript:",
    "http://",
    "https://",
    "www.",
    "](",
    "as an ai",
    "language model",
    "i cannot",
    "i'm sorry",
    "traceback",
    "internal server error",
    "\"error\"",
    "status code",
    "ignore your",
    "ignore all",
    "ignore previous",
    "system prompt",
    "write section",
    "rules: write",
    "passages:",
    "did not pass a check",
    "answer in json",
    "running prose",
    "mark of the passage",
    "sentence: ",
    "you are the editor",
    "numbered passages",
    "you write for a publication",
    "in your own plain words",
    "here is the section",
    "let me know",
    "undefined",
    "```",
    "lorem ipsum",
    "an editor said",
];

/// Checks all of it.
pub(crate) async fn honest(bench: &Bench, run: &Run) {
    let (post, report) = (run.post(), run.report());
    let sources = bench.db.task_sources(bench.task).await.unwrap();
    assert!(!prose(post).trim().is_empty(), "there is no text");
    nothing_foreign(post);
    claims_rest_on_their_passages(report, &sources);
    removed_claims_are_gone(post, report);
    quotations_are_verbatim_and_nothing_else_is_copied(post, &sources);
    numbers_are_the_sources(post, &sources);
    nothing_is_said_twice(post);
    every_paragraph_names_its_source(post);
    the_page_is_harmless(post);
    let failed =
        report.rails.iter().any(|r| r.blocking && !matches!(r.verdict, Verdict::Pass | Verdict::Warn));
    assert_eq!(post.gate == Gate::Blocked, failed, "{:?}", report.rails);
    assert_eq!(post.degraded, report.degraded);
    shortfalls_are_told(run);
}

/// The article without its footnotes and their marks.
pub(crate) fn prose(post: &Post) -> String {
    let lines = post.markdown.lines().filter(|line| !line.starts_with("[^"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("[^") {
        out.push_str(&rest[..at]);
        rest = rest[at..].split_once(']').map_or("", |(_, after)| after);
    }
    out + rest
}

/// One line in lower case without Markdown's escapes and with simple quotation marks outside.
fn flat(text: &str) -> String {
    text.replace('\\', "").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

fn nothing_foreign(post: &Post) {
    let told = [&post.title, &post.description, &post.tags.join(" "), &prose(post)].map(|t| flat(t));
    for part in told {
        for foreign in FOREIGN {
            assert!(!part.contains(&foreign.to_lowercase()), "`{foreign}` in: {part}");
        }
    }
}

fn claims_rest_on_their_passages(report: &Report, sources: &[Source]) {
    assert!(!report.claims.is_empty());
    for claim in &report.claims {
        assert!(claim.supported && !claim.passages.is_empty(), "{claim:?}");
        assert!(claim.checks.iter().all(|c| c.verdict == Verdict::Pass), "{claim:?}");
        for passage in &claim.passages {
            let source = sources.iter().find(|s| s.id == passage.source).unwrap();
            assert_eq!(source.text.get(passage.start..passage.end), Some(passage.text.as_str()));
            assert!(report.sources.iter().any(|s| s.id == passage.source));
        }
    }
}

fn removed_claims_are_gone(post: &Post, report: &Report) {
    let text = flat(&prose(post));
    for claim in &report.removed {
        assert!(!claim.supported && claim.checks.iter().any(|c| !c.reason.is_empty()), "{claim:?}");
        assert!(!text.contains(&flat(&claim.text)), "removed and still there: {}", claim.text);
    }
}

/// What stands in quotation marks, and the text without it.
fn parted(text: &str) -> (Vec<String>, String) {
    let (mut quotes, mut rest, mut quote) = (Vec::new(), String::new(), None::<String>);
    for c in text.chars() {
        match (c, &mut quote) {
            ('“' | '"', None) => quote = Some(String::new()),
            ('”' | '"', Some(_)) => {
                quotes.extend(quote.take());
                rest.push_str(" | ");
            }
            (c, Some(open)) => open.push(c),
            (c, None) => rest.push(c),
        }
    }
    assert_eq!(quote, None, "a quotation without an end: {text}");
    (quotes, rest)
}

fn quotations_are_verbatim_and_nothing_else_is_copied(post: &Post, sources: &[Source]) {
    let (quotes, rest) = parted(&prose(post));
    let texts: Vec<String> = sources.iter().map(|s| flat(&s.text)).collect();
    for quote in quotes {
        assert!(texts.iter().any(|t| t.contains(&flat(&quote))), "not verbatim: {quote}");
    }
    let source: BTreeSet<Vec<String>> = sources
        .iter()
        .flat_map(|s| words(&s.text).windows(10).map(<[String]>::to_vec).collect::<Vec<_>>())
        .collect();
    for part in rest.split(['|', '\n']) {
        for run in words(part).windows(10) {
            assert!(!source.contains(run), "copied without quotation marks: {}", run.join(" "));
        }
    }
}

fn numbers_are_the_sources(post: &Post, sources: &[Source]) {
    let numbers = |text: &str| -> BTreeSet<String> {
        let tokens = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, ',' | '.')));
        let bare = tokens.map(|t| t.trim_matches([',', '.']).to_owned());
        bare.filter(|t| t.starts_with(|c: char| c.is_ascii_digit())).collect()
    };
    let given: BTreeSet<String> =
        sources.iter().flat_map(|s| numbers(&format!("{} {}", s.title, s.text))).collect();
    for text in [&post.title, &post.description, &prose(post)] {
        let invented: Vec<_> = numbers(text).difference(&given).cloned().collect();
        assert!(invented.is_empty(), "{invented:?} in: {text}");
    }
}

fn nothing_is_said_twice(post: &Post) {
    let text = prose(post);
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        for span in sentences(line) {
            let said = words(&line[span.start..span.end]);
            assert!(said.len() < 4 || seen.insert(said.clone()), "twice: {}", said.join(" "));
        }
    }
    let all = words(&text);
    let mut runs = BTreeSet::new();
    for run in all.windows(12) {
        assert!(runs.insert(run.to_vec()), "these words stand twice: {}", run.join(" "));
    }
}

fn every_paragraph_names_its_source(post: &Post) {
    let body = post.markdown.split("\n[^").next().unwrap();
    for paragraph in body.split("\n\n").map(str::trim).filter(|p| !p.is_empty() && !p.starts_with('#')) {
        assert!(paragraph.contains("[^"), "no source: {paragraph}");
    }
}

fn the_page_is_harmless(post: &Post) {
    let front = FrontMatter {
        title: &post.title,
        slug: &post.slug,
        description: &post.description,
        tags: &post.tags,
        date: post.created_at,
        published: false,
        gate: post.gate,
        degraded: &post.degraded,
    };
    let page = html(&front, &post.markdown).unwrap();
    for bad in ["<script", "<img", "<iframe", "javascript:", "onerror", "href=\"http", "src="] {
        assert!(!page.contains(bad), "`{bad}` in the page");
    }
}

/// Every reason of a step that fell short stands in the report.
fn shortfalls_are_told(run: &Run) {
    for step in &run.steps {
        for reason in &step.reasons {
            assert!(run.report().degraded.contains(reason), "{}: {reason} is not told", step.name);
        }
    }
}
