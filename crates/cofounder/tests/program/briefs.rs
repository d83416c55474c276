//! Bad briefs: each is refused before anything is made, with what is wrong and what to do.

use crate::{
    story,
    workbench::{Done, Workbench},
};

/// A brief that is refused leaves no task, no file, and has asked nobody.
async fn nothing_was_made(bench: &Workbench) {
    assert!(bench.tasks().await.is_empty());
    assert!(bench.left().is_empty(), "{:?}", bench.left());
    assert!(bench.provider.seen().is_empty());
}

async fn write(bench: &Workbench, topic: &str, more: &[&str]) -> Done {
    let (out, sources) = (bench.shown("out"), bench.shown("sources"));
    let args = [&["write", topic, "--source", &sources, "--out", &out], more].concat();
    bench.run(&args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_without_a_word_are_refused() {
    let bench = Workbench::new().await;
    for topic in ["", "   ", "\n\t \n", "?!…"] {
        write(&bench, topic, &[]).await.refused(2, &["the topic is empty", "Say what"]);
    }
    nothing_was_made(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_ten_thousand_characters_is_refused_with_the_limit() {
    let bench = Workbench::new().await;
    let done = write(&bench, &"é".repeat(10_000), &[]).await;
    done.refused(2, &["10000 characters", "1000", "Shorten it"]);
    assert!(done.stderr.len() < 1_000, "the topic is not thrown back: {done:#?}");
    write(&bench, "red \u{1b}[31m text", &[]).await.refused(2, &["control character"]);
    nothing_was_made(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_cannot_be_written_are_refused_with_those_that_can() {
    let bench = Workbench::new().await;
    for words in ["0", "1000000", "18446744073709551615"] {
        write(&bench, story::TOPIC, &["--words", words]).await.refused(2, &[words, "50 to 10000 words"]);
    }
    for words in ["-5", "many", "1.5", ""] {
        let done = write(&bench, story::TOPIC, &[&format!("--words={words}")]).await;
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:#?}");
        assert!(done.stderr.contains("--words"), "{done:#?}");
    }
    nothing_was_made(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_the_refusal_is_an_object_on_standard_error() {
    let bench = Workbench::new().await;
    let done = write(&bench, " ", &["--json"]).await;
    done.refused(2, &[]);
    let problem: serde_json::Value = serde_json::from_str(&done.stderr).unwrap();
    assert!(problem["error"]["message"].as_str().unwrap().contains("the topic is empty"), "{problem}");
    assert!(problem["error"]["type"].is_string(), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_nobody_knows_is_named_and_the_task_is_kept() {
    let bench = Workbench::new().await;
    for model in ["acme/huge", "nobody/large", "huge"] {
        let done = write(&bench, story::TOPIC, &["--model", model]).await;
        done.refused(done.code.filter(|c| [1, 2].contains(c)).unwrap(), &[model]);
    }
    assert_eq!(bench.provider.calls(), 0, "no other model stood in");
    assert!(bench.left().is_empty(), "{:?}", bench.left());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_told_by_clap_with_code_2() {
    let bench = Workbench::new().await;
    for args in [&["write"][..], &["wriet", "x"], &["write", "x", "--wrods", "5"], &["task"], &[]] {
        let done = bench.run(args).await;
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{done:#?}");
        assert!(done.stderr.contains("Usage") || done.stderr.contains("--help"), "{done:#?}");
    }
}
