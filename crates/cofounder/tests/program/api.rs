//! The API under `/api/v1`: who may, what it answers, and that its description tells the truth.

use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    serving::{Server, token},
    workbench::Workbench,
};

/// A JSON request.
pub(crate) async fn send(
    server: &Server,
    method: Method,
    path: &str,
    token: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let answer = server.request(method, path, token).json(body).send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or_default())
}

pub(crate) async fn post(server: &Server, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
    send(server, Method::POST, path, token, body).await
}

async fn json_of(answer: Response) -> Value {
    answer.json().await.unwrap()
}

/// Who may do something, as the description says it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Everybody,
    /// Whoever is known, also a program whatever its scope.
    Known,
    /// People who are signed in; no program.
    People,
    Scope(String),
}

/// Every operation of the description: method, path, and who may.
fn operations(api: &Value) -> Vec<(Method, String, Who)> {
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let security = operation["security"].as_array().cloned().unwrap_or_default();
            let token = security.iter().find_map(|way| way["token"].as_array());
            let who = match token {
                _ if security.is_empty() || security.contains(&json!({})) => Who::Everybody,
                None => Who::People,
                Some(scopes) => {
                    scopes.first().map_or(Who::Known, |scope| Who::Scope(scope.as_str().unwrap().to_owned()))
                }
            };
            all.push((method, path.clone(), who));
        }
    }
    all
}

const SCOPES: [(&str, &[&str]); 5] = [
    ("viewer", &["viewer"]),
    ("writer", &["viewer", "writer"]),
    ("editor", &["viewer", "writer", "editor"]),
    ("gateway", &["gateway"]),
    ("admin", &["viewer", "writer", "editor", "gateway", "admin"]),
];

/// Tried by letting viewers approve, and by saying `viewer` where a handler asks for a writer: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_open_to_the_scope_that_its_description_names_and_closed_to_others() {
    let bench = Workbench::new().await;
    let server = Server::start(&bench).await;
    let mut tokens = Vec::new();
    for (scope, allows) in SCOPES {
        tokens.push((token(&bench, &["--scope", scope]).await, allows));
    }
    let api = json_of(server.get("/openapi.json", &tokens[0].0).await).await;
    let operations = operations(&api);
    assert!(operations.len() > 15, "{operations:?}");
    for (method, path, who) in operations {
        let place = path.replace("{id}", "01934d3e-0000-7000-8000-000000000000").replace("{slug}", "none");
        let ask = async |token: &str| {
            server
                .request(method.clone(), &place, token)
                .json(&json!({}))
                .send()
                .await
                .unwrap()
                .status()
                .as_u16()
        };
        if who == Who::Everybody {
            assert_ne!(ask("").await, 401, "{method} {path} says that it is open");
            continue;
        }
        assert_eq!(ask("").await, 401, "{method} {path} without a token");
        for (token, allows) in &tokens {
            let expected = match &who {
                Who::Scope(scope) => allows.contains(&scope.as_str()),
                who => *who == Who::Known,
            };
            let status = ask(token).await;
            assert_eq!(![401, 403].contains(&status), expected, "{method} {path}: {status} with {allows:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_asked_for_followed_and_published_over_http() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let id = written["task_id"].as_str().unwrap().to_owned();
    let slug = written["post"]["slug"].as_str().unwrap().to_owned();
    let editor = token(&bench, &["--scope", "editor"]).await;
    let viewer = token(&bench, &["--scope", "viewer"]).await;
    let server = Server::start(&bench).await;

    let shown = server.get(&format!("/api/v1/tasks/{id}"), &viewer).await;
    let tag = shown.headers()[header::ETAG].to_str().unwrap().to_owned();
    let task = json_of(shown).await;
    let mut told = bench.json(&["task", "show", &id]).await;
    told.as_object_mut().unwrap().remove("journal");
    assert_eq!(task, told, "the same words as the command line's");
    assert_eq!((task["status"].as_str(), task["gate"].as_str()), (Some("awaiting_approval"), Some("open")));
    let again = server.request(Method::GET, &format!("/api/v1/tasks/{id}"), &viewer);
    let again = again.header(header::IF_NONE_MATCH, &tag).send().await.unwrap();
    assert_eq!(again.status(), 304);

    // A draft is not there for everybody.
    assert_eq!(server.get(&format!("/api/v1/posts/{slug}"), "").await.status(), 404);
    assert_eq!(json_of(server.get("/api/v1/posts", "").await).await["items"], json!([]));
    assert_eq!(server.get("/api/v1/posts?drafts=true", "").await.status(), 401);
    let drafts = json_of(server.get("/api/v1/posts?drafts=true", &viewer).await).await;
    assert_eq!(drafts["items"][0]["slug"], slug.as_str());

    let (status, approved) = post(&server, &format!("/api/v1/tasks/{id}/approve"), &editor, &json!({})).await;
    assert_eq!((status.as_u16(), approved["status"].as_str()), (200, Some("published")), "{approved}");
    let public = server.get(&format!("/api/v1/posts/{slug}"), "").await;
    assert_eq!(public.status(), 200);
    let post_shown = json_of(public).await;
    assert!(post_shown["published_at"].is_string() && post_shown["markdown"].as_str().unwrap().len() > 100);
    let (status, problem) = post(&server, &format!("/api/v1/tasks/{id}/approve"), &editor, &json!({})).await;
    assert_eq!((status.as_u16(), problem["type"].as_str()), (409, Some("urn:cofounder:problem:conflict")));
    assert!(problem["detail"].as_str().unwrap().contains("published"), "{problem}");
    let changed = server.request(Method::GET, &format!("/api/v1/tasks/{id}"), &viewer);
    let changed = changed.header(header::IF_NONE_MATCH, &tag).send().await.unwrap();
    assert_eq!(changed.status(), 200, "its state is another one");
    let revisions = json_of(server.get(&format!("/api/v1/posts/{slug}/revisions"), &viewer).await).await;
    assert_eq!(revisions["items"][0]["number"], 1);
}

/// Tried without the key: two tasks were made.
#[tokio::test(flavor = "multi_thread")]
async fn a_wish_with_a_key_makes_one_task_and_its_life_can_be_steered() {
    let bench = Workbench::new().await;
    let writer = token(&bench, &["--scope", "writer"]).await;
    let server = Server::start(&bench).await;
    let ask = async |key: &str, topic: &str| {
        let request = server.request(Method::POST, "/api/v1/tasks", &writer).header("Idempotency-Key", key);
        request
            .json(&json!({"topic": topic, "sources": ["https://a.example/x"], "words": 300}))
            .send()
            .await
            .unwrap()
    };
    let first = ask("k1", "Why").await;
    assert_eq!(first.status(), 201);
    let place = first.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let first = json_of(first).await;
    let second = ask("k1", "Why").await;
    assert_eq!(second.status(), 200);
    assert_eq!(json_of(second).await["id"], first["id"]);
    assert_eq!(ask("k1", "Something else").await.status(), 409);
    assert_eq!(json_of(ask("k2", "Why").await).await["status"], "pending");
    assert_eq!(
        json_of(server.get("/api/v1/tasks", &writer).await).await["items"].as_array().unwrap().len(),
        2
    );

    let mut moves = Vec::new();
    for (verb, body) in [
        ("hold", json!({"reason": "later"})),
        ("release", json!({})),
        ("cancel", json!({})),
        ("retry", json!({})),
        ("retry", json!({})),
    ] {
        let (status, task) = post(&server, &format!("{place}/{verb}"), &writer, &body).await;
        moves.push((status.as_u16(), task["status"].clone()));
    }
    let expected = [(200, "on_hold"), (200, "pending"), (200, "cancelled"), (200, "pending")];
    let (last, others) = moves.split_last().unwrap();
    assert_eq!(others, expected.map(|(status, name)| (status, json!(name))));
    assert_eq!(last.0, 409, "it waits already");
    let entries = json_of(server.get(&format!("{place}/journal?limit=2"), &writer).await).await;
    assert_eq!(
        (entries["items"][0]["event"].as_str(), entries["next_cursor"].as_str()),
        (Some("created"), Some("2"))
    );
    let more = json_of(server.get(&format!("{place}/journal?cursor=2"), &writer).await).await;
    assert_eq!((more["items"][0]["seq"].as_i64(), more["next_cursor"].as_str()), (Some(3), None));
}

/// Tried by taking paths, unknown fields and any priority: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_valid_is_a_problem_that_says_what_and_stores_nothing() {
    let bench = Workbench::new().await;
    let writer = token(&bench, &["--scope", "writer"]).await;
    let server = Server::start(&bench).await;
    for (body, status, told) in [
        (json!({}), 422, "topic"),
        (json!({"topic": " "}), 422, "the topic is empty"),
        (json!({"topic": "x".repeat(1_001)}), 422, "1001 characters"),
        (json!({"topic": "Why", "words": 1}), 422, "1 words"),
        (json!({"topic": "Why", "words": -1}), 422, "words"),
        (json!({"topic": "Why", "out_dir": "/etc"}), 422, "unknown field `out_dir`"),
        (json!({"topic": "Why", "sources": ["/etc/passwd"]}), 422, "no address on the web"),
        (json!({"topic": "Why", "sources": ["file:///etc/passwd"]}), 422, "file"),
        (json!({"topic": "Why", "priority": 101}), 422, "-100 to 100"),
        (json!({"topic": "Why", "start": "tomorrow"}), 422, "start"),
        (json!({"topic": "Why", "deadline": "2001-01-01T00:00:00Z"}), 422, "has passed"),
        (json!(["Why", 600, [], null, 0, null, null, null]), 422, "must be an object"),
    ] {
        let (found, problem) = post(&server, "/api/v1/tasks", &writer, &body).await;
        assert_eq!(found.as_u16(), status, "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{body}: {problem}");
        assert_eq!(problem["status"], status, "{problem}");
    }
    let plain = server.post("/api/v1/tasks", &writer, "{}").await;
    assert_eq!(plain.status(), 415);
    let json_type = (header::CONTENT_TYPE, "application/json");
    let raw = |body: Vec<u8>| {
        server
            .request(Method::POST, "/api/v1/tasks", &writer)
            .header(json_type.0.clone(), json_type.1)
            .body(body)
    };
    assert_eq!(raw(b"{".to_vec()).send().await.unwrap().status(), 400);
    assert_eq!(raw(vec![b' '; 2 << 20]).send().await.unwrap().status(), 413);
    let packed = raw(b"{}".to_vec()).header(header::CONTENT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(packed.status(), 415);
    for path in [
        "/api/v1/tasks?limit=0",
        "/api/v1/tasks?limit=201",
        "/api/v1/tasks?cursor=zz",
        "/api/v1/tasks?status=done",
        "/api/v1/tasks?colour=red",
        "/api/v1/posts?drafts=maybe",
    ] {
        assert_eq!(server.get(path, &writer).await.status(), 422, "{path}");
    }
    for path in [
        "/api/v1/tasks/zz",
        "/api/v1/tasks/01934d3e-0000-7000-8000-000000000000",
        "/api/v1/posts/..%2f..",
        "/api/v1/nothing",
    ] {
        let answer = server.get(path, &writer).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
            (404, "application/problem+json"),
            "{path}"
        );
    }
    assert_eq!(json_of(server.get("/api/v1/tasks", &writer).await).await["items"], json!([]));
}

/// Reads events until one of this name has come; their ids and names.
async fn heard(answer: &mut Response, name: &str) -> Vec<(i64, String)> {
    let mut text = String::new();
    let listen = async {
        loop {
            let piece = answer.chunk().await.unwrap().expect("it goes on");
            text.push_str(std::str::from_utf8(&piece).unwrap());
            let events = told(&text);
            if events.iter().any(|(_, event)| event == name) {
                return events;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), listen).await.expect("it never came")
}

fn told(text: &str) -> Vec<(i64, String)> {
    let (whole, _) = text.rsplit_once("\n\n").unwrap_or_default();
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    let events = whole.split("\n\n").filter(|event| event.contains("data: "));
    events
        .map(|event| (field(event, "id").unwrap().parse().unwrap(), field(event, "event").unwrap()))
        .collect()
}

/// Tried by beginning at the top each time, without looking at the token again, and without the program's end: the test
/// failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_followed_as_it_goes_on_and_nothing_is_missed_or_told_twice() {
    let bench = Workbench::new().await;
    let writer = token(&bench, &["--scope", "writer"]).await;
    let server = Server::start(&bench).await;
    let (_, task) = post(&server, "/api/v1/tasks", &writer, &json!({"topic": "Why"})).await;
    let place = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let events = format!("{place}/events");
    assert_eq!(server.get(&events, "").await.status(), 401);
    let mut listening = server.get(&events, &writer).await;
    assert_eq!(listening.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(heard(&mut listening, "created").await, [(1, "created".to_owned())]);
    post(&server, &format!("{place}/hold"), &writer, &json!({})).await;
    assert_eq!(heard(&mut listening, "moved").await, [(2, "moved".to_owned())]);
    drop(listening);
    post(&server, &format!("{place}/release"), &writer, &json!({})).await;
    let resume =
        |from: &str| server.request(Method::GET, &events, &writer).header("Last-Event-ID", from).send();
    let mut resumed = resume("2").await.unwrap();
    assert_eq!(heard(&mut resumed, "moved").await, [(3, "moved".to_owned())]);
    for wrong in ["x", "-1", "1.5"] {
        assert_eq!(resume(wrong).await.unwrap().status(), 422, "{wrong}");
    }
    // Its right to listen ends with its token.
    let tokens = bench.json(&["token", "list"]).await;
    bench.run(&["token", "revoke", tokens["items"][0]["id"].as_str().unwrap()]).await;
    let ends = async { while resumed.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), ends).await.expect("it goes on without a right");
    // And so it does with the program, which does not wait for it.
    let viewer = token(&bench, &["--scope", "viewer"]).await;
    let mut last = server.get(&events, &viewer).await;
    heard(&mut last, "moved").await;
    let begun = std::time::Instant::now();
    assert_eq!(server.stop().await.code, Some(0));
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "the grace time is 20 s");
}
