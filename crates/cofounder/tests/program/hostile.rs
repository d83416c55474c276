//! Topics, file names and texts that try to break out of the place they are put in.

use cofounder_testkit::provider::Reply;
use serde_json::Value;
use std::{fs, path::Path};

use crate::{
    story,
    workbench::{Workbench, names},
};

async fn write(bench: &Workbench, topic: &str) -> Value {
    let (sources, out) = (bench.shown("sources"), bench.shown("out"));
    bench.json(&["write", topic, "--source", &sources, "--words", "120", "--out", &out]).await
}

fn file(result: &Value, key: &str) -> String {
    fs::read_to_string(result["post"][key].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_topic_leads_out_of_the_folder() {
    let bench = Workbench::new().await;
    bench.provider.script(decorator(""));
    let before = names(&bench.path(""));
    let long = "lighthouse ".repeat(90);
    let topics = [
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        "a/b\\c:d*e?f",
        "Leuchtturm für Größe",
        "灯台の歴史",
        "🗼 tower",
        "-rf --out /",
        "CON",
        "tower\u{202e}lamp",
        &long,
        "null\u{2028}line",
        "COFOUNDER.toml",
        ".hidden",
    ];
    for topic in topics.into_iter().filter(|t| t.chars().any(char::is_alphanumeric)) {
        let result = write(&bench, topic).await;
        let slug = result["post"]["slug"].as_str().unwrap();
        assert!(!slug.is_empty() && slug.len() <= 120, "{topic}: {slug}");
        assert!(
            !slug.starts_with(['.', '-']) && !slug.contains(['/', '\\', ':', '*', ' ', '.']),
            "{topic}: {slug}"
        );
        let folder = bench.path("out").canonicalize().unwrap();
        for key in ["markdown", "html", "report"] {
            assert_eq!(
                Path::new(result["post"][key].as_str().unwrap()).parent(),
                Some(folder.as_path()),
                "{topic}"
            );
        }
    }
    let after: Vec<String> = names(&bench.path("")).into_iter().filter(|n| n != "out").collect();
    assert_eq!(after, before);
    assert_eq!(bench.left().len(), 3 * bench.tasks().await.len(), "each article has its own files");
}

/// The able writer, that leaves the title open and puts `markup` into its first sentence.
fn decorator(markup: &'static str) -> impl FnMut(&Value) -> Reply + Send + 'static {
    let mut writer = story::able_writer();
    move |body| match writer(body) {
        Reply::Text(text) => Reply::Text(
            text.replace("\"title\":\"The Halden lighthouse\"", "\"title\":\"\"")
                .replace("grey granite [S", &format!("grey granite {markup} [S")),
        ),
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_topics_and_names_stays_text() {
    let bench = Workbench::new().await;
    bench.provider.script(decorator(""));
    let odd = "lamp`]<b onclick=alert(1)>\"'&.md";
    fs::rename(bench.path("sources/lamp.md"), bench.path("sources").join(odd)).unwrap();
    let topic = "The Halden lighthouse\"<script>alert(1)</script>: {{ 7*7 }} # --- [x](javascript:alert(1))";
    let result = write(&bench, topic).await;
    let (html, markdown) = (file(&result, "html"), file(&result, "markdown"));
    let lower = html.to_lowercase();
    for markup in ["<script", "<img", "<b onclick", "href=\"javascript:", "src=\"http"] {
        assert!(!lower.contains(markup), "{markup}: {html}");
    }
    assert!(html.contains("{{ 7*7 }}"), "nothing is filled in: {html}");
    let front = markdown.split("---\n").nth(1).unwrap();
    assert!(front.lines().all(|l| l.split_once(": ").is_some()), "one line a field: {front}");
    assert_eq!(front.lines().count(), 8, "{front}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_tags_that_a_model_writes_do_not_reach_the_article() {
    let markups = [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "[click](//evil.example/x)",
        "[click](<http://evil.example/a b>)",
        "[click](http://evil.example/a_(b))",
        "![p](http://evil.example/p.png)",
        "<http://evil.example>",
    ];
    let mut leaks = Vec::new();
    for markup in markups {
        let bench = Workbench::new().await;
        bench.provider.script(decorator(markup));
        let result = write(&bench, story::TOPIC).await;
        let (html, markdown) = (file(&result, "html"), file(&result, "markdown"));
        for part in ["evil.example", "](javascript:", "<img", "<script"] {
            for (kind, text) in [("page", &html), ("Markdown", &markdown)] {
                if text.contains(part) {
                    leaks.push(format!("{markup} leaves {part} in the {kind}"));
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_a_source_runs_nothing_and_leaks_no_markup() {
    let bench = Workbench::new().await;
    fs::remove_file(bench.path("sources/lamp.md")).unwrap();
    let facts: Vec<String> = story::LAMP.iter().map(|(says, _)| format!("<p>{says}</p>")).collect();
    let page = format!(
        "<html><head><title>Lamp &amp; light</title><script>document.write('owned')</script><style>p{{color:red}}</style></head>\
         <body><nav>Home | About</nav><article><h1>The lamp</h1>{}</article><!-- secret comment --></body></html>",
        facts.join("")
    );
    bench.write("sources/lamp.html", page);
    let result = write(&bench, story::TOPIC).await;
    assert_eq!(result["claims"]["supported"], 12, "{result:#}");
    for text in [file(&result, "markdown"), file(&result, "html"), bench.prompts().concat()] {
        for noise in ["owned", "secret comment", "color:red"] {
            assert!(!text.contains(noise), "{noise}: {text}");
        }
    }
}
