//! What a browser could be made to do with an answer: run it, frame it, keep it, or show it to another site's page.

use reqwest::{Method, Response, header};

use crate::{
    serving::{Server, token},
    workbench::Workbench,
};

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// Addresses of every kind, with the answers' statuses: for who has a token, and for who has none.
const ADDRESSES: [(&str, u16, u16); 10] = [
    ("/login", 200, 200),
    ("/docs", 200, 401),
    ("/openapi.json", 200, 401),
    ("/healthz", 200, 200),
    ("/metrics", 200, 401),
    ("/api/v1/posts", 200, 200),
    ("/api/v1/tasks", 200, 401),
    ("/api/v1/posts/none", 404, 404),
    ("/nowhere", 404, 401),
    ("/v1/nowhere", 404, 401),
];

/// Tried without `nosniff`: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_can_be_run_framed_sniffed_or_kept() {
    let bench = Workbench::new().await;
    let key = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    for (path, known, unknown) in ADDRESSES {
        for (token, status) in [(key.as_str(), known), ("", unknown)] {
            let answer = server.get(path, token).await;
            assert_eq!(answer.status(), status, "{path}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(header(&answer, name), value, "{path}: {name}");
            }
            assert!(["no-referrer", "same-origin"].contains(&header(&answer, "referrer-policy")), "{path}");
            assert!(header(&answer, "permissions-policy").contains("camera=()"), "{path}");
            let policy = header(&answer, "content-security-policy");
            assert!(
                policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"),
                "{path}: {policy}"
            );
            assert!(
                !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
                "{path}: {policy}"
            );
            assert_eq!(header(&answer, "strict-transport-security"), "", "{path}: nobody promised TLS");
        }
    }
}

/// Tried with a nonce that is made once: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_runs_what_knows_its_nonce_and_each_has_its_own() {
    let bench = Workbench::new().await;
    let key = token(&bench, &["--scope", "viewer"]).await;
    let server = Server::start(&bench).await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let answer = server.get("/docs", &key).await;
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        let policy = header(&answer, "content-security-policy").to_owned();
        let nonce = policy.split("style-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        let page = answer.text().await.unwrap();
        assert_eq!(
            page.matches("<style").count(),
            page.matches(&format!("<style nonce=\"{nonce}\"")).count()
        );
        for outside in ["<script", "<link", "<img", "style=\"", " on", "src=", "url(", "@import"] {
            let found = page.match_indices(outside).any(|(at, _)| {
                outside != " on"
                    || page[at + 3..].trim_start_matches(|c: char| c.is_ascii_lowercase()).starts_with("=\"")
            });
            assert!(!found, "the page has {outside}");
        }
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
    assert!(nonces[0].len() >= 32, "{nonces:?}");
}

/// Tried with `Access-Control-Allow-Origin` on every answer: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_reads_nothing_and_may_send_nothing() {
    let bench = Workbench::new().await;
    let key = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    for (path, ..) in ADDRESSES {
        for token in [key.as_str(), ""] {
            let asked =
                |method| server.request(method, path, token).header(header::ORIGIN, "https://evil.example");
            let preflight = asked(Method::OPTIONS)
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
                .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
            let preflight = preflight.send().await.unwrap();
            assert!(preflight.status().is_client_error(), "{path}: {}", preflight.status());
            for answer in [preflight, asked(Method::GET).send().await.unwrap()] {
                let told = answer.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
                assert_eq!(told, None, "{path}");
            }
        }
    }
}

/// Tried without the promise: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_promised_where_it_is_and_what_is_private_is_asked_about_each_time() {
    let bench = Workbench::new().await;
    let id = bench.written().await["task_id"].as_str().unwrap().to_owned();
    let key = token(&bench, &["--scope", "viewer"]).await;
    let public = [("COFOUNDER_SERVER__PUBLIC_URL", "https://example.org")];
    let server = Server::start_in(&bench, &["--no-worker"], &public).await;
    let task = server.get(&format!("/api/v1/tasks/{id}"), &key).await;
    assert_eq!(header(&task, "cache-control"), "private, no-cache");
    assert_eq!(header(&task, "strict-transport-security"), "max-age=63072000");
}

/// Tried without sending anybody anywhere: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_in_which_nobody_is_signed_in_is_sent_there_before_it_reads_the_docs() {
    let bench = Workbench::new().await;
    let server = Server::start(&bench).await;
    let asked = |token: &str| {
        server.request(Method::GET, "/docs", token).header(header::ACCEPT, "text/html,*/*;q=0.8")
    };
    // The client follows.
    let sent = asked("").send().await.unwrap();
    assert_eq!(
        (sent.status().as_u16(), sent.url().path(), sent.url().query()),
        (200, "/login", Some("return_to=/docs"))
    );
    assert_eq!(asked("cof_none").send().await.unwrap().status(), 401);
    let gateway = token(&bench, &["--scope", "gateway"]).await;
    assert_eq!(asked(&gateway).send().await.unwrap().status(), 403);
}
