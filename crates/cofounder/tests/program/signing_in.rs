//! People come in: by a link, by a password, and by nothing else; and what is theirs is nobody else's.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Stdio};
use tokio::io::AsyncWriteExt;

use crate::{
    browser::{Browser, hidden},
    serving::{Server, token},
    workbench::{Done, Workbench, ended},
};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
const OTHER: &str = "another battery staple horse";

/// Runs a command that reads a password.
pub(crate) async fn with_password(bench: &Workbench, args: &[&str], password: &str) -> Done {
    let mut child = bench
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).await.unwrap();
    ended(child).await
}

pub(crate) async fn add(bench: &Workbench, email: &str, role: &str) {
    let done =
        with_password(bench, &["user", "add", email, "--role", role, "--password-stdin"], PASSWORD).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
}

async fn json_of(answer: reqwest::Response) -> Value {
    answer.json().await.unwrap()
}

/// From `init` to being in, without a password on any command line.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_owner_comes_by_a_link_and_invites_the_next() {
    let bench = Workbench::new().await;
    let made = bench.run(&["init"]).await;
    assert_eq!(made.code, Some(0), "{made:#?}");
    assert!(made.stderr.contains("stays as it is"), "{made:#?}");
    let server = Server::start(&bench).await;
    // The server made one of its own, so the earlier one gives nothing any more.
    let path = |text: &str| format!("/link/{}", text.trim().rsplit('/').next().unwrap());
    let ada = Browser::new(&server);
    assert_eq!(ada.get(&path(&made.stdout)).await.status(), 404);
    let link = path(bench.run(&["init"]).await.stdout.lines().last().unwrap());
    let fields = [("email", "Ada@Example.org"), ("name", "Ada"), ("password", PASSWORD)];
    let weak =
        ada.fill(&link, &link, &[("email", "ada@example.org"), ("name", "Ada"), ("password", "short")]).await;
    assert_eq!(weak.status(), 422);
    assert!(weak.text().await.unwrap().contains("at least 12 characters"));
    let welcome = ada.fill(&link, &link, &fields).await;
    assert_eq!(
        (welcome.status().as_u16(), &welcome.headers()["location"]),
        (303, "/account".parse().as_ref().unwrap())
    );
    let page = ada.get("/account").await;
    assert_eq!(page.headers()["cache-control"], "no-store");
    let text = page.text().await.unwrap();
    assert!(text.contains("ada@example.org") && text.contains("owner") && text.contains("Testfox"), "{text}");
    assert_eq!(Browser::new(&server).get(&link).await.status(), 404, "it was used");

    let invited = ada
        .ask(Method::POST, "/api/v1/invitations", &json!({"email": "bo@example.org", "role": "writer"}))
        .await;
    assert_eq!(invited.status(), 201);
    let invited = path(json_of(invited).await["address"].as_str().unwrap());
    let bo = Browser::new(&server);
    // What a guest adds to the form does not make them more than the invitation says.
    let fields = [("name", "Bo"), ("password", OTHER), ("email", "eve@example.org")];
    assert_eq!(bo.fill(&invited, &invited, &fields).await.status(), 303);
    let who = json_of(bo.get("/api/v1/session").await).await;
    assert_eq!((who["name"].as_str(), &who["scopes"]), (Some("Bo"), &json!(["writer"])));
    assert_eq!(bo.get("/api/v1/people").await.status(), 403);
    let people = json_of(ada.get("/api/v1/people").await).await;
    let emails: Vec<&str> =
        people["items"].as_array().unwrap().iter().filter_map(|p| p["email"].as_str()).collect();
    assert_eq!(emails, ["bo@example.org", "ada@example.org"]);
    let audit = json_of(ada.get("/api/v1/audit?action=link.accept").await).await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");
    assert_eq!(audit["items"][0]["address"], "127.0.0.1");
    assert!(
        !audit["items"][0]["request"].as_str().unwrap().is_empty(),
        "its lines in the log are found by it: {audit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_and_what_it_opened_ends() {
    let bench = Workbench::new().await;
    let init =
        with_password(&bench, &["init", "--email", "ada@example.org", "--password-stdin"], PASSWORD).await;
    assert_eq!(init.code, Some(0), "{init:#?}");
    let server = Server::start(&bench).await;
    let (here, there) = (Browser::new(&server), Browser::new(&server));
    let wrong = here.sign_in("ada@example.org", OTHER).await;
    assert_eq!(wrong.status(), 401);
    let unknown = here.sign_in("nobody@example.org", OTHER).await;
    let words =
        |text: String| text.split("role=\"alert\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(unknown.status(), 401);
    assert_eq!(
        words(wrong.text().await.unwrap()),
        words(unknown.text().await.unwrap()),
        "nobody learns who is here"
    );
    assert_eq!(here.sign_in("ADA@example.org ", PASSWORD).await.status(), 303);
    assert_eq!(there.sign_in("ada@example.org", PASSWORD).await.status(), 303);
    let listed = json_of(here.get("/api/v1/sessions").await).await;
    let sessions = listed["items"].as_array().unwrap();
    assert_eq!(sessions.iter().map(|s| s["here"].as_bool().unwrap()).collect::<Vec<_>>(), [false, true]);
    // Each ends the other's, and a new password ends all but its own.
    let page = here.get("/account").await.text().await.unwrap();
    let end = format!("/account/sessions/{}/end", sessions[0]["id"].as_str().unwrap());
    assert_eq!(here.submit(&end, &hidden(&page), &[], &server.url).await.status(), 303);
    assert_eq!(there.get("/api/v1/session").await.status(), 401);
    assert_eq!(there.sign_in("ada@example.org", PASSWORD).await.status(), 303);
    let before = here.cookies();
    let fields = [("present", PASSWORD), ("new", OTHER)];
    assert_eq!(here.fill("/account", "/account/password", &fields).await.status(), 303);
    assert_eq!(there.get("/api/v1/session").await.status(), 401);
    assert_eq!(here.get("/api/v1/session").await.status(), 200);
    let thief = Browser::new(&server);
    thief.bring(&before);
    assert_eq!(thief.get("/api/v1/session").await.status(), 401, "the secret of before opens nothing");
    assert_eq!(here.fill("/account", "/logout", &[]).await.status(), 303);
    assert_eq!(here.get("/api/v1/session").await.status(), 401);
    assert_eq!(here.get("/account").await.headers()["location"], "/login?return_to=/account");
    assert_eq!(here.sign_in("ada@example.org", PASSWORD).await.status(), 401);
    assert_eq!(here.sign_in("ada@example.org", OTHER).await.status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_can_make_a_browser_do_nothing() {
    let bench = Workbench::new().await;
    add(&bench, "ada@example.org", "owner").await;
    let server = Server::start(&bench).await;
    let ada = Browser::new(&server);
    let page = ada.get("/login").await.text().await.unwrap();
    let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
    // Signing somebody in as somebody else.
    assert_eq!(ada.submit("/login", &hidden(&page), &fields, "https://evil.example").await.status(), 403);
    assert_eq!(ada.submit("/login", "made-up", &fields, &server.url).await.status(), 403);
    assert_eq!(
        Browser::new(&server).submit("/login", &hidden(&page), &fields, "").await.status(),
        403,
        "another browser"
    );
    assert_eq!(ada.submit("/login", &hidden(&page), &fields, "").await.status(), 303);
    // Doing something in their name.
    let invitation = json!({"email": "eve@example.org", "role": "owner"});
    let ask = async |origin: Option<&str>, fetched: Option<&str>, key: Option<&str>| {
        let mut request = ada.request(Method::POST, "/api/v1/invitations").json(&invitation);
        for (name, value) in [("origin", origin), ("sec-fetch-site", fetched), ("x-csrf-token", key)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        ada.send(request).await.status().as_u16()
    };
    let who = json_of(ada.get("/api/v1/session").await).await;
    let key = who["form_key"].as_str().unwrap();
    for (origin, fetched, key) in [
        (Some("https://evil.example"), None, None),
        (Some("https://evil.example"), None, Some(key)),
        (Some("null"), None, Some(key)),
        (None, Some("cross-site"), Some(key)),
        (None, Some("same-site"), None),
        (None, None, None),
        (None, None, Some("made-up")),
    ] {
        assert_eq!(ask(origin, fetched, key).await, 403, "{origin:?} {fetched:?}");
    }
    assert_eq!(json_of(ada.get("/api/v1/audit?action=link.invitation").await).await["items"], json!([]));
    assert_eq!(ask(None, None, Some(key)).await, 201);
    assert_eq!(ask(Some(&server.url), None, None).await, 201);
    assert_eq!(ask(None, Some("same-origin"), None).await, 201);
    // A token is sent by nobody's browser by itself.
    let token = token(&bench, &["--scope", "admin"]).await;
    let asked =
        server.request(Method::POST, "/api/v1/invitations", &token).header("origin", "https://evil.example");
    assert_eq!(asked.json(&invitation).send().await.unwrap().status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_a_browser_brings_along_is_never_taken_over() {
    let bench = Workbench::new().await;
    add(&bench, "ada@example.org", "owner").await;
    let server = Server::start(&bench).await;
    let ada = Browser::new(&server);
    let planted = format!("cos_{}", "A".repeat(43));
    let page = ada.get("/login").await.text().await.unwrap();
    let mut cookies = ada.cookies();
    cookies.insert("cofounder".to_owned(), planted.clone());
    cookies.insert("__Host-cofounder".to_owned(), planted.clone());
    ada.bring(&cookies);
    let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
    assert_eq!(ada.submit("/login", &hidden(&page), &fields, &server.url).await.status(), 303);
    assert!(!ada.cookies().values().any(|value| *value == planted), "{:?}", ada.cookies());
    let thief = Browser::new(&server);
    thief.bring(&BTreeMap::from([("cofounder".to_owned(), planted)]));
    assert_eq!(thief.get("/api/v1/session").await.status(), 401);
    assert_eq!(ada.get("/api/v1/session").await.status(), 200);
}

/// Cookies carry what RFC 6265bis asks for, and behind TLS there is none without.
#[tokio::test(flavor = "multi_thread")]
async fn no_script_and_no_other_site_gets_at_a_cookie() {
    let bench = Workbench::new().await;
    add(&bench, "ada@example.org", "owner").await;
    let public = [("COFOUNDER_SERVER__PUBLIC_URL", "https://example.org")];
    let server = Server::start_in(&bench, &["--no-worker"], &public).await;
    let request = server.request(Method::POST, "/api/v1/session", "");
    let answer =
        request.json(&json!({"email": "ada@example.org", "password": PASSWORD})).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let cookies: Vec<&str> =
        answer.headers().get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
    let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
    assert!(cookie.starts_with("__Host-cofounder=cos_"), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let (pair, _) = cookie.split_once(';').unwrap();
    let plain = pair.trim_start_matches("__Host-");
    for (sent, status) in [(pair, 200), (plain, 401)] {
        let answer =
            server.request(Method::GET, "/api/v1/session", "").header("cookie", sent).send().await.unwrap();
        assert_eq!(answer.status(), status, "{sent}");
    }
}

/// Nobody reaches what is another's, whatever ids they know.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebodys_own_is_out_of_others_reach() {
    let bench = Workbench::new().await;
    for (email, role) in [("ada@example.org", "owner"), ("bo@example.org", "editor")] {
        add(&bench, email, role).await;
    }
    let server = Server::start(&bench).await;
    let (ada, bo) = (Browser::new(&server), Browser::new(&server));
    ada.sign_in("ada@example.org", PASSWORD).await;
    bo.sign_in("bo@example.org", PASSWORD).await;
    let who = json_of(ada.get("/api/v1/session").await).await;
    let (session, person) = (who["session_id"].as_str().unwrap(), who["person_id"].as_str().unwrap());
    let ended = bo.ask(Method::DELETE, &format!("/api/v1/sessions/{session}"), &json!({})).await;
    assert_eq!(ended.status(), 404, "as if there were none");
    let page = bo.get("/account").await.text().await.unwrap();
    let end = format!("/account/sessions/{session}/end");
    assert_eq!(bo.submit(&end, &hidden(&page), &[], &server.url).await.status(), 404);
    for (method, path) in [
        (Method::GET, format!("/api/v1/people/{person}")),
        (Method::PATCH, format!("/api/v1/people/{person}")),
        (Method::POST, format!("/api/v1/people/{person}/password-link")),
        (Method::POST, "/api/v1/tokens".to_owned()),
        (Method::GET, "/api/v1/audit".to_owned()),
    ] {
        assert_eq!(bo.ask(method.clone(), &path, &json!({})).await.status(), 403, "{method} {path}");
    }
    assert_eq!(ada.get("/api/v1/session").await.status(), 200);
}

/// What two people change at the same time is not lost, and what ends what they may ends their sessions.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_changed_as_they_were_seen() {
    let bench = Workbench::new().await;
    for (email, role) in [("ada@example.org", "owner"), ("bo@example.org", "editor")] {
        add(&bench, email, role).await;
    }
    let server = Server::start(&bench).await;
    let (ada, bo) = (Browser::new(&server), Browser::new(&server));
    ada.sign_in("ada@example.org", PASSWORD).await;
    bo.sign_in("bo@example.org", PASSWORD).await;
    let who = json_of(bo.get("/api/v1/session").await).await;
    let path = format!("/api/v1/people/{}", who["person_id"].as_str().unwrap());
    let tag = ada.get(&path).await.headers()[header::ETAG].to_str().unwrap().to_owned();
    let change = async |tag: Option<&str>, body: Value| {
        let mut request = ada.request(Method::PATCH, &path).header("origin", &server.url).json(&body);
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        ada.send(request).await
    };
    assert_eq!(change(None, json!({"role": "viewer"})).await.status(), StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(change(Some(&tag), json!({"role": "king"})).await.status(), 422);
    assert_eq!(change(Some(&tag), json!({"rolle": "viewer"})).await.status(), 422);
    let renamed = change(Some(&tag), json!({"name": "Bob"})).await;
    assert_eq!(renamed.status(), 200);
    assert_eq!(bo.get("/api/v1/session").await.status(), 200, "a name ends nothing");
    assert_eq!(change(Some(&tag), json!({"role": "viewer"})).await.status(), StatusCode::PRECONDITION_FAILED);
    let tag = renamed.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(change(Some(&tag), json!({"role": "viewer"})).await.status(), 200);
    assert_eq!(bo.get("/api/v1/session").await.status(), 401);
    let own = json_of(ada.get("/api/v1/session").await).await;
    let own = format!("/api/v1/people/{}", own["person_id"].as_str().unwrap());
    let tag = ada.get(&own).await.headers()[header::ETAG].clone();
    let request =
        ada.request(Method::PATCH, &own).header("origin", &server.url).header(header::IF_MATCH, tag);
    assert_eq!(
        ada.send(request.json(&json!({"role": "viewer"}))).await.status(),
        409,
        "the last owner stays one"
    );
    // Who gives up their own rights goes on without them, by a new secret; what they gave out ends.
    add(&bench, "cy@example.org", "owner").await;
    let order = json!({"name": "ci", "scopes": ["admin"]});
    let left = json_of(ada.ask(Method::POST, "/api/v1/tokens", &order).await).await;
    let left = left["token"].as_str().unwrap();
    assert_eq!(server.get("/api/v1/people", left).await.status(), 200);
    let before = ada.cookies();
    let tag = ada.get(&own).await.headers()[header::ETAG].clone();
    let request = ada.request(Method::PATCH, &own).header("origin", &server.url);
    let request = request.header(header::IF_MATCH, tag).json(&json!({"role": "viewer"}));
    assert_eq!(ada.send(request).await.status(), 200);
    assert_eq!(json_of(ada.get("/api/v1/session").await).await["scopes"], json!(["viewer"]));
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(server.get("/api/v1/people", left).await.status(), 401);
    let thief = Browser::new(&server);
    thief.bring(&before);
    assert_eq!(thief.get("/api/v1/session").await.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_shown_once_and_taken_back() {
    let bench = Workbench::new().await;
    add(&bench, "ada@example.org", "owner").await;
    let server = Server::start(&bench).await;
    let ada = Browser::new(&server);
    ada.sign_in("ada@example.org", PASSWORD).await;
    let order = json!({"name": "ci", "scopes": ["viewer"], "expires": "1h"});
    let made = ada.ask(Method::POST, "/api/v1/tokens", &order).await;
    assert_eq!(made.status(), 201);
    let made = json_of(made).await;
    let (text, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_eq!(server.get("/api/v1/tasks", text).await.status(), 200);
    let listed = ada.get("/api/v1/tokens").await.text().await.unwrap();
    assert!(listed.contains(id) && !listed.contains(text));
    for wrong in [
        json!({"name": "ci", "scopes": []}),
        json!({"name": "ci", "scopes": ["root"]}),
        json!({"name": " ", "scopes": ["viewer"]}),
        json!({"name": "ci", "scopes": ["viewer"], "expires": "900d"}),
        json!({"name": "ci", "scopes": ["viewer"], "admin": true}),
        json!({"name": "ci", "scopes": ["viewer"], "budget_day_usd": -1}),
        json!({"name": "ci", "scopes": ["viewer"], "requests_per_minute": 0}),
    ] {
        assert_eq!(ada.ask(Method::POST, "/api/v1/tokens", &wrong).await.status(), 422, "{wrong}");
    }
    let revoked = ada.ask(Method::DELETE, &format!("/api/v1/tokens/{id}"), &json!({})).await;
    assert_eq!(json_of(revoked).await["state"], "revoked");
    assert_eq!(server.get("/api/v1/tasks", text).await.status(), 401);
}

/// What an access token gave would last longer than it and its token do.
#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_gives_nobody_rights() {
    let bench = Workbench::new().await;
    add(&bench, "ada@example.org", "owner").await;
    let parent = token(&bench, &["--scope", "admin"]).await;
    let id = bench.json(&["token", "list"]).await["items"][0]["id"].as_str().unwrap().to_owned();
    let server = Server::start(&bench).await;
    let form = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &parent)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let asked = server.request(Method::POST, "/auth/token", "").body(body);
    let asked = asked.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    let access = json_of(asked).await["access_token"].as_str().unwrap().to_owned();
    let people = json_of(server.get("/api/v1/people", &access).await).await;
    let ada = format!("/api/v1/people/{}", people["items"][0]["id"].as_str().unwrap());
    let order = json!({"name": "immortal", "scopes": ["admin"]});
    let guest = json!({"email": "eve@example.org", "role": "owner"});
    for (method, path, body) in [
        (Method::POST, "/api/v1/tokens", &order),
        (Method::POST, "/api/v1/invitations", &guest),
        (Method::POST, &format!("{ada}/password-link"), &json!({})),
        (Method::PATCH, ada.as_str(), &json!({"role": "owner"})),
    ] {
        let request = |token: &str| {
            let request = server.request(method.clone(), path, token).header(header::IF_MATCH, "\"1\"");
            request.json(body).send()
        };
        assert_eq!(request(&access).await.unwrap().status(), 403, "{method} {path}");
        assert!(request(&parent).await.unwrap().status().is_success(), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_wrong_passwords_open_nothing() {
    let bench = Workbench::new().await;
    for email in ["ada@example.org", "bo@example.org"] {
        add(&bench, email, "owner").await;
    }
    let server = Server::start(&bench).await;
    let mut told = BTreeMap::<u16, usize>::new();
    for round in 0..100 {
        let tries = (0..100).map(|n| {
            let body = json!({"email": "ada@example.org", "password": format!("wrong password {round} {n}")});
            server.request(Method::POST, "/api/v1/session", "").json(&body).send()
        });
        for answer in futures_util::future::join_all(tries).await {
            let answer = answer.unwrap();
            *told.entry(answer.status().as_u16()).or_default() += 1;
            if answer.status() == 429 {
                assert!(answer.headers().contains_key("retry-after"));
            }
        }
    }
    assert_eq!(told.values().sum::<usize>(), 10_000);
    assert!(told[&401] <= 20 && told[&429] >= 9_980 && told.len() == 2, "{told:?}");
}
