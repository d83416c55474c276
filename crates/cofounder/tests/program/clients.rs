//! OpenAI's own Python and Node clients, unchanged, against the gateway.
//!
//! `.ci/run` installs them and names them in two variables; without those, the tests say that they are skipped.

use cofounder_testkit::provider::{End, FakeProvider, Reply};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Command, time::Duration};

use crate::{
    serving::{Server, token},
    workbench::Workbench,
};

/// What the scripts ask for, and what they get.
fn scripted(body: &Value) -> Reply {
    if body.get("input").is_some() {
        return Reply::Vectors;
    }
    match body["messages"][0]["content"].as_str().unwrap_or_default() {
        "tool" => Reply::tool("weather", json!({"city": "Ulm"})),
        "break" => Reply::stream(&["Good ", "day."], End::CutAfter(1)),
        "limit" => Reply::RateLimited { retry_after: Some("7".into()) },
        _ => Reply::stream(&["Good ", "day."], End::Done),
    }
}

async fn run(mut command: Command, script: &str) {
    let (bench, limited) = (Workbench::new().await, FakeProvider::start().await.unwrap());
    bench.provider.script(scripted);
    limited.script(scripted);
    bench.configure(&format!(
        "abilities = [\"chat\", \"tools\"]\n[provider.acme.model.vectors]\nabilities = [\"embeddings\"]\n[provider.b]\nbase_url = \"{}\"\n[provider.b.model.limited]\n",
        limited.url()
    ));
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.ci/clients").join(script);
    command.arg(script).args([format!("{}/v1", server.url), key]);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    let done = tokio::time::timeout(Duration::from_secs(120), done).await.expect("the client hangs").unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

pub(crate) fn named(variable: &str) -> Option<String> {
    let named = std::env::var(variable).ok();
    if named.is_none() {
        eprintln!("skipped: {variable} names no client");
    }
    named
}

/// Tried by leaving out the usage of a streamed answer, and with errors of another shape: the tests failed.
#[tokio::test(flavor = "multi_thread")]
async fn the_official_python_client_works_unchanged() {
    let Some(python) = named("COFOUNDER_TEST_OPENAI_PYTHON") else { return };
    run(Command::new(python), "openai_client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_node_client_works_unchanged() {
    let Some(modules) = named("COFOUNDER_TEST_OPENAI_NODE") else { return };
    // Node looks for modules beside the script.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.ci/clients/openai_client.mjs");
    let copy = folder.path().join("openai_client.mjs");
    std::fs::copy(own, &copy).unwrap();
    run(Command::new("node"), copy.to_str().unwrap()).await;
}
