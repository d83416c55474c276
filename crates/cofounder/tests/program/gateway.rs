//! The gateway, as its clients meet it.

use cofounder_testkit::provider::{End, FakeProvider, Reply};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use crate::{
    serving::{Server, hello, said, streamed, text, token, until},
    workbench::Workbench,
};

const PRICE: &str = "price = { input = 10.0, output = 20.0 }\n";

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_health_is_closed_without_a_token() {
    let bench = Workbench::new().await;
    let viewer = token(&bench, &["--scope", "viewer"]).await;
    let gateway = token(&bench, &["--scope", "gateway"]).await;
    let server = Server::start(&bench).await;
    assert_eq!(server.get("/healthz", "").await.status(), 200);
    let ready: Value = server.get("/readyz", "").await.json().await.unwrap();
    assert_eq!(ready["status"], "ready", "{ready}");
    for path in
        ["/metrics", "/v1/models", "/v1/models/acme/large", "/api/v1/tasks", "/nowhere", "/openapi.json"]
    {
        for wrong in ["", "nonsense", "cof_0123456789012345678901234567890123456789012"] {
            let answer = server.get(path, wrong).await;
            assert_eq!(answer.status(), 401, "{path} {wrong}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        }
    }
    let answer = server.post("/v1/chat/completions", "", hello("acme/large").to_string()).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "invalid_api_key");
    assert_eq!(server.chat(&viewer, &hello("acme/large")).await.0, 403, "a viewer asks no model");
    let problem = server.get("/metrics", &gateway).await;
    assert_eq!(
        (problem.status(), problem.headers()["content-type"].to_str().unwrap()),
        (403.try_into().unwrap(), "application/problem+json")
    );
    assert_eq!(server.get("/metrics", &viewer).await.status(), 200);
    assert_eq!(server.get("/nowhere", &viewer).await.status(), 404);
    let wrong = server.post("/metrics", &viewer, String::new()).await;
    assert_eq!((wrong.status().as_u16(), wrong.headers()["allow"].to_str().unwrap()), (405, "GET,HEAD"));
    assert_eq!(server.post("/metrics", "", String::new()).await.status(), 401);
    // Tried without the gateway's own words for these: its clients got a problem document, or nothing to read.
    for (method, path, status, code) in [
        ("get", "/v1/models/zz", 404, "model_not_found"),
        ("get", "/v1/files", 404, "invalid_request"),
        ("post", "/v1/models", 405, "invalid_request"),
        ("get", "/v1/chat/completions", 405, "invalid_request"),
    ] {
        let answer = match method {
            "get" => server.get(path, &gateway).await,
            _ => server.post(path, &gateway, String::new()).await,
        };
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], code, "{method} {path}");
    }
    let unclosed = server.post("/v1/models", "", String::new()).await;
    assert_eq!(unclosed.status(), 401);
    assert_eq!(bench.provider.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_sends_and_what_a_provider_answers_goes_on_unharmed() {
    let bench = Workbench::new().await;
    bench.configure("abilities = [\"chat\", \"tools\", \"vision\"]\n");
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let strange = r#"{"id":"x","object":"chat.completion","model":"large","choices":[{"index":0,"message":{"role":"assistant","content":"hi","odd":[1.50,1e400]},"finish_reason":"stop","logprobs":{"content":[]}}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"new_kind":7},"system_fingerprint":"fp"}"#;
    let json_type = ("content-type".to_owned(), "application/json".to_owned());
    bench.provider.reply([Reply::Status(200, vec![json_type], strange.to_owned())]);
    let body = r#"{"model":"acme/large","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"temperature":1.0000000000000000001,"future":{"a":[1e999]}}"#;
    let answer = server.post("/v1/chat/completions", &key, body).await;
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    assert_eq!(
        (headers["x-cofounder-model"].to_str().unwrap(), headers["x-cofounder-attempts"].to_str().unwrap()),
        ("acme/large", "1")
    );
    assert!(headers["x-cofounder-route"].to_str().unwrap().contains("named"));
    assert_eq!(answer.text().await.unwrap(), strange, "to the byte");
    let seen = bench.provider.seen().remove(0);
    let sent = String::from_utf8(seen.bytes).unwrap();
    assert_eq!(sent, body.replace("acme/large", "large"), "to the byte, but for the model's name");
    let call = headers["x-cofounder-call"].to_str().unwrap();
    assert_eq!(seen.headers["idempotency-key"], call);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_streamed_and_its_usage_is_told_to_who_asks() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.script(|_| Reply::stream(&["Good ", "day", "."], End::Done));
    let events = server.stream(&key, &streamed("acme/large")).await;
    assert_eq!(said(&events), "Good day.");
    assert!(!events.iter().any(|e| e.contains("\"usage\":{")), "nobody asked for usage: {events:?}");
    let mut body = streamed("acme/large");
    body["stream_options"] = json!({"include_usage": true});
    let events = server.stream(&key, &body).await;
    let usage: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(5)));
    assert_eq!(bench.provider.seen()[0].body["stream_options"]["include_usage"], true, "the ledger needs it");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_aliases_are_models() {
    let bench = Workbench::new().await;
    bench.configure("price = { input = 0.0, output = 0.0 }\n[router.alias]\nfast = \"acme/large\"\nwriter = \"role:draft\"\n");
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.script(|_| Reply::text("ok"));
    let models: Value = server.get("/v1/models", &key).await.json().await.unwrap();
    let ids: Vec<&str> =
        models["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    for id in ["acme/large", "fast", "writer", "role:draft"] {
        assert!(ids.contains(&id), "{ids:?}");
        assert_eq!(server.get(&format!("/v1/models/{id}"), &key).await.status(), 200, "{id}");
    }
    for id in ["nobody", "role:embed"] {
        assert_eq!(
            server.get(&format!("/v1/models/{id}"), &key).await.status(),
            404,
            "{id}: nobody can take it"
        );
    }
    for model in ["fast", "writer", "role:draft", "role:critic", "large"] {
        let (status, answer) = server.chat(&key, &hello(model)).await;
        assert_eq!((status.as_u16(), &answer["model"]), (200, &json!("large")), "{model}: {answer}");
    }
}

/// Tried with the words of a provider's refusal for what the gateway itself refuses: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_what_is_wrong_and_nobody_is_asked() {
    let bench = Workbench::new().await;
    bench.configure("max_output = 50\n");
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let long = "word ".repeat(40_000);
    let asked = |model: &str, content: &str| {
        json!({"model": model, "messages": [{"role": "user", "content": content}]}).to_string()
    };
    let cases = [
        ("{\"model\": \"acme/large\", ".to_owned(), 400, "not a JSON object"),
        ("[]".to_owned(), 400, "not a JSON object"),
        ("\u{0}".to_owned(), 400, "not a JSON object"),
        ("{}".to_owned(), 400, "`model` is missing"),
        (json!({"model": 5}).to_string(), 400, "`model` cannot be read"),
        (json!({"model": "acme/large"}).to_string(), 400, "`messages` is missing"),
        (json!({"model": "acme/large", "messages": [], "stream": "yes"}).to_string(), 400, "`stream`"),
        (json!({"model": "acme/large", "messages": [], "max_tokens": -3}).to_string(), 400, "`max_tokens`"),
        (
            json!({"model": "acme/large", "messages": [], "max_tokens": 0}).to_string(),
            400,
            "at most 0 tokens",
        ),
        (json!({"model": "acme/large", "messages": [], "n": "two"}).to_string(), 400, "`n` cannot be read"),
        (asked("acme/lrage", "hi"), 404, "did you mean `acme/large`"),
        (asked("role:author", "hi"), 404, "no model is called `role:author`"),
        (asked("acme/large\r\nx-evil: 1", "hi"), 400, "control characters"),
        (asked(&"m".repeat(300), "hi"), 400, "longer than 256 bytes"),
        (asked("acme/large", &long), 400, "too many"),
        ("x".repeat(10 << 20), 413, "larger than 8 MiB"),
    ];
    for (body, status, words) in cases {
        let shown: String = body.chars().take(80).collect();
        let answer = server.post("/v1/chat/completions", &key, body).await;
        assert_eq!(answer.status(), status, "{shown}");
        let told: Value = answer.json().await.unwrap();
        let message = told["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{shown}: {told}");
        assert!(!message.contains("provider refuses"), "nobody was asked: {shown}: {told}");
        assert_eq!(told["error"]["type"], "invalid_request_error", "{shown}: {told}");
    }
    assert_eq!(bench.provider.calls(), 0);
    let deep =
        format!("{{\"model\":\"acme/large\",\"messages\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(
        server.post("/v1/chat/completions", &key, deep).await.status(),
        200,
        "it is the provider's to judge"
    );
    assert_eq!(server.get("/healthz", "").await.status(), 200);
}

/// Tried by sending the response's head before the model had said something: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_falls_back_unseen_before_its_first_token_and_says_so_after_it() {
    let bench = Workbench::new().await;
    let other = FakeProvider::start().await.unwrap();
    other.script(|_| Reply::stream(&["from ", "b"], End::Done));
    let chain = format!("[provider.b]\nbase_url = \"{}\"\n[provider.b.model.small]\n", other.url());
    bench.configure(&chain);
    let key = token(&bench, &[]).await;
    bench.prefer(&["acme", "b"]);
    let server = Server::start(&bench).await;
    for before in [
        Reply::error(503, "down", None),
        Reply::stream(&[], End::ErrorEvent),
        Reply::stream(&[], End::CutAfter(0)),
        Reply::Garbage,
    ] {
        bench.provider.reply([before.clone()]);
        let events = server.stream(&key, &streamed("role:chat")).await;
        assert_eq!(said(&events), "from b", "{before:?}");
    }
    // Its breaker rests by now: another server knows nothing of that.
    let server = Server::start(&bench).await;
    for end in [End::CutAfter(2), End::ErrorEvent, End::HalfEvent, End::JunkEvent, End::NoEnd] {
        // A good answer in between keeps the breaker closed.
        bench.provider.reply([Reply::text("ok"), Reply::stream(&["one ", "two "], end)]);
        assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
        let events = server.stream(&key, &streamed("acme/large")).await;
        let (last, pieces) = events.split_last().unwrap();
        let error: Value = serde_json::from_str(last).unwrap();
        assert!(error["error"]["message"].is_string(), "{end:?}: {last}");
        assert!("one two ".starts_with(&text(pieces)) && !text(pieces).is_empty(), "{end:?}: {pieces:?}");
        assert!(!events.iter().any(|event| event == "[DONE]"), "{end:?}");
    }
}

/// Tried by keeping the upstream's answer when the client went away: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_stream_ends_upstream_at_once_and_is_settled() {
    let bench = Workbench::new().await;
    bench.configure(PRICE);
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.reply([Reply::stream(&["some ", "words"], End::StallAfter(2))]);
    let body = streamed("acme/large").to_string();
    let mut answer = server.post("/v1/chat/completions", &key, body.clone()).await;
    assert!(!answer.chunk().await.unwrap().unwrap().is_empty());
    drop(answer);
    until("the provider is let go", || async { bench.provider.open() == 0 }).await;
    until("the ledger has it", || async {
        let lines = bench.json(&["ledger", "list"]).await;
        lines["items"][0]["state"] == "abandoned"
    })
    .await;
    let line = bench.json(&["ledger", "list"]).await["items"][0].clone();
    assert_eq!(line["measured"], false);
    let cost = line["cost_nanousd"].as_u64().unwrap();
    let worst = (body.len() as u64 + 64) * 12_500 + 100 * 20_000;
    assert!(cost > 0 && cost < worst, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_provider_is_waited_for_a_second_at_most() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.reply([Reply::RateLimited { retry_after: Some("7".into()) }]);
    let begun = Instant::now();
    let answer = server.post("/v1/chat/completions", &key, hello("acme/large").to_string()).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    let answer = server.post("/v1/chat/completions", &key, hello("acme/large").to_string()).await;
    assert_eq!(answer.status(), 429, "it is left alone until then");
    assert_eq!(bench.provider.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tokens_money_its_minute_and_its_end_hold() {
    let bench = Workbench::new().await;
    bench.configure(PRICE);
    bench.provider.script(|_| Reply::text("ok"));
    let poor = token(&bench, &["--budget-day", "0.0001"]).await;
    let rare = token(&bench, &["--requests-per-minute", "2"]).await;
    let taken = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let (status, told) = server.chat(&poor, &hello("acme/large")).await;
    assert_eq!((status.as_u16(), &told["error"]["code"]), (402, &json!("budget_exceeded")), "{told}");
    assert!(
        told["error"]["message"].as_str().unwrap().contains("token's budget for the day of $0.000100"),
        "{told}"
    );
    for expected in [200, 200, 429] {
        assert_eq!(server.chat(&rare, &hello("acme/large")).await.0, expected);
    }
    assert_eq!(server.chat(&taken, &hello("acme/large")).await.0, 200);
    let tokens = bench.json(&["token", "list"]).await;
    assert!(!tokens.to_string().contains(&taken), "a token is shown once");
    let id = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.run(&["token", "revoke", &id]).await.code, Some(0));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(server.chat(&taken, &hello("acme/large")).await.0, 401);
    assert_eq!(bench.provider.calls(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_are_made_where_they_are_offered() {
    let bench = Workbench::new().await;
    bench.configure("[provider.acme.model.vectors]\nabilities = [\"embeddings\"]\n");
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.script(|_| Reply::Vectors);
    for model in ["acme/vectors", "role:embed"] {
        let body = json!({"model": model, "input": ["a", "b"]}).to_string();
        let answer = server.post("/v1/embeddings", &key, body).await;
        assert_eq!(answer.status(), 200);
        let vectors: Value = answer.json().await.unwrap();
        assert_eq!(vectors["data"].as_array().unwrap().len(), 2, "{vectors}");
    }
    let (status, told) = server.chat(&key, &hello("acme/vectors")).await;
    assert_eq!(status, 501);
    assert!(told["error"]["message"].as_str().unwrap().contains("`chat`"), "{told}");
}

/// Tried by serving one request after the other: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s01_a_provider_that_stalls_delays_nobody_else() {
    let bench = Workbench::new().await;
    let slow = FakeProvider::start().await.unwrap();
    slow.script(|_| Reply::Hang);
    bench.configure(&format!("[provider.slow]\nbase_url = \"{}\"\n[provider.slow.model.m]\n", slow.url()));
    bench.provider.script(|_| Reply::text("quick"));
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let hanging: Vec<_> = (0..16)
        .map(|_| {
            let request = server.request(Method::POST, "/v1/chat/completions", &key);
            tokio::spawn(request.body(hello("slow/m").to_string()).send())
        })
        .collect();
    until("they hang", || async { slow.open() == 16 }).await;
    for _ in 0..100 {
        assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
    }
    assert_eq!(slow.open(), 16, "and all the while the others hung");
    hanging.into_iter().for_each(|request| request.abort());
    until("they are let go", || async { slow.open() == 0 }).await;
}

/// Tried by making a client for each call and keeping it, and by keeping no connection for the next call: the test failed
/// each time.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s03_connections_to_providers_are_few_and_gone_when_the_server_is() {
    let bench = Workbench::new().await;
    bench.provider.script(|_| Reply::text("ok"));
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let (idle, before) = (bench.provider.connections(), bench.provider.accepted());
    for _ in 0..50 {
        assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
    }
    // Those that are gone count as well: a new one for each call would be open for a moment only.
    let accepted = bench.provider.accepted() - before;
    assert!(accepted <= 2, "one after the other needs one connection, not {accepted}");
    assert_eq!(server.stop().await.code, Some(0));
    until("they are closed", || async { bench.provider.connections() == idle }).await;
}

/// Tried by closing the door three seconds late: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_what_runs_end_and_takes_nothing_new() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.reply([Reply::Late(1_500, "at last".into())]);
    let request =
        server.request(Method::POST, "/v1/chat/completions", &key).body(hello("acme/large").to_string());
    let running = tokio::spawn(request.send());
    until("it runs", || async { bench.provider.open() == 1 }).await;
    let (url, client) = (server.url.clone(), server.client.clone());
    let stopping = tokio::spawn(server.stop());
    until("nothing new is taken", || async { client.get(format!("{url}/healthz")).send().await.is_err() })
        .await;
    assert!(!running.is_finished(), "what runs goes on after the door is closed");
    let answer = running.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("at last"));
    assert_eq!(stopping.await.unwrap().code, Some(0));
    let lines = bench.json(&["ledger", "list"]).await;
    assert_eq!((lines["items"].as_array().unwrap().len(), &lines["items"][0]["state"]), (1, &json!("done")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_runs_tasks_unless_told_otherwise() {
    let bench = Workbench::new().await;
    let server = Server::start_with(&bench, &[]).await;
    let sources = bench.shown("sources");
    let made =
        bench.json(&["task", "create", crate::story::TOPIC, "--source", &sources, "--words", "120"]).await;
    let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    until("the draft waits", || async {
        bench.json(&["task", "show", &id]).await["status"] == "awaiting_approval"
    })
    .await;
    assert_eq!(server.stop().await.code, Some(0));
}
