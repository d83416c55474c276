//! Spans for a collector of OpenTelemetry, where the program is built with them.

use crate::workbench::Workbench;

#[cfg(not(feature = "otlp"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_otlp_says_so() {
    let bench = Workbench::new().await;
    bench.configure("[log]\notlp = \"http://127.0.0.1:1\"\n");
    bench.run(&["task", "list"]).await.refused(2, &["log.otlp", "--features otlp"]);
}

#[cfg(feature = "otlp")]
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_programs_spans_with_their_ids_and_nothing_else() {
    use crate::serving::{Server, hello, token};
    let (bench, collector) =
        (Workbench::new().await, cofounder_testkit::receiver::FakeReceiver::honouring_keys().await.unwrap());
    let key = token(&bench, &[]).await;
    let variables = [("COFOUNDER_LOG__OTLP", collector.url()), ("RUST_LOG", "trace")];
    let server = Server::start_in(&bench, &["--no-worker"], &variables).await;
    let request =
        server.request(reqwest::Method::POST, "/v1/chat/completions", &key).header("x-request-id", "mine-7");
    let answer = request.body(hello("acme/large").to_string()).send().await.unwrap();
    let call = answer.headers()["x-cofounder-call"].to_str().unwrap().to_owned();
    drop(answer.bytes().await.unwrap());
    assert_eq!(server.stop().await.code, Some(0));
    let seen = collector.seen();
    assert!(!seen.is_empty(), "the end sends what is left");
    let mut all = Vec::new();
    for seen in &seen {
        assert!(seen.path.ends_with("/v1/traces"), "{}", seen.path);
        assert_eq!(seen.headers["content-type"], "application/x-protobuf");
        all.extend_from_slice(&seen.body);
    }
    let holds = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
    for part in ["cofounder", "mine-7", call.as_str(), "acme/large"] {
        assert!(holds(part), "`{part}` is not sent");
    }
    for other in ["model request", "answered", key.as_str(), "pooling idle connection"] {
        assert!(!holds(other), "`{other}` is sent");
    }
}
