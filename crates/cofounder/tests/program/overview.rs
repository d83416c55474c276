//! What an owner looks at: the site's feed, who was told of what, what it cost, and what came of it.

use cofounder_testkit::receiver::FakeReceiver;
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    serving::{Server, token},
    workbench::Workbench,
};

async fn json_of(answer: Response) -> Value {
    answer.json().await.unwrap()
}

/// Reads events until there are so many; their numbers and data.
async fn heard(mut answer: Response, count: usize) -> Vec<(i64, Value)> {
    let mut text = String::new();
    let listen = async {
        loop {
            let piece = answer.chunk().await.unwrap().expect("it goes on");
            text.push_str(std::str::from_utf8(&piece).unwrap());
            let (whole, _) = text.rsplit_once("\n\n").unwrap_or_default();
            let events: Vec<(i64, Value)> = whole.split("\n\n").filter_map(event).collect();
            if events.len() >= count {
                return events;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), listen).await.expect("it never came")
}

fn event(text: &str) -> Option<(i64, Value)> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    Some((field("id: ")?.parse().unwrap(), serde_json::from_str(field("data: ")?).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_is_followed_across_a_restart_and_nothing_is_missed() {
    let bench = Workbench::new().await;
    let writer = token(&bench, &["--scope", "writer"]).await;
    let server = Server::start(&bench).await;
    assert_eq!(server.get("/api/v1/events", "").await.status(), 401);
    let ask = async |server: &Server, topic: &str| {
        let request = server.request(Method::POST, "/api/v1/tasks", &writer).json(&json!({"topic": topic}));
        json_of(request.send().await.unwrap()).await["id"].as_str().unwrap().to_owned()
    };
    let before = ask(&server, "Before").await;
    // From now on, unless one asks for what was.
    let listening = server.get("/api/v1/events", &writer).await;
    assert_eq!(listening.headers()[header::CONTENT_TYPE], "text/event-stream");
    let first = ask(&server, "First").await;
    let told = heard(listening, 1).await;
    assert_eq!(
        (told[0].1["task_id"].as_str(), told[0].1["event"].as_str()),
        (Some(first.as_str()), Some("created"))
    );
    let last = told.last().unwrap().0;
    server.stop().await;
    let server = Server::start(&bench).await;
    let second = ask(&server, "Second").await;
    let resumed =
        server.request(Method::GET, "/api/v1/events", &writer).header("Last-Event-ID", last.to_string());
    let told = heard(resumed.send().await.unwrap(), 1).await;
    assert_eq!((told[0].0, told[0].1["task_id"].as_str()), (last + 1, Some(second.as_str())));
    let all = heard(server.get("/api/v1/events?after=0", &writer).await, 3).await;
    let tasks: Vec<&str> = all.iter().map(|(_, data)| data["task_id"].as_str().unwrap()).collect();
    assert_eq!(tasks, [before.as_str(), &first, &second]);
    assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_cost_and_told_is_shown_as_it_was() {
    let (bench, receiver) = (Workbench::new().await, FakeReceiver::honouring_keys().await.unwrap());
    let url = receiver.url();
    let hidden = format!("{url}/s3cret?key=s3cret");
    bench.configure(&format!(
        "price = {{ input = 1.0, output = 2.0 }}\n[webhook.site]\nurl = \"{hidden}\"\nhonours_keys = true\n"
    ));
    let written = bench.written().await;
    let task = written["task_id"].as_str().unwrap();
    assert_eq!(bench.run(&["task", "approve", task]).await.code, Some(0));
    let admin = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    let get = async |path: &str| {
        let answer = server.get(path, &admin).await;
        assert_eq!(answer.status(), 200, "{path}");
        json_of(answer).await
    };
    let webhooks = get("/api/v1/webhooks").await;
    assert_eq!(webhooks["items"][0]["name"], "site");
    assert!(!webhooks.to_string().contains("s3cret"), "{webhooks}");
    let pending = get("/api/v1/deliveries?state=pending").await;
    let id = pending["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(pending["items"][0]["task_id"], written["task_id"]);
    assert_eq!(bench.run(&["worker", "--until-idle"]).await.code, Some(0));
    let shown = get(&format!("/api/v1/deliveries/{id}")).await;
    assert_eq!(shown["state"], "done", "{shown}");
    let retry = server.post(&format!("/api/v1/deliveries/{id}/retry"), &admin, "").await;
    assert_eq!(retry.status(), 409);
    assert_eq!(server.get("/api/v1/deliveries?state=lost", &admin).await.status(), 422);

    // What it cost is the same wherever one looks.
    let calls = get(&format!("/api/v1/calls?task={task}&limit=200")).await;
    let listed = bench.json(&["ledger", "list", "--task", task, "--limit", "200"]).await;
    assert_eq!(calls["items"], listed["items"], "the same words as the command line's");
    let cost = |items: &Value| {
        items.as_array().unwrap().iter().map(|c| c["cost_nanousd"].as_u64().unwrap()).sum::<u64>()
    };
    let costs = get("/api/v1/costs?by=day").await;
    assert!(cost(&calls["items"]) > 0);
    assert_eq!(cost(&costs["items"]), cost(&calls["items"]));
    let budgets = get("/api/v1/budgets").await;
    let spent =
        budgets["items"].as_array().unwrap().iter().find(|b| b["scope"] == format!("task:{task}").as_str());
    assert_eq!(spent.map(|b| b["spent_nanousd"].as_u64().unwrap()), Some(cost(&calls["items"])), "{budgets}");
    let providers = get("/api/v1/providers").await;
    assert_eq!(providers["items"][0]["name"], "acme");
    let settings = get("/api/v1/settings").await;
    assert!(!settings.to_string().contains("s3cret"), "{settings}");
    let set =
        settings["items"].as_array().unwrap().iter().find(|item| item["key"] == "router.allow_paid").unwrap();
    assert_eq!((set["value"].as_str(), set["source"].as_str()), (Some("true"), Some("file")));
    let route = get("/api/v1/routes/draft").await;
    assert_eq!(route["models"][0]["id"], "acme/large");
    assert_eq!(server.get("/api/v1/routes/king", &admin).await.status(), 404);

    let content = server.get("/api/v1/metrics/content", &admin).await;
    let tag = content.headers()[header::ETAG].clone();
    let content = json_of(content).await;
    let day = &content["items"][0];
    assert_eq!((&day["asked"], &day["drafted"], &day["published"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(day["calls"].as_u64().unwrap() as usize, calls["items"].as_array().unwrap().len());
    let again =
        server.request(Method::GET, "/api/v1/metrics/content", &admin).header(header::IF_NONE_MATCH, tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    assert_eq!(server.get("/api/v1/metrics/content?cursor=x", &admin).await.status(), 422);
}

/// Many ask, and the database is asked once; when it cannot be counted nothing is told.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s15_what_came_of_the_work_is_counted_once_a_minute_and_never_made_up() {
    let bench = Workbench::new().await;
    let viewer = token(&bench, &["--scope", "viewer"]).await;
    let writer = token(&bench, &["--scope", "writer"]).await;
    let server = Server::start(&bench).await;
    let ask = || server.get("/api/v1/metrics/content", &viewer);
    let answers = futures_util::future::join_all((0..50).map(|_| ask())).await;
    let mut tags: Vec<_> = answers.iter().map(|answer| answer.headers()[header::ETAG].clone()).collect();
    tags.dedup();
    assert_eq!(tags.len(), 1, "all share one count");
    let made = server.request(Method::POST, "/api/v1/tasks", &writer).json(&json!({"topic": "Why"}));
    assert_eq!(made.send().await.unwrap().status(), 201);
    assert_eq!(json_of(ask().await).await["items"], json!([]), "it is counted anew after a minute");
    server.stop().await;
    let server = Server::start(&bench).await;
    // What the token may is known for a second longer than the database is there.
    assert_eq!(server.get("/api/v1/tasks", &viewer).await.status(), 200);
    bench.raw("ALTER TABLE task_history RENAME TO away").await;
    let away = server.get("/api/v1/metrics/content", &viewer).await;
    assert!(away.status().is_server_error(), "{}", away.status());
    assert!(!json_of(away).await.to_string().contains("items"));
    bench.raw("ALTER TABLE away RENAME TO task_history").await;
    let back = json_of(server.get("/api/v1/metrics/content", &viewer).await).await;
    assert_eq!(back["items"][0]["asked"], 1);
}
