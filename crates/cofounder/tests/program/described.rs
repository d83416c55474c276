//! The API's description against the running server: what is committed is what the program says, and what it says holds.

use serde_json::Value;
use std::{collections::BTreeMap, fs, path::PathBuf, process::Command, time::Duration};

use crate::{
    clients::named,
    serving::{Server, token},
    workbench::Workbench,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_description_is_the_programs() {
    let bench = Workbench::new().await;
    let said = bench.run(&["openapi"]).await.stdout;
    let committed = fs::read_to_string(root().join("docs/openapi.json")).unwrap_or_default();
    assert!(said == committed, "make it anew: `cargo run -- openapi > docs/openapi.json`");
}

/// Schemathesis asks whatever the description allows and more, and compares the answers with it. Tried with times as
/// numbers, and with an undocumented status: it failed both times.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_answer_is_one_that_is_described() {
    let Some(schemathesis) = named("COFOUNDER_TEST_SCHEMATHESIS") else { return };
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let (id, slug) = (written["task_id"].as_str().unwrap(), written["post"]["slug"].as_str().unwrap());
    let key = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    let config = fs::read_to_string(root().join(".ci/clients/schemathesis.toml")).unwrap();
    let sources = bench.json(&["source", "list"]).await;
    let source = sources["items"][0]["id"].as_str().unwrap();
    let real = format!(
        "\n[parameters]\n\"path.id\" = \"{id}\"\n\"path.slug\" = \"{slug}\"\n\"path.source\" = \"{source}\"\n\"path.number\" = 1\n"
    );
    let config = bench.write("schemathesis.toml", config.replacen("\n[", &format!("{real}\n["), 1));
    let har = bench.path("answers.har");
    let mut command = Command::new(schemathesis);
    command.current_dir(bench.path(""));
    command.args(["--config-file", &config, "run", &format!("{}/openapi.json", server.url)]);
    command.args([
        "--header",
        &format!("Authorization: Bearer {key}"),
        "--checks",
        "all",
        "--max-examples",
        "40",
    ]);
    // What a model's provider answers is not the program's, and events never end.
    command.args(["--exclude-path-regex", "^/v1/(chat|embeddings|images)|/events$", "--seed", "20261128"]);
    command.args(["--report", "har", "--report-har-path"]).arg(&har).env("NO_COLOR", "1");
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    let done = tokio::time::timeout(Duration::from_secs(600), done).await.expect("it hangs").unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let counts = statuses(&fs::read_to_string(har).unwrap());
    let sum = |from: u64, to: u64| counts.range(from..to).map(|(_, count)| count).sum::<usize>();
    let (good, all) = (sum(200, 300), sum(0, 1000));
    eprintln!("{all} requests, {good} answered with 2xx: {counts:?}");
    assert!(all > 500, "{counts:?}");
    assert!(good * 100 >= all * GOOD_PERCENT, "only {good} of {all} were answered with 2xx: {counts:?}");
    assert_eq!(sum(500, 600), 0, "{counts:?}");
}

/// The least share of requests that must be good ones and answered as such; the others are wrong on purpose.
const GOOD_PERCENT: usize = 15;

/// How many answers had which status.
fn statuses(har: &str) -> BTreeMap<u64, usize> {
    let har: Value = serde_json::from_str(har).unwrap();
    let mut counts = BTreeMap::new();
    for entry in har["log"]["entries"].as_array().unwrap() {
        *counts.entry(entry["response"]["status"].as_u64().unwrap()).or_default() += 1;
    }
    counts
}
