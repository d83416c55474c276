//! Providers that fail, stall, limit and answer nonsense, behind the gateway.

use cofounder_testkit::provider::{FakeProvider, Reply};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use crate::{
    serving::{Server, hello, streamed, token, until},
    workbench::Workbench,
};

/// A bench with a second provider `b`, whose model is `b/m`, behind the first in the chain.
async fn pair() -> (Workbench, FakeProvider) {
    let (bench, other) = (Workbench::new().await, FakeProvider::start().await.unwrap());
    other.script(|_| Reply::text("from b"));
    bench.configure(&format!("[provider.b]\nbase_url = \"{}\"\n[provider.b.model.m]\n", other.url()));
    bench.prefer(&["acme", "b"]);
    (bench, other)
}

fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap_or_default()
}

/// Tried by taking an answer without a choice for an empty one: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s08_an_answer_that_is_none_is_an_error_and_goes_down_the_chain() {
    let (bench, _other) = pair().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let nonsense =
        [Reply::Garbage, Reply::WrongShape, Reply::EmptyChoices, Reply::CutBody, Reply::Huge(9 << 20)];
    for reply in nonsense {
        bench.provider.reply([reply.clone()]);
        let (status, answer) = server.chat(&key, &hello("role:chat")).await;
        assert_eq!((status.as_u16(), content(&answer)), (200, "from b"), "{reply:?}: {answer}");
        // A good one in between keeps its breaker closed.
        bench.provider.reply([Reply::text("ok")]);
        assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
        // A model that was named is not replaced; what it gave is told as what it is.
        bench.provider.reply([reply.clone(), reply.clone()]);
        let (status, told) = server.chat(&key, &hello("acme/large")).await;
        assert_eq!(
            (status.as_u16(), &told["error"]["code"]),
            (502, &json!("bad_answer")),
            "{reply:?}: {told}"
        );
        bench.provider.reply([Reply::text("ok")]);
        assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
    }
}

/// Tried with the defaults only, without the provider's and without the model's: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s10_every_time_out_is_configuration_by_provider_and_by_model() {
    for (key, reply, stream) in [
        ("TOTAL_MS", Reply::Hang, false),
        ("FIRST_TOKEN_MS", Reply::Hang, true),
        ("IDLE_MS", Reply::StallBody, false),
    ] {
        for place in ["PROVIDER__ACME__TIMEOUTS", "PROVIDER__ACME__MODEL__LARGE__TIMEOUTS"] {
            let bench = Workbench::new().await;
            let reply = reply.clone();
            bench.provider.script(move |_| reply.clone());
            let text = token(&bench, &[]).await;
            let variable = format!("COFOUNDER_{place}__{key}");
            let server = Server::start_in(&bench, &["--no-worker"], &[(&variable, "150")]).await;
            let begun = Instant::now();
            let body = if stream { streamed("acme/large") } else { hello("acme/large") };
            let (status, told) = server.chat(&text, &body).await;
            assert_eq!(status, 504, "{variable}: {told}");
            let said = told["error"]["message"].as_str().unwrap();
            assert!(said.contains(&key.to_lowercase()), "{variable}: {said}");
            assert!(begun.elapsed() < Duration::from_secs(20), "the defaults are a minute and more");
        }
    }
}

/// Tried without breakers: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s13_a_provider_that_is_down_is_left_alone_and_harms_nobody() {
    let (bench, other) = pair().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.script(|_| Reply::error(503, "down", None));
    for _ in 0..100 {
        let (status, answer) = server.chat(&key, &hello("role:chat")).await;
        assert_eq!((status.as_u16(), content(&answer)), (200, "from b"));
    }
    assert!(
        (3..=6).contains(&bench.provider.calls()),
        "{} requests to one that is down",
        bench.provider.calls()
    );
    assert_eq!(other.calls(), 100);
    let list = bench.json(&["provider", "list"]).await;
    let seen = list["items"][0]["seen"][0].clone();
    assert_eq!((&seen["target"], &seen["state"]), (&json!("acme/large"), &json!("resting")), "{list}");
    // All are down: nobody is asked again and again.
    other.script(|_| Reply::error(401, "who?", None));
    for _ in 0..100 {
        let (status, told) = server.chat(&key, &hello("role:chat")).await;
        assert!(matches!(status.as_u16(), 502 | 503), "{told}");
    }
    let (first, second) = (bench.provider.calls(), other.calls() - 100);
    assert!(first <= 12 && second <= 12, "{first} and {second} requests for 100 calls");
}

/// Tried by not reading the headers: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn audit_p05_what_a_provider_says_of_its_limits_is_honoured() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let headers = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "1m30s"),
        ("content-type", "application/json"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": "the last one"}, "finish_reason": "stop"});
    let body = json!({"object": "chat.completion", "model": "large", "choices": [choice]}).to_string();
    bench.provider.reply([Reply::Status(200, headers, body)]);
    let (status, answer) = server.chat(&key, &hello("acme/large")).await;
    assert_eq!((status.as_u16(), content(&answer)), (200, "the last one"));
    let refused = server.post("/v1/chat/completions", &key, hello("acme/large").to_string()).await;
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(refused.status(), 429);
    assert!((60..=90).contains(&wait), "{wait}");
    assert_eq!(bench.provider.calls(), 1, "it said that nothing is left");
}

/// What running processes saw of every provider's targets.
async fn seen(bench: &Workbench) -> Vec<String> {
    let list = bench.json(&["provider", "list"]).await;
    let providers = list["items"].as_array().unwrap().iter();
    let seen = providers.flat_map(|provider| provider["seen"].as_array().unwrap());
    seen.map(|seen| seen["target"].as_str().unwrap().to_owned()).collect()
}

/// Tried without a bound, with one that counts the configured model too, and by keeping those that are ready: the test
/// failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_a_client_makes_up_do_not_fill_the_table_of_those_that_rest() {
    let (bench, open) = (Workbench::new().await, FakeProvider::start().await.unwrap());
    bench.configure(&format!("[provider.open]\nbase_url = \"{}\"\n", open.url()));
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.script(|_| Reply::Unauthorised);
    open.script(|_| Reply::Unauthorised);
    let (configured, first, last) = ("acme/large", "open/made-up-0", "open/made-up-79");
    let names = (0..80).map(|n| format!("open/made-up-{n}"));
    for name in [configured.to_owned()].into_iter().chain(names) {
        for _ in 0..3 {
            assert_eq!(server.chat(&key, &hello(&name)).await.0, 502, "{name}");
        }
    }
    let has = async |name: &str| seen(&bench).await.iter().any(|seen| seen == name);
    until("the last is written down", || has(last)).await;
    assert_eq!(seen(&bench).await.len(), 1 + 64);
    assert!(has(configured).await && !has(first).await);
    bench.provider.script(|_| Reply::text("ok"));
    until("it answers", || async { server.chat(&key, &hello(configured)).await.0 == 200 }).await;
    until("it is back", || async { !has(configured).await }).await;
}
