//! How the server ends when calls do not.

use cofounder_testkit::provider::{End, Reply};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    serving::{Server, events, hello, streamed, token, until},
    workbench::Workbench,
};

const GRACE: &str =
    "price = { input = 10.0, output = 20.0 }\n[server]\ngrace_ms = 300\n[budget]\nday_usd = 1.0\n";

/// Tried without stopping the calls, neither by the listener nor by the meter that is closed: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_outlast_the_grace_time_say_so_and_are_in_the_ledger() {
    let bench = Workbench::new().await;
    bench.configure(GRACE);
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.reply([Reply::stream(&["some ", "words "], End::StallAfter(2)), Reply::Hang]);
    let ask = |body: Value| server.request(Method::POST, "/v1/chat/completions", &key).body(body.to_string());
    let begun = ask(streamed("acme/large")).send().await.unwrap();
    let waiting = tokio::spawn(ask(hello("acme/large")).send());
    until("both run", || async { bench.provider.open() == 2 }).await;
    let (stopping, text) = tokio::join!(server.stop(), begun.text());
    assert_eq!(stopping.code, Some(0), "{stopping:#?}");
    let events = events(&text.unwrap());
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "unavailable", "{events:?}");
    assert!(last["error"]["message"].as_str().unwrap().contains("being stopped"), "{last}");
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.status(), 503);
    let lines = bench.json(&["ledger", "list"]).await;
    let states: Vec<&Value> = lines["items"].as_array().unwrap().iter().map(|line| &line["state"]).collect();
    assert_eq!(states, [&json!("failed"), &json!("failed")], "{lines}");
    let shown = bench.json(&["budget", "show"]).await;
    let items = shown["items"].as_array().unwrap();
    let day = items.iter().find(|item| item["period"].as_str().unwrap().starts_with("day:")).unwrap();
    assert!(day["spent_usd"].as_f64().unwrap() > 0.0, "{shown}");
    assert_eq!(day["used_usd"], day["spent_usd"], "{shown}");
}
