//! Too many requests: each caller has so many a minute, and nobody uses up another's.

use reqwest::{Method, Response};

use crate::{
    serving::{Server, token},
    workbench::Workbench,
};

const FEW: [(&str, &str); 2] = [
    ("COFOUNDER_SERVER__REQUESTS_PER_MINUTE", "30"),
    ("COFOUNDER_SERVER__UNKNOWN_REQUESTS_PER_MINUTE", "20"),
];

async fn statuses(server: &Server, path: &str, token: &str, times: usize) -> Vec<u16> {
    let mut all = Vec::new();
    for _ in 0..times {
        all.push(server.get(path, token).await.status().as_u16());
    }
    all
}

/// Of a field such as `"caller";r=29;t=2`.
fn number(answer: &Response, field: &str, name: &str) -> u64 {
    let value = answer.headers()[field].to_str().unwrap();
    let part = value.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap();
    part.parse().unwrap()
}

/// Tried with one count for all: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn each_caller_has_so_many_requests_a_minute_and_is_told_what_is_left() {
    let bench = Workbench::new().await;
    let (one, other) =
        (token(&bench, &["--scope", "viewer"]).await, token(&bench, &["--scope", "viewer"]).await);
    let gateway = token(&bench, &["--scope", "gateway"]).await;
    let server = Server::start_in(&bench, &["--no-worker"], &FEW).await;
    let first = server.get("/api/v1/tasks", &one).await;
    assert_eq!(first.headers()["ratelimit-policy"], "\"caller\";q=30;w=60");
    assert_eq!((number(&first, "ratelimit", "r"), number(&first, "ratelimit", "t")), (29, 2));
    let more = statuses(&server, "/api/v1/tasks", &one, 40).await;
    assert!(more[..29].iter().all(|status| *status == 200), "{more:?}");
    assert!(more.iter().filter(|status| **status == 429).count() >= 8, "{more:?}");
    let refused = server.get("/api/v1/tasks", &one).await;
    assert_eq!((refused.status().as_u16(), number(&refused, "ratelimit", "r")), (429, 0));
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "urn:cofounder:problem:limited");
    assert_eq!(
        statuses(&server, "/api/v1/tasks", &other, 3).await,
        [200; 3],
        "another caller is not concerned"
    );
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    assert_eq!(server.get("/api/v1/tasks", &one).await.status(), 200, "as it was told");
    // A token's own limits hold in the gateway.
    assert_eq!(statuses(&server, "/v1/models", &gateway, 40).await, [200; 40]);
}

/// Tried by counting only who shows nothing: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_is_counted_by_address_and_keeps_nobody_out() {
    let bench = Workbench::new().await;
    let key = token(&bench, &["--scope", "viewer"]).await;
    for guess in ["", "cof_guess", "of another kind"] {
        let server = Server::start_in(&bench, &["--no-worker"], &FEW).await;
        let all = statuses(&server, "/api/v1/tasks", guess, 30).await;
        assert!(all[..20].iter().all(|status| *status == 401), "{all:?}");
        assert!(all[21..].iter().filter(|status| **status == 429).count() >= 8, "{all:?}");
        let junk = server.request(Method::GET, "/api/v1/posts", "").header("cookie", "cofounder=cos_guess");
        assert_eq!(junk.send().await.unwrap().status(), 429, "a session that is nobody's is counted too");
        let gateway = server.get("/v1/models", guess).await;
        assert_eq!(gateway.status(), 429);
        let told: serde_json::Value = gateway.json().await.unwrap();
        assert_eq!(told["error"]["code"], "rate_limit_exceeded", "in the words of OpenAI's API");
        assert_eq!(
            server.get("/api/v1/tasks", &key).await.status(),
            200,
            "a right token at the same address"
        );
        assert_eq!(statuses(&server, "/healthz", "", 30).await, [200; 30], "who watches is not sent away");
    }
}

/// Tried by believing anybody: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_believed_from_a_proxy_that_is_named_and_from_nobody_else() {
    let bench = Workbench::new().await;
    for (proxies, spoofed_helps) in [("[]", false), ("[\"127.0.0.0/8\"]", true)] {
        let variables = [FEW[1], ("COFOUNDER_SERVER__TRUSTED_PROXIES", proxies)];
        let server = Server::start_in(&bench, &["--no-worker"], &variables).await;
        let from = async |line: &str| {
            let request = server.request(Method::GET, "/api/v1/posts", "").header("x-forwarded-for", line);
            request.send().await.unwrap().status().as_u16()
        };
        let mut all = Vec::new();
        for n in 0..30 {
            all.push(from(&format!("192.0.2.{n}")).await);
        }
        assert_eq!(all.contains(&429), !spoofed_helps, "{proxies}: {all:?}");
        // What a client puts before its own address is only its word.
        let mut all = Vec::new();
        for n in 0..30 {
            all.push(from(&format!("198.51.100.{n}, 203.0.113.9")).await);
        }
        assert!(all.contains(&429), "{proxies}: {all:?}");
    }
    let variables = [("COFOUNDER_SERVER__TRUSTED_PROXIES", "[\"proxy\"]")];
    let mut command = bench.command(&["serve", "--bind", "127.0.0.1:0"]);
    command.envs(variables);
    crate::workbench::finish(command).await.refused(2, &["`proxy` is no network and no address"]);
}

/// Who asks too much and shows something that is nobody's is refused before anything is done; who is known is not
/// concerned.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_nobodys_does_not_get_past_an_address_that_has_asked_too_much() {
    let bench = Workbench::new().await;
    let key = token(&bench, &["--scope", "admin"]).await;
    let id = bench.json(&["token", "list"]).await["items"][0]["id"].as_str().unwrap().to_owned();
    let server = Server::start_in(&bench, &["--no-worker"], &FEW).await;
    statuses(&server, "/api/v1/posts", "", 30).await;
    let grant = || {
        let request = server.request(Method::POST, "/auth/token", "").basic_auth(&id, Some(&key));
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
            .send()
    };
    let refused = grant().await.unwrap();
    assert_eq!(refused.status(), 429);
    let made = server.get("/api/v1/audit?action=token.access", &key).await;
    assert_eq!(made.status(), 200, "who is known is not concerned");
    let made: serde_json::Value = made.json().await.unwrap();
    assert_eq!(made["items"], serde_json::json!([]), "nothing was made");
    let junk = server.request(Method::GET, "/api/v1/posts", "").header("cookie", "cofounder=junk");
    assert_eq!(junk.send().await.unwrap().status(), 429);
    assert_eq!(server.get("/api/v1/posts", "cof_junk").await.status(), 429);
}
