//! Writers that make things up, answer nonsense, or fall silent: what they say never stands as a fact.

use cofounder_testkit::provider::Reply;
use serde_json::{Value, json};
use std::fs;

use crate::{
    story,
    workbench::{Workbench, strs},
};

fn file(result: &Value, key: &str) -> String {
    fs::read_to_string(result["post"][key].as_str().unwrap()).unwrap()
}

fn report(result: &Value) -> Value {
    serde_json::from_str(&file(result, "report")).unwrap()
}

/// The able writer, that adds to the first section what no source says.
fn liar() -> impl FnMut(&Value) -> Reply + Send + 'static {
    let mut writer = story::able_writer();
    move |body| match writer(body) {
        Reply::Text(text) if story::prompt(body).contains("Write section 1") => Reply::Text(format!(
            "{text} In 1871 the Halden lighthouse was built by workers from red brick [S1]. \
             At high tide the tower stands 99 metres above the rocks [S1]. \
             The architect Gustav Zorblax won a medal for the tower [S1]. \
             See https://evil.example/tower for tickets [S1]. \
             Every Sunday the tower welcomes 4,000 guests from Norway [S99]."
        )),
        other => other,
    }
}

const LIES: [&str; 6] = ["red brick", "99 metres", "Zorblax", "evil.example", "4,000", "[S99]"];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_writer_makes_up_is_taken_out_and_told() {
    let bench = Workbench::new().await;
    let mut liar = liar();
    bench.provider.script(move |body| {
        let rewrite = story::prompt(body).starts_with("This sentence did not pass");
        if rewrite { Reply::text("Gustav Zorblax saw 99 metres of red brick [S1].") } else { liar(body) }
    });
    let result = bench.written().await;
    let (markdown, html, report) = (file(&result, "markdown"), file(&result, "html"), report(&result));
    for invented in LIES {
        assert!(!markdown.contains(invented), "{invented}: {markdown}");
        assert!(!html.contains(invented), "{invented}: {html}");
    }
    assert_eq!(result["claims"]["unsupported"], 0);
    assert_eq!(result["claims"]["supported"], 12, "what is supported stays: {markdown}");
    let removed = report["removed"].as_array().unwrap();
    // The first was taken for a repeat of what stands there already.
    assert_eq!(removed.len(), 4, "{removed:#?}");
    for claim in removed {
        assert_eq!(claim["supported"], false, "{claim}");
        assert!(
            claim["checks"].as_array().unwrap().iter().any(|c| c["verdict"] != "pass"),
            "says why: {claim}"
        );
    }
}

/// The only true sentence that the writer finds when it is asked to mend its inventions is one that stands there
/// already.
#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_that_was_mended_into_another_does_not_stand_twice() {
    let bench = Workbench::new().await;
    bench.provider.script(liar());
    let result = bench.written().await;
    let markdown = file(&result, "markdown");
    let body = markdown.splitn(3, "---\n").nth(2).unwrap();
    assert!(LIES.iter().all(|lie| !markdown.contains(lie)), "{markdown}");
    for (_, put) in story::TOWER.iter().chain(&story::LAMP) {
        let times = body.matches(put.trim_end_matches('.')).count();
        assert_eq!(times, 1, "gate {}, {put}: {body}", result["gate"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_nonsense_give_an_article_of_quotations() {
    for nonsense in [
        "lorem ipsum dolor",
        "{}",
        "I'm sorry, but I can't help with that.",
        "aaaaaaaa ".repeat(200).as_str(),
    ] {
        let bench = Workbench::new().await;
        let text = nonsense.to_owned();
        bench.provider.script(move |_| Reply::text(text.clone()));
        let result = bench.written().await;
        assert_eq!(result["status"], "awaiting_approval", "{result:#}");
        assert!(!result["post"]["degraded"].as_array().unwrap().is_empty(), "{result:#}");
        let (markdown, report) = (file(&result, "markdown"), report(&result));
        let body = markdown.splitn(3, "---\n").nth(2).unwrap();
        assert!(!body.contains("dolor") && !body.contains("sorry") && !body.contains("aaaa"), "{body}");
        let told = story::TOWER.iter().chain(&story::LAMP).filter(|(says, _)| body.contains(says)).count();
        assert!(told >= 8, "{told} of 12 sentences are quoted: {body}\nremoved: {}", report["removed"]);
        for claim in report["claims"].as_array().unwrap() {
            let text = claim["text"].as_str().unwrap();
            let mut facts = story::TOWER.iter().chain(&story::LAMP);
            assert!(text.contains('“') && facts.any(|(says, _)| text.contains(says)), "a quotation: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_fit_their_schema_and_are_nonsense_are_survived() {
    let bench = Workbench::new().await;
    let mut writer = story::able_writer();
    bench.provider.script(move |body| {
        let answer = match body["response_format"]["json_schema"]["name"].as_str() {
            Some("outline") => json!({"title": "### ", "sections": [
                {"heading": "", "about": ""}, {"heading": "[S1]", "about": "qqq"}, {"heading": "x".repeat(80), "about": "zzz"}]}),
            Some("review") => json!({"issues": [
                {"section": 999, "problem": "bad", "fix": "worse"}, {"section": 1, "problem": "", "fix": ""},
                {"section": 1, "problem": "It does not say that Zorblax built it.", "fix": "Say that Zorblax built it."}]}),
            Some("seo") => json!({"description": "Zorblax built it for 900 dollars.", "tags": ["<script>", "", "#x"]}),
            _ => return writer(body),
        };
        Reply::text(answer.to_string())
    });
    let result = bench.written().await;
    assert_eq!(result["status"], "awaiting_approval", "{result:#}");
    assert!(!result["post"]["degraded"].as_array().unwrap().is_empty(), "{result:#}");
    let (markdown, html) = (file(&result, "markdown"), file(&result, "html"));
    assert!(
        !markdown.contains("Zorblax") && !html.contains("Zorblax") && !html.contains("<script"),
        "{markdown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_stumbles_is_asked_again() {
    let bench = Workbench::new().await;
    bench.provider.reply([
        Reply::error(503, "busy", None),
        Reply::Status(500, Vec::new(), "oops".to_owned()),
        Reply::Garbage,
    ]);
    let result = bench.written().await;
    assert_eq!(
        (&result["status"], &result["gate"]),
        (&"awaiting_approval".into(), &"open".into()),
        "{result:#}"
    );
    assert!(bench.provider.calls() > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_gone_fails_the_task_and_keeps_what_was_done() {
    let bench = Workbench::new().await;
    let mut writer = story::able_writer();
    bench.provider.script(move |body| {
        if story::prompt(body).contains("Write section 2") {
            Reply::error(400, "no such thing", None)
        } else {
            writer(body)
        }
    });
    let args = bench.writing();
    bench.run(&strs(&args)).await.refused(1, &["acme", "kept", "cofounder task retry"]);
    assert!(bench.left().is_empty(), "{:?}", bench.left());
    let tasks = bench.tasks().await;
    assert_eq!(tasks[0]["status"], "failed", "{tasks:?}");
    assert!(tasks[0]["error"].as_str().is_some_and(|e| !e.is_empty()), "{tasks:?}");

    bench.provider.script(story::able_writer());
    let result = bench.json(&["task", "retry", tasks[0]["id"].as_str().unwrap()]).await;
    assert_eq!(result["gate"], "open", "{result:#}");
    let sections = bench.prompts().iter().filter(|p| p.contains("Write section 1")).count();
    assert_eq!(sections, 1, "the first section was kept");
}
