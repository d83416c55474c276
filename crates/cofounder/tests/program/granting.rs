//! The client credentials grant over HTTP.

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::{
    serving::{Server, token},
    workbench::Workbench,
};

type Answer = (StatusCode, HeaderMap, Value);

async fn ask(server: &Server, form: &str, basic: Option<(&str, &str)>) -> Answer {
    let request = server.request(Method::POST, "/auth/token", "");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
    let request = match basic {
        Some((id, secret)) => request.basic_auth(id, Some(secret)),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_an_access_token_in_the_words_of_the_specification() {
    let bench = Workbench::new().await;
    let text = token(&bench, &["--scope", "writer"]).await;
    let listed = bench.json(&["token", "list"]).await;
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let server = Server::start(&bench).await;
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={text}");
    let by_form = ask(&server, &form, None).await;
    let by_head = ask(&server, "grant_type=client_credentials&scope=viewer", Some((&id, &text))).await;
    for ((status, headers, told), scope) in [(by_form, "writer"), (by_head, "viewer")] {
        assert_eq!(status, 200, "{told}");
        assert_eq!(
            (headers["cache-control"].to_str().unwrap(), headers["pragma"].to_str().unwrap()),
            ("no-store", "no-cache")
        );
        assert_eq!(
            (&told["token_type"], &told["expires_in"], &told["scope"]),
            (&json!("Bearer"), &json!(3600), &json!(scope))
        );
        let access = told["access_token"].as_str().unwrap();
        assert_eq!(server.get("/api/v1/tasks", access).await.status(), 200);
        let brief = json!({"topic": "Why the sea is salt"}).to_string();
        let asked =
            server.request(Method::POST, "/api/v1/tasks", access).header("content-type", "application/json");
        let status = asked.body(brief).send().await.unwrap().status().as_u16();
        assert_eq!(status, if scope == "writer" { 201 } else { 403 });
    }
    let wrong = [
        ("", None, 400, "invalid_request"),
        ("grant_type=password", None, 400, "unsupported_grant_type"),
        ("grant_type=client_credentials", None, 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=x&client_secret=y", None, 401, "invalid_client"),
        ("grant_type=client_credentials", Some((id.as_str(), "cof_")), 401, "invalid_client"),
        (
            "grant_type=client_credentials&client_id=other",
            Some((id.as_str(), text.as_str())),
            400,
            "invalid_request",
        ),
        (form.as_str(), Some((id.as_str(), text.as_str())), 400, "invalid_request"),
        (&format!("{form}&client_id={id}"), None, 400, "invalid_request"),
        (&format!("{form}&scope=admin"), None, 400, "invalid_scope"),
        (&format!("{form}&scope=writer%22"), None, 400, "invalid_scope"),
    ];
    for (form, basic, status, error) in wrong {
        let (found, headers, told) = ask(&server, form, basic).await;
        assert_eq!((found.as_u16(), told["error"].as_str().unwrap()), (status, error), "{form}");
        assert_eq!(headers["cache-control"].to_str().unwrap(), "no-store");
        assert_eq!(headers.contains_key("www-authenticate"), status == 401, "{form}");
        assert!(!told["error_description"].as_str().unwrap().contains(['"', '\\']));
    }
    let json = server.request(Method::POST, "/auth/token", "").json(&json!({})).send().await.unwrap();
    assert_eq!(json.status(), 415);
    assert_eq!(bench.run(&["token", "revoke", &id]).await.code, Some(0));
    assert_eq!(ask(&server, &form, None).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_s09_who_guesses_at_the_token_endpoint_waits() {
    let bench = Workbench::new().await;
    let server = Server::start(&bench).await;
    let form = "grant_type=client_credentials&client_id=x&client_secret=y";
    for _ in 0..10 {
        assert_eq!(ask(&server, form, None).await.0, 401);
    }
    let (status, headers, told) = ask(&server, form, None).await;
    assert_eq!((status.as_u16(), told["error"].as_str().unwrap()), (429, "temporarily_unavailable"));
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}
