//! What the program says on standard error, and that nobody else says it.

use cofounder_testkit::{
    provider::{End, Reply},
    receiver::{Answer, FakeReceiver},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    serving::{Server, hello, streamed, token, until},
    story,
    workbench::{Workbench, ended, finish, start},
};

const JSON: [(&str, &str); 2] = [("COFOUNDER_LOG__FORMAT", "json"), ("COFOUNDER_LOG__LEVEL", "debug")];

/// Every line so far, which must be an object of its own with time, level and words.
fn lines(server: &Server) -> Vec<Value> {
    server.said().iter().map(|line| read(line)).collect()
}

fn read(line: &str) -> Value {
    let read: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let time = read["time"].as_str().unwrap_or_else(|| panic!("{line}"));
    let _: cofounder_domain::Timestamp = time.parse().unwrap();
    assert!(["error", "warn", "info", "debug", "trace"].contains(&read["level"].as_str().unwrap()), "{line}");
    assert!(read["message"].is_string(), "{line}");
    read
}

fn of<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["message"] == message).collect()
}

/// Tried without the span of steps, of a step's calls, of a client's call in the task that makes it, and of requests: the
/// test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn audit_p11_every_line_carries_the_ids_of_its_request_task_step_and_call() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let sources = bench.shown("sources");
    let task = bench.json(&["task", "create", story::TOPIC, "--source", &sources, "--words", "120"]).await;
    let server = Server::start_in(&bench, &[], &JSON).await;
    let answer = server.post("/v1/chat/completions", &key, hello("acme/large").to_string()).await;
    let (request, call) =
        (answer.headers()["x-request-id"].clone(), answer.headers()["x-cofounder-call"].clone());
    drop(answer.bytes().await.unwrap());
    let done =
        |lines: &[Value]| of(lines, &format!("{}  awaiting_approval", task["id"].as_str().unwrap())).len();
    until("the task is done", || async { done(&lines(&server)) == 1 }).await;
    let lines = lines(&server);
    let asked = of(&lines, "model request");
    let (by_steps, by_clients): (Vec<&Value>, Vec<&Value>) =
        asked.iter().partition(|line| line["task"].is_string());
    assert_eq!((by_steps.len(), by_clients.len()), (5, 1), "{asked:#?}");
    for line in by_steps {
        assert_eq!(line["task"], task["id"], "{line}");
        assert!(line["step"].is_string() && line["call"].is_string() && line["request"].is_null(), "{line}");
    }
    let line = by_clients[0];
    assert_eq!(line["request"], request.to_str().unwrap(), "{line}");
    assert_eq!(line["call"], call.to_str().unwrap(), "{line}");
    assert_eq!(line["model"], "acme/large", "{line}");
    let answered = of(&lines, "answered");
    let answered = answered.iter().find(|line| line["request"] == request.to_str().unwrap()).unwrap();
    assert_eq!(answered["route"], "/v1/chat/completions", "{answered}");
    assert_eq!((&answered["method"], &answered["status"]), (&json!("POST"), &json!(200)));
    for line in lines
        .iter()
        .filter(|line| line["message"].as_str().unwrap().starts_with(task["id"].as_str().unwrap()))
    {
        assert_eq!(line["task"], task["id"], "what is said of a task names it: {line}");
    }
}

/// Tried with a task of its own for the call that does not take the request's span along: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_stream_and_of_its_end_carry_its_ids() {
    let bench = Workbench::new().await;
    let key = token(&bench, &[]).await;
    let server = Server::start_in(&bench, &["--no-worker"], &JSON).await;
    bench.provider.reply([Reply::stream(&["some ", "words"], End::Done)]);
    let request = server.request(Method::POST, "/v1/chat/completions", &key).header("x-request-id", "mine-7");
    let answer = request.body(streamed("acme/large").to_string()).send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "mine-7");
    assert!(of(&lines(&server), "answered").is_empty() || answer.content_length().is_some(), "it goes on");
    drop(answer.text().await.unwrap());
    until("its end is told", || async { of(&lines(&server), "answered").len() == 1 }).await;
    let lines = lines(&server);
    for message in ["model request", "answered"] {
        assert_eq!(of(&lines, message)[0]["request"], "mine-7", "{message}");
    }
}

/// Tried by taking every id over: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_id_and_takes_over_a_harmless_one_only() {
    let bench = Workbench::new().await;
    let server = Server::start(&bench).await;
    let mut made = std::collections::BTreeSet::new();
    let long = "x".repeat(65);
    for hostile in ["", "a b", "a\tb", "{\"a\":1}", "a=b", "\u{9b}31m", long.as_str(), "<script>"] {
        for path in ["/healthz", "/nowhere", "/v1/models", "/api/v1/tasks"] {
            let request = server.request(Method::GET, path, "").header("x-request-id", hostile.as_bytes());
            let answer = request.send().await.unwrap();
            let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
            assert!(id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()), "{hostile}: {id}");
            assert!(made.insert(id), "each has its own");
        }
    }
    let request = server.request(Method::PUT, "/healthz", "").header("x-request-id", "01-a.B_c");
    assert_eq!(request.send().await.unwrap().headers()["x-request-id"], "01-a.B_c");
}

const FORGED: &str = "no\n2026-01-01T00:00:00.000Z ERROR forged\r{\"level\":\"error\",\"message\":\"forged\"}\n\u{1b}[2J\u{9b}31m";

/// An encyclopaedia whose second article has a hostile title, and is not there.
async fn hostile_wiki() -> FakeReceiver {
    let wiki = FakeReceiver::honouring_keys().await.unwrap();
    let json = |body: Value| {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Answer::Status(200, headers, body.to_string().into())
    };
    let found =
        json!({"query": {"search": [{"pageid": 1, "title": "Foxes"}, {"pageid": 2, "title": FORGED}]}});
    let article = json!({"query": {"pages": [{"pageid": 1, "title": "Foxes", "fullurl": "https://wiki.example/Foxes",
        "extract": "Foxes live in 3 kinds of forests. They hunt at night. Their dens have 2 exits."}]}});
    wiki.answer([json(found), json(article), Answer::status(404)]);
    wiki
}

/// Such text comes from an encyclopaedia here; what other parts say of it is cleaned before it is logged.
#[tokio::test(flavor = "multi_thread")]
async fn text_from_outside_begins_no_line_and_commands_no_terminal() {
    for form in ["human", "json"] {
        let bench = Workbench::new().await;
        let key = token(&bench, &["--scope", "admin"]).await;
        let wiki = hostile_wiki().await;
        let base = wiki.url();
        let variables = [
            ("COFOUNDER_RESEARCH__WIKIPEDIA__BASE_URL", base),
            ("COFOUNDER_RESEARCH__ALLOW_PRIVATE_ADDRESSES", "true"),
            ("COFOUNDER_LOG__FORMAT", form),
            ("COFOUNDER_LOG__LEVEL", "trace"),
            ("COFOUNDER_WORKER__RETRIES", "0"),
        ];
        let server = Server::start_in(&bench, &[], &variables).await;
        bench.provider.script(|_| Reply::error(500, FORGED, None));
        // A provider's words, to a client and to a step; a path, a header, a model's name, a topic.
        assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 503);
        drop(server.chat(&key, &hello(&format!("acme/{FORGED}"))).await);
        drop(server.get("/no%0a2026%1b[2J?x=%0d%0aforged", &key).await);
        let request = server
            .request(Method::GET, "/api/v1/tasks", &key)
            .header("user-agent", "\u{9b}31m forged".as_bytes());
        drop(request.send().await.unwrap());
        let asked =
            json!({"topic": "a\n2026 ERROR forged \u{1b}[31m", "sources": ["https://example.invalid/"]});
        drop(server.request(Method::POST, "/api/v1/tasks", &key).json(&asked).send().await.unwrap());
        let task = bench.json(&["task", "create", "Foxes", "--words", "120"]).await;
        let id = task["id"].as_str().unwrap();
        until("the task fails", || async { bench.json(&["task", "show", id]).await["status"] == "failed" })
            .await;
        let said = server.said();
        let told =
            said.iter().any(|line| line.contains("forged") && line.contains("an article was left out"));
        assert!(told, "what was said is told: {said:#?}");
        for line in said {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            if form == "json" {
                read(&line);
            } else {
                assert!(!line.starts_with("2026-01-01") && !line.starts_with('{'), "{line:?}");
            }
        }
        assert_eq!(server.stop().await.code, Some(0));
    }
}

/// Tried without the limit, and without telling what was left out: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn lines_that_come_again_and_again_are_counted() {
    let bench = Workbench::new().await;
    bench.configure("price = { input = 0.0, output = 0.0 }\n[log]\nrepeats = 3\nrepeats_ms = 1000\n");
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    bench.provider.script(|_| Reply::Garbage);
    for _ in 0..40 {
        let status = server.chat(&key, &hello("acme/large")).await.0;
        assert!(status.is_server_error(), "{status}");
    }
    let count = |words: &str| server.said().iter().filter(|line| line.contains(words)).count();
    until("what was left out is told", || async { count("were left out within 1 s") > 0 }).await;
    let written = count("WARN a call failed ");
    assert!((3..40).contains(&written), "{written}: {:#?}", server.said());
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let left: u64 = server
        .said()
        .iter()
        .filter_map(|line| line.split("left_out=").nth(1)?.split(' ').next()?.parse::<u64>().ok())
        .sum();
    assert_eq!(left + written as u64, 40, "every one is written or counted: {:#?}", server.said());
}

/// Tried with `-v` before `RUST_LOG` and with the configuration before `-v`: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn the_level_comes_from_rust_log_then_flags_then_the_configuration() {
    let bench = Workbench::new().await;
    bench.configure("price = { input = 0.0, output = 0.0 }\n[log]\nlevel = \"debug\"\n");
    let shows = |rust_log: Option<&'static str>, flag: Option<&'static str>| {
        let mut command = bench.command(&["worker", "--until-idle"]);
        command.args(flag);
        command.envs(rust_log.map(|value| ("RUST_LOG", value)));
        async { finish(command).await.stderr }
    };
    // The worker's database is new: making it is told at no level, so a task is run.
    let sources = bench.shown("sources");
    for (rust_log, flag, told) in [
        (None, None, true),
        (None, Some("-v"), false),
        (Some("cofounder_providers=debug"), Some("-v"), true),
        (Some("off"), Some("-vv"), false),
    ] {
        bench.json(&["task", "create", story::TOPIC, "--source", &sources, "--words", "120"]).await;
        let said = shows(rust_log, flag).await;
        assert_eq!(said.contains("model request"), told, "{rust_log:?} {flag:?}: {said}");
        assert!(said.contains("awaiting_approval"), "what it does is told in any case: {said}");
    }
    bench.configure("[log]\nlevel = \"loud,,=\"\n");
    bench.run(&["task", "list"]).await.refused(2, &["log.level", "error, warn, info, debug or trace"]);
    drop(ended(start(&bench, &["--version"])).await);
}
