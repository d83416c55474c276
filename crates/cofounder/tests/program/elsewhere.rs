//! Signing in at a provider: the real program, a browser, and a provider that is real or looks like GitHub.

use cofounder_domain::SystemClock;
use cofounder_testkit::identity::{Account, CLIENT_ID, CLIENT_SECRET, FakeIdentityProvider};
use reqwest::{Method, header::SET_COOKIE};
use std::{collections::HashMap, path::PathBuf, process::Stdio, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};
use url::Url;

use crate::{
    browser::hidden,
    clients::named,
    serving::Server,
    traveller::{Traveller, to},
    workbench::Workbench,
};

const SECRETS: [(&str, &str); 1] = [("PROVIDER_SECRET", CLIENT_SECRET)];

/// A provider that looks like GitHub and like an issuer, and a server at which people of example.org may join by it.
async fn site() -> (FakeIdentityProvider, Workbench, Server) {
    let provider = FakeIdentityProvider::start(Arc::new(SystemClock)).await.unwrap();
    let bench = Workbench::new().await;
    let url = provider.url();
    let section = |name: &str, more: &str| {
        format!(
            "[auth.{name}]\nclient_id = \"{CLIENT_ID}\"\nclient_secret = {{ env = \"PROVIDER_SECRET\" }}\n{more}\n"
        )
    };
    let github = section("github", &format!("base_url = \"{url}\"\napi_url = \"{url}/api\""));
    let acme = section("acme", &format!("issuer = \"{url}\""));
    bench
        .configure(&format!("[auth]\nallow = [\"@example.org\"]\ndefault_role = \"writer\"\n{github}{acme}"));
    let server = Server::start_in(&bench, &["--no-worker"], &SECRETS).await;
    (provider, bench, server)
}

/// Sends a browser to a provider and lets its person say yes: the address to which it is sent back.
async fn consented(browser: &mut Traveller, provider: &FakeIdentityProvider, leaving: &str) -> String {
    let redirect = to(&browser.get(leaving).await).expect("it leads to the provider");
    let sent: HashMap<String, String> = Url::parse(&redirect).unwrap().query_pairs().into_owned().collect();
    let mut back = Url::parse(&sent["redirect_uri"]).unwrap();
    back.query_pairs_mut().extend_pairs(provider.consent(&redirect));
    back.into()
}

/// Whether this browser's session opens what needs a writer's rights.
async fn is_in(browser: &mut Traveller, server: &Server) -> bool {
    browser.get(&format!("{}/api/v1/tasks", server.url)).await.status() == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_on_the_list_signs_in_at_github_and_at_an_issuer() {
    let (provider, _bench, server) = site().await;
    for (subject, name) in [(7, "github"), (8, "acme")] {
        let email = format!("{name}@example.org");
        provider.account(Account { subject, email, verified: true, name: name.to_owned() });
        let mut browser = Traveller::new();
        assert!(!is_in(&mut browser, &server).await);
        let leaving = format!("{}/auth/{name}/login?return_to=/api/v1/tasks?limit=1", server.url);
        let back = consented(&mut browser, &provider, &leaving).await;
        assert!(back.starts_with(&format!("{}/auth/{name}/callback?", server.url)), "{back}");
        let answer = browser.get(&back).await;
        assert_eq!(to(&answer).as_deref(), Some("/api/v1/tasks?limit=1"));
        assert!(is_in(&mut browser, &server).await);
        assert_eq!(browser.cookie(&server.url, "cofounder-away"), None, "it is of no use any more");
        // The same once more: another browser that learnt the address, and the same browser again.
        for thief in [&mut Traveller::new(), &mut browser] {
            let again = thief.get(&back).await;
            assert_eq!(again.status(), 403);
            assert!(again.text().await.unwrap().contains("Nobody was signed in"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_s09_a_browser_is_sent_back_to_this_site_only() {
    let (provider, _bench, server) = site().await;
    let mut browser = Traveller::new();
    let leaving = format!("{}/auth/acme/login", server.url);
    let evil = browser
        .request(Method::GET, &leaving)
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example");
    let answer = browser.send(&leaving, evil.header("forwarded", "host=evil.example")).await;
    let redirect = Url::parse(&to(&answer).unwrap()).unwrap();
    let sent: HashMap<_, _> = redirect.query_pairs().into_owned().collect();
    assert_eq!(sent["redirect_uri"], format!("{}/auth/acme/callback", server.url));
    assert_eq!((sent["code_challenge_method"].as_str(), sent["response_type"].as_str()), ("S256", "code"));
    let cookies: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("__Host-cofounder-away=coe_")), "{cookies:?}");
    for cookie in cookies {
        for word in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
            assert!(cookie.contains(word), "{cookie}");
        }
    }
    for wrong in [
        "//evil.example",
        "/%5Cevil.example",
        "https://evil.example",
        "/%0d%0aSet-Cookie:x=y",
        "javascript:x",
        "evil",
    ] {
        let answer = browser.get(&format!("{leaving}?return_to={wrong}")).await;
        assert_eq!((answer.status().as_u16(), to(&answer)), (422, None), "{wrong}");
    }
    let nowhere = browser.get(&format!("{}/auth/none/login", server.url)).await;
    assert_eq!(nowhere.status(), 404);
    for tricky in [
        "/auth/acme/callback",
        "/auth/acme/callback?state=x&code=y",
        "/auth/acme/callback?state=x&state=y",
        "/auth/..%2facme/login",
    ] {
        let answer = browser.get(&format!("{}{tricky}", server.url)).await;
        assert!(answer.status().is_client_error() && to(&answer).is_none(), "{tricky}: {}", answer.status());
    }
    assert_eq!(provider.count("POST /token"), 0);
}

/// A signed-in person is not made to begin linking by another site's page.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_linked_and_unlinked_by_who_is_signed_in_and_by_no_other_site() {
    let (provider, _bench, server) = site().await;
    let mut browser = Traveller::new();
    let back = consented(&mut browser, &provider, &format!("{}/auth/acme/login", server.url)).await;
    browser.get(&back).await;
    let link = format!("{}/auth/github/link", server.url);
    for origin in [Some("https://evil.example"), Some("null"), None] {
        let request = browser.request(Method::POST, &link);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        assert_eq!(browser.send(&link, request).await.status(), 403, "{origin:?}");
    }
    let own = browser.request(Method::POST, &link).header("origin", &server.url);
    let answer = browser.send(&link, own).await;
    assert_eq!(answer.status(), 200);
    let refresh = answer.headers()["refresh"].to_str().unwrap().to_owned();
    let redirect = refresh.strip_prefix("0; url=").unwrap();
    let sent: HashMap<String, String> = Url::parse(redirect).unwrap().query_pairs().into_owned().collect();
    let mut back = Url::parse(&sent["redirect_uri"]).unwrap();
    provider.account(Account {
        subject: 99,
        email: "x@elsewhere.example".to_owned(),
        verified: true,
        name: String::new(),
    });
    back.query_pairs_mut().extend_pairs(provider.consent(redirect));
    assert_eq!(to(&browser.get(back.as_str()).await).as_deref(), Some("/account"));
    // By the new account they come in as who they are.
    let mut other = Traveller::new();
    let back = consented(&mut other, &provider, &format!("{}/auth/github/login", server.url)).await;
    other.get(&back).await;
    assert!(is_in(&mut other, &server).await);
    let provider_url = provider.url();
    let account = format!("{}/account", server.url);
    let page = other.get(&account).await.text().await.unwrap();
    assert!(page.contains("99 at") && page.contains("42 at"), "{page}");
    let key = hidden(&page);
    let unlink = format!("{}/account/unlink", server.url);
    // The first is unlinked; the second is the last way in, and stays.
    for (provider, subject, status) in [("acme", "42", 303), ("acme", "42", 404), ("github", "99", 409)] {
        let form =
            [("key", key.as_str()), ("provider", provider), ("issuer", provider_url), ("subject", subject)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = other.request(Method::POST, &unlink).header("origin", &server.url);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(other.send(&unlink, request).await.status(), status, "{provider} {subject}");
    }
    let page = other.get(&account).await.text().await.unwrap();
    assert!(page.contains("99 at") && !page.contains("42 at"), "{page}");
}

/// A real provider, in each algorithm that it signs in.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_at_a_real_provider_in_every_algorithm() {
    let Some(modules) = named("COFOUNDER_TEST_OIDC_NODE") else { return };
    let (mut provider, issuer) = RealProvider::start(&modules).await;
    let bench = Workbench::new().await;
    let algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
    let sections = algorithms.map(|name| {
        let (name, client) = (name.to_lowercase(), format!("client-{name}"));
        format!("[auth.{name}]\nissuer = \"{issuer}\"\nclient_id = \"{client}\"\nclient_secret = {{ env = \"PROVIDER_SECRET\" }}\n")
    });
    bench.configure(&format!("[auth]\nallow = [\"ada@example.org\"]\n{}", sections.concat()));
    let server = Server::start_in(&bench, &["--no-worker"], &SECRETS).await;
    provider.send_back_to(&format!("{}/auth/NAME/callback", server.url)).await;
    for name in algorithms.map(str::to_lowercase) {
        let (mut browser, start) =
            (Traveller::new(), format!("{}/auth/{name}/login?return_to=/healthz", server.url));
        let callback = format!("{}/auth/{name}/callback", server.url);
        let back = browser.follow_up_to(&start, &callback).await;
        assert!(back.contains("iss="), "{back}");
        let (end, answer) = browser.follow(&back).await;
        assert_eq!((end, answer.status().as_u16()), (format!("{}/healthz", server.url), 200), "{name}");
        assert!(is_in(&mut browser, &server).await, "{name}");
        // The code was used; so was the state.
        assert_eq!(browser.get(&back).await.status(), 403);
        bench.raw("DELETE FROM people").await;
    }
}

/// `.ci/clients/oidc_provider.mjs`, which ends with its standard input.
struct RealProvider {
    child: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    _folder: tempfile::TempDir,
}

impl RealProvider {
    async fn start(modules: &str) -> (Self, String) {
        // Node looks for modules beside the script.
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
        let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.ci/clients/oidc_provider.mjs");
        let copy = folder.path().join("oidc_provider.mjs");
        std::fs::copy(own, &copy).unwrap();
        let mut command = Command::new("node");
        command.arg(copy).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = lines.next_line().await.unwrap().expect("it ended");
        (Self { child, lines, _folder: folder }, issuer)
    }

    async fn send_back_to(&mut self, callback: &str) {
        let line = format!("{callback}\n");
        self.child.stdin.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
        assert_eq!(self.lines.next_line().await.unwrap().as_deref(), Some("ready"));
    }
}
