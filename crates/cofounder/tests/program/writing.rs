//! `cofounder write`, from sources to files: the contract of its result, its report and its article.

use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    story,
    workbench::{Workbench, finish, strs},
};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn has(value: &Value, wanted: &[&str]) {
    let there = keys(value);
    for key in wanted {
        assert!(there.contains(key), "{key} is missing in {value}");
    }
}

fn read(path: &Value) -> String {
    let path = path.as_str().unwrap();
    assert!(Path::new(path).is_absolute(), "{path}");
    fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_has_the_contracts_shape() {
    let bench = Workbench::new().await;
    let result = bench.written().await;

    has(&result, &["task_id", "status", "gate", "post", "rails", "claims", "calls"]);
    has(&result["post"], &["slug", "title", "words", "markdown", "html", "report"]);
    has(&result["claims"], &["total", "supported", "unsupported"]);
    has(&result["calls"], &["count", "tokens_in", "tokens_out", "cost_usd"]);
    assert_eq!(result["status"], "awaiting_approval");
    assert_eq!(result["gate"], "open", "{result:#}");
    assert_eq!(result["post"]["slug"], "the-halden-lighthouse");
    assert_eq!(result["claims"]["total"], 12);
    assert_eq!(result["claims"]["supported"], 12);
    assert_eq!(result["claims"]["unsupported"], 0);
    let calls = bench.provider.calls();
    assert_eq!(result["calls"]["count"], calls);
    assert_eq!(result["calls"]["tokens_in"], calls * 10);
    assert_eq!(result["calls"]["tokens_out"], calls * 5);
    assert_eq!(result["calls"]["cost_usd"], 0.0);
    let left = bench.left();
    assert_eq!(
        left,
        ["the-halden-lighthouse.html", "the-halden-lighthouse.md", "the-halden-lighthouse.report.json"]
    );
    for (key, name) in [("markdown", &left[1]), ("html", &left[0]), ("report", &left[2])] {
        assert_eq!(
            Path::new(result["post"][key].as_str().unwrap()),
            bench.path("out").canonicalize().unwrap().join(name)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_proves_each_claim_from_the_stored_text() {
    let bench = Workbench::new().await;
    let result = bench.written().await;
    let report: Value = serde_json::from_str(&read(&result["post"]["report"])).unwrap();

    has(&report, &["sources", "claims", "rails", "calls"]);
    assert_eq!(report["sources"].as_array().unwrap().len(), 2);
    for source in report["sources"].as_array().unwrap() {
        has(source, &["id", "uri", "title", "sha256", "bytes"]);
        assert_eq!(source["sha256"].as_str().unwrap().len(), 64);
    }
    assert_eq!(report["claims"].as_array().unwrap().len(), 12);
    for claim in report["claims"].as_array().unwrap() {
        has(claim, &["text", "supported", "passages", "checks"]);
        let passages = claim["passages"].as_array().unwrap();
        assert!(!passages.is_empty(), "{claim}");
        for passage in passages {
            has(passage, &["source", "start", "end", "text"]);
            let id = passage["source"].as_str().unwrap();
            let text = bench.run(&["source", "show", id]).await.stdout;
            let at = |key: &str| usize::try_from(passage[key].as_u64().unwrap()).unwrap();
            assert_eq!(&text[at("start")..at("end")], passage["text"].as_str().unwrap());
        }
    }
    for rail in report["rails"].as_array().unwrap() {
        has(rail, &["rail", "version", "verdict", "reason", "spans"]);
    }
    assert_eq!(report["rails"], result["rails"]);
    assert_eq!(report["calls"].as_array().unwrap().len(), bench.provider.calls());
    for call in report["calls"].as_array().unwrap() {
        has(call, &["step", "model", "tokens_in", "tokens_out", "cost_usd", "ms"]);
        assert_eq!(call["model"], "acme/large");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_article_holds_the_writers_sentences_and_names_its_sources() {
    let bench = Workbench::new().await;
    let result = bench.written().await;
    let (markdown, html) = (read(&result["post"]["markdown"]), read(&result["post"]["html"]));

    for (_, put) in story::TOWER.iter().chain(&story::LAMP) {
        let words = put.trim_end_matches('.');
        assert!(markdown.contains(words), "{put}: {markdown}");
        assert!(html.contains(words), "{put}: {html}");
    }
    assert!(markdown.starts_with("---\n") && markdown.contains("draft: true"), "{markdown}");
    assert!(!markdown.contains("[S1]"), "marks became footnotes: {markdown}");
    let report: Value = serde_json::from_str(&read(&result["post"]["report"])).unwrap();
    for source in report["sources"].as_array().unwrap() {
        assert!(markdown.contains(source["sha256"].as_str().unwrap()), "{source}: {markdown}");
        assert!(markdown.contains(source["title"].as_str().unwrap()), "{source}: {markdown}");
    }
    for outside in ["src=\"http", "<link", "<script", "@import"] {
        assert!(!html.contains(outside), "the page stands alone: {outside}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_output_carries_only_the_result() {
    let bench = Workbench::new().await;
    let args = bench.writing();
    let human = bench.run(&strs(&args)).await;

    assert_eq!(human.code, Some(0), "{human:#?}");
    assert!(human.stdout.starts_with(story::TOPIC), "{human:#?}");
    assert!(human.stdout.contains("the-halden-lighthouse.md"), "{human:#?}");
    assert!(human.stdout.contains("cofounder task approve"), "what next: {human:#?}");
    for progress in ["research", "outline", "draft/section-1", "task:", "model:"] {
        assert!(human.stderr.contains(progress), "{progress}: {human:#?}");
        assert!(!human.stdout.contains(progress), "{progress}: {human:#?}");
    }
    assert!(
        !human.stdout.contains('\u{1b}') && !human.stderr.contains('\u{1b}'),
        "no colours in a pipe: {human:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_hold_no_address_and_a_pin_is_honoured() {
    let bench = Workbench::new().await;
    let url = bench.provider.url().to_owned();
    let config = fs::read_to_string(bench.path("cofounder.toml")).unwrap();
    bench.write(
        "cofounder.toml",
        format!(
            "{config}[provider.zeta]\nbase_url = \"{url}\"\n[provider.zeta.model.small]\ncontext = 32768\n"
        ),
    );
    let mut args = bench.writing();
    args.extend(["--model".to_owned(), "zeta/small".to_owned(), "--json".to_owned()]);
    let done = finish(bench.command(&strs(&args))).await;

    assert_eq!(done.json()["status"], "awaiting_approval");
    let seen = bench.provider.seen();
    assert!(!seen.is_empty());
    for request in seen {
        assert_eq!(request.body["model"], "small", "the pin, not router.prefer");
        let prompt = story::prompt(&request.body);
        assert!(!prompt.contains("http") && !prompt.contains("file:") && !prompt.contains(".md"), "{prompt}");
    }
}
