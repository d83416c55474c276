//! Keys go into one header and nowhere else.

use crate::stand::{ask, config, pinned, router, section};
use cofounder_domain::FaultKind;
use cofounder_providers::{ProviderError, ProviderSection};
use cofounder_testkit::provider::{FakeProvider, Reply};
use std::fs;

const KEY: &str = "sk-very-secret-0123456789";

fn key_file(content: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, content).unwrap();
    let line = format!("api_key = {{ file = {:?} }}", path.display().to_string());
    (folder, line)
}

#[tokio::test]
async fn a_key_is_sent_and_never_shown() {
    let fake = FakeProvider::start().await.unwrap();
    let (_folder, line) = key_file(&format!("{KEY}\n"));
    let text = section("acme", &fake, &line) + "[router]\nallow_paid = true\n";
    let router = router(config(&text));
    ask(&router).await.unwrap();
    assert_eq!(fake.seen()[0].headers["authorization"], format!("Bearer {KEY}"));
    for shown in [format!("{router:?}"), format!("{:?}", router.health()), format!("{:?}", config(&text))] {
        assert!(!shown.contains(KEY), "{shown}");
    }
}

#[tokio::test]
async fn a_provider_that_repeats_the_key_is_not_quoted() {
    let fake = FakeProvider::start().await.unwrap();
    let (_folder, line) = key_file(KEY);
    let text = section("acme", &fake, &line) + "[router]\nallow_paid = true\n";
    let router = router(config(&text));
    for status in [400, 401, 404, 413, 500, 429] {
        fake.script(move |_| Reply::error(status, &format!("wrong key: {KEY}"), None));
        let error = ask(&router).await.unwrap_err();
        let shown = format!("{error} {error:?} {:?}", router.health());
        assert!(!shown.contains(KEY) && shown.contains("wrong key"), "{status}: {shown}");
    }
}

#[tokio::test]
async fn a_long_message_is_cut_without_leaving_half_a_key() {
    let fake = FakeProvider::start().await.unwrap();
    let (_folder, line) = key_file(KEY);
    let router = router(config(&(section("acme", &fake, &line) + "[router]\nallow_paid = true\n")));
    for padding in 265..300 {
        fake.reply([Reply::error(400, &format!("{}{KEY}{}", "x".repeat(padding), "y".repeat(5000)), None)]);
        let shown = ask(&router).await.unwrap_err().to_string();
        assert!(!shown.contains("sk-") && shown.len() < 600, "{padding}: {shown}");
    }
}

#[test]
fn a_literal_key_is_refused_without_being_repeated() {
    for literal in [
        format!("api_key = \"{KEY}\""),
        format!("api_key = {{ env = [\"{KEY}\"] }}"),
        format!("api_key = {{ value = \"{KEY}\" }}"),
    ] {
        let error = toml::from_str::<ProviderSection>(&literal).unwrap_err();
        assert!(!error.message().contains(KEY) && error.message().contains("{ env ="), "{error}");
    }
}

#[tokio::test]
async fn a_missing_or_unfit_key_is_told_when_it_is_needed() {
    let fake = FakeProvider::start().await.unwrap();
    let (_folder, unfit) = key_file("two\nlines");
    for line in [
        "api_key = { env = \"COFOUNDER_TEST_NO_SUCH_KEY\" }",
        "api_key = { file = \"/nowhere/key\" }",
        &unfit,
    ] {
        let router = router(config(&section("acme", &fake, line)));
        let error = pinned(&router, "acme/m").unwrap_err();
        assert!(matches!(error, ProviderError::KeyMissing { .. }), "{error}");
        assert_eq!(error.kind(), FaultKind::Unauthorised);
        assert!(router.health()[0].problem.is_some());
    }
    assert_eq!(fake.calls(), 0);
}
