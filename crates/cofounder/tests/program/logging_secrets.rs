//! Secrets are in no line, at any level, from any library.

use cofounder_testkit::{provider::Reply, receiver::FakeReceiver};
use reqwest::Method;
use serde_json::json;

use crate::{
    serving::{Server, hello, streamed, token, until},
    workbench::Workbench,
};

const KEY: &str = "sk-PLANTED-provider-key-000111";
const HOOK: &str = "whsec_UExBTlRFRFdFQkhPT0tTRUNSRVQ=";
const COOKIE: &str = "PLANTED-cookie-000222";
const PASSWORD: &str = "PLANTED-password-000333";
const QUERY: &str = "PLANTED-query-000444";
const LINK: &str = "PLANTED-link-000666";
const BEARER: &str = "cof_PLANTEDtoken000555";

/// Tried by logging a request's headers, and by logging addresses as they are: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s17_one_kind_of_logging_tells_no_secret_at_any_level() {
    let bench = Workbench::new().await;
    let receiver = FakeReceiver::honouring_keys().await.unwrap();
    let hook = format!("{}?token={QUERY}", receiver.url());
    bench.configure(&format!(
        "price = {{ input = 0.0, output = 0.0 }}\n[webhook.site]\nurl = \"{hook}\"\nsecret = {{ env = \"PLANTED_HOOK\" }}\n"
    ));
    bench.write("key", KEY);
    let text = std::fs::read_to_string(bench.path("cofounder.toml")).unwrap();
    let text = text.replace(
        "dialect = \"openai\"\n",
        &format!("dialect = \"openai\"\napi_key = {{ file = {:?} }}\n", bench.path("key")),
    );
    bench.write("cofounder.toml", text);
    let admin = token(&bench, &["--scope", "admin"]).await;
    let url = format!("postgres://me:{PASSWORD}@127.0.0.1:1/none?sslkey={QUERY}");
    for format in ["human", "json"] {
        let variables = [
            ("RUST_LOG", "trace"),
            ("COFOUNDER_LOG__FORMAT", format),
            ("PLANTED_HOOK", HOOK),
            ("OPENAI_API_KEY", KEY),
        ];
        let server = Server::start_in(&bench, &[], &variables).await;
        bench.provider.reply([Reply::error(401, &format!("the key {KEY} is not good"), None)]);
        drop(server.chat(&admin, &hello("acme/large")).await);
        drop(server.chat(&admin, &hello("acme/large")).await);
        drop(server.stream(&admin, &streamed("acme/large")).await);
        drop(server.get(&format!("/link/{LINK}"), "").await);
        for (path, token) in [
            ("/api/v1/tasks?key=", BEARER),
            ("/auth/acme/callback?code=", ""),
            ("/v1/models?api_key=", &admin),
        ] {
            let request = server.request(Method::GET, &format!("{path}{QUERY}"), token);
            drop(request.header("cookie", format!("session={COOKIE}")).send().await.unwrap());
        }
        let asked = json!({"topic": "Foxes", "sources": [format!("http://127.0.0.1:1/page?key={QUERY}")]});
        let made = server.request(Method::POST, "/api/v1/tasks", &admin).json(&asked).send().await.unwrap();
        assert_eq!(made.status(), 201);
        until("the task ends", || async {
            bench.json(&["task", "list"]).await["items"][0]["status"] == "failed"
        })
        .await;
        let signing_in = json!({"email": "a@example.org", "password": PASSWORD});
        drop(server.request(Method::POST, "/api/v1/session", "").json(&signing_in).send().await.unwrap());
        let said = server.said().join("\n");
        assert!(said.contains("127.0.0.1"), "it says a lot: {} bytes", said.len());
        assert_bare(&said, &admin);
        assert_eq!(server.stop().await.code, Some(0));
        // A database that is not there is told without its password.
        let mut command = bench.command(&["task", "list"]);
        command.envs(variables).env("COFOUNDER_DATABASE_URL", &url);
        let done = crate::workbench::finish(command).await;
        assert_eq!(done.code, Some(1), "{done:#?}");
        assert_bare(&done.stderr, &admin);
    }
}

/// None of the secrets stands in it.
fn assert_bare(said: &str, token: &str) {
    for secret in [KEY, HOOK, &HOOK[6..], COOKIE, PASSWORD, QUERY, LINK, BEARER, token] {
        if let Some(at) = said.find(secret) {
            let line = said[..at].rfind('\n').map_or(0, |start| start + 1);
            panic!("{secret} is told: {}", said[line..].lines().next().unwrap());
        }
    }
}
