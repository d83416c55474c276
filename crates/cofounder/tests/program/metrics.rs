//! `/metrics`: what is counted is what happened.

use cofounder_testkit::{
    gguf::{TinyModel, Weights},
    postgres::Cluster,
    provider::Reply,
    receiver::FakeReceiver,
};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    clients::named,
    serving::{Server, hello, streamed, token, until},
    story,
    workbench::{Workbench, start},
};

/// What was read: each sample by its name and labels, as they are written.
struct Read(BTreeMap<String, f64>);

impl Read {
    async fn of(server: &Server, key: &str) -> Self {
        let answer = server.get("/metrics", key).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.headers()["content-type"],
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        let text = answer.text().await.unwrap();
        strictly(&text);
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).map(sample).collect())
    }

    fn value(&self, name: &str) -> f64 {
        self.maybe(name).unwrap_or_else(|| panic!("{name} is not there: {:#?}", self.0))
    }

    fn maybe(&self, name: &str) -> Option<f64> {
        self.0.get(&format!("cofounder_{name}")).copied()
    }
}

/// As Prometheus' own strict parser reads it, where it is installed.
fn strictly(text: &str) {
    let Some(python) = named("COFOUNDER_TEST_OPENAI_PYTHON") else { return };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.ci/clients/read_metrics.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    let samples: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(samples.len(), text.lines().filter(|line| !line.starts_with('#')).count());
}

/// Tried without counting each of: runs, steps, attempts, takeovers, effects; and with addresses as they are asked for as
/// labels: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_what_is_counted() {
    let (bench, receiver) = (Workbench::new().await, FakeReceiver::honouring_keys().await.unwrap());
    bench.configure(&format!(
        "price = {{ input = 10.0, output = 20.0 }}\n[budget]\nday_usd = 5.0\n[worker]\nretry_pause_ms = 50\nlease_ms = 2000\n[webhook.site]\nurl = \"{}\"\n",
        receiver.url()
    ));
    let admin = token(&bench, &["--scope", "admin", "--budget-day", "2"]).await;
    let sources = bench.shown("sources");
    let task = ["task", "create", story::TOPIC, "--source", &sources, "--words", "120"];
    // A worker that dies, and whose task is taken over.
    bench.hang_at_section(1);
    let lost = bench.json(&task).await;
    let mut worker = start(&bench, &["worker"]);
    bench.hanging(2).await;
    worker.kill().await.unwrap();
    let mut writer = story::able_writer();
    let mut failing = 1;
    bench.provider.script(move |body| match story::prompt(body).contains("Plan") && failing > 0 {
        true => {
            failing -= 1;
            Reply::Garbage
        }
        false => writer(body),
    });
    let server = Server::start_with(&bench, &[]).await;
    let other = bench.json(&task).await;
    for id in [&lost["id"], &other["id"]] {
        let done = async || {
            bench.json(&["task", "show", id.as_str().unwrap()]).await["status"] == "awaiting_approval"
        };
        until("a task is done", done).await;
    }
    assert_eq!(bench.run(&["task", "approve", other["id"].as_str().unwrap()]).await.code, Some(0));
    until("the post is told of", || async { receiver.accepted() == 1 }).await;
    // Of clients: two answers, one of them streamed; a refusal; addresses, methods and models that are made up.
    assert_eq!(server.chat(&admin, &hello("acme/large")).await.0, 200);
    server.stream(&admin, &streamed("acme/large")).await;
    bench.provider.reply([Reply::error(400, "no", None)]);
    assert_eq!(server.chat(&admin, &hello("acme/large")).await.0, 400);
    for number in 0..20 {
        assert_eq!(server.get(&format!("/made-up-{number}"), &admin).await.status(), 404);
        let method = Method::from_bytes(format!("MADEUP{number}").as_bytes()).unwrap();
        drop(server.request(method, &format!("/api/v1/tasks/{number}"), &admin).send().await.unwrap());
        drop(server.chat(&admin, &hello(&format!("nobody-{number}/model"))).await);
    }

    let read = Read::of(&server, &admin).await;
    let chats = |status: &str| {
        read.value(&format!(
            "http_requests_total{{route=\"/v1/chat/completions\",method=\"POST\",status=\"{status}\"}}"
        ))
    };
    assert_eq!((chats("2xx"), chats("4xx")), (2.0, 21.0));
    assert_eq!(read.value("http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"}"), 20.0);
    assert_eq!(
        read.value("http_request_seconds_count{route=\"/v1/chat/completions\",method=\"POST\"}"),
        23.0
    );
    assert_eq!(read.value("http_in_flight"), 1.0, "this request itself");
    assert!(read.value("http_connections") >= 1.0);
    assert!(
        !read
            .0
            .keys()
            .any(|name| name.contains("made-up") || name.contains("MADEUP") || name.contains("nobody")),
        "{:#?}",
        read.0
    );

    assert_eq!(read.value("runs_total{outcome=\"ended\"}"), 2.0);
    assert_eq!(read.maybe("runs_total{outcome=\"failed\"}"), None);
    assert_eq!(read.value("runs_running"), 0.0);
    assert_eq!(read.value("lease_takeovers_total"), 1.0);
    // Each step that the server ended, as the tasks tell it.
    let pid = server.child.id().unwrap().to_string();
    let (mut ended, mut begun) = (BTreeMap::<String, f64>::new(), BTreeMap::<String, f64>::new());
    for id in [&lost["id"], &other["id"]] {
        let shown = bench.json(&["task", "show", id.as_str().unwrap()]).await;
        for step in shown["steps"].as_array().unwrap() {
            let name = step["name"].as_str().unwrap().split('/').next().unwrap();
            let here = |one: &&Value| one["owner"].as_str().unwrap().ends_with(&format!(":{pid}"));
            let tries = step["tries"].as_array().unwrap().iter().filter(here).count();
            *begun.entry(name.to_owned()).or_default() += tries as f64;
            *ended.entry(name.to_owned()).or_default() += f64::from(u8::from(tries > 0));
        }
    }
    assert!(begun["outline"] >= 1.0 && ended["draft"] == 4.0, "{begun:?} {ended:?}");
    for (name, count) in &ended {
        let by = |outcome: &str| {
            read.maybe(&format!("steps_total{{step=\"{name}\",outcome=\"{outcome}\"}}")).unwrap_or(0.0)
        };
        assert_eq!(by("done") + by("degraded") + by("skipped"), *count, "{name}: {ended:?} {:#?}", read.0);
        assert_eq!(
            read.maybe(&format!("step_seconds_count{{step=\"{name}\"}}")).unwrap_or(0.0),
            *count,
            "{name}"
        );
        assert_eq!(
            read.maybe(&format!("step_attempts_total{{step=\"{name}\"}}")).unwrap_or(0.0),
            begun[name],
            "{name}"
        );
    }
    assert_eq!(read.value("effects_total{outcome=\"done\"}"), 1.0);

    assert_eq!(read.value("database_up"), 1.0);
    assert_eq!(read.value("tasks{status=\"awaiting_approval\"}"), 1.0);
    assert_eq!(read.value("tasks{status=\"pending\"}"), 0.0);
    assert_eq!(read.maybe("tasks{status=\"published\"}"), None);
    assert_eq!(read.value("effects_open{state=\"pending\"}"), 0.0);
    assert!(read.value("database_connections") >= read.value("database_connections_idle"));
    assert!(
        read.value("database_transactions_total") > 10.0 && read.value("database_wait_seconds_total") > 0.0
    );
    let day = |kind: &str, account: &str| {
        read.value(&format!("budget_{kind}_usd{{account=\"{account}\",period=\"day\"}}"))
    };
    assert_eq!(day("limit", "site"), 5.0);
    let shown = bench.json(&["budget", "show"]).await;
    let of = |scope: &str| {
        shown["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|i| {
                i["scope"].as_str().unwrap().starts_with(scope)
                    && i["period"].as_str().unwrap().starts_with("day")
            })
            .unwrap()
    };
    let id = of("token:")["scope"].as_str().unwrap().strip_prefix("token:").unwrap();
    assert_eq!(day("limit", id), 2.0);
    for (scope, account) in [("site:", "site"), ("token:", id)] {
        let spent = of(scope)["spent_usd"].as_f64().unwrap();
        assert!(spent > 0.0 && (day("spent", account) - spent).abs() < 1e-9, "{shown:#}");
        assert!(day("reserved", account) >= 0.0);
    }

    let process = |name: &str| *read.0.get(name).unwrap_or_else(|| panic!("{name}: {:#?}", read.0));
    assert!((5e6..5e9).contains(&process("process_resident_memory_bytes")));
    assert!((5.0..500.0).contains(&process("process_open_fds")));
    assert!(process("process_start_time_seconds") > 1.7e9);
    let version = env!("CARGO_PKG_VERSION");
    assert!(read.0.keys().any(|name| name.starts_with("cofounder_build_info{") && name.contains(version)));
    assert_eq!(server.stop().await.code, Some(0));
}

/// Tried with zeros in place of what could not be looked up: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_silent_database_does_not_tell_is_left_out() {
    let Some(cluster) = Cluster::start("") else { return };
    let bench = Workbench::on(cluster.database()).await;
    bench.configure("price = { input = 0.0, output = 0.0 }\n[budget]\nday_usd = 5.0\n");
    let key = token(&bench, &["--scope", "viewer"]).await;
    let server = Server::start(&bench).await;
    let raw = sea_orm::Database::connect(bench.database_url()).await.unwrap();
    let lock = sea_orm::TransactionTrait::begin(&raw).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&lock, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let read = Read::of(&server, &key).await;
    assert_eq!(read.value("database_up"), 0.0);
    for left_out in ["cofounder_tasks{", "cofounder_effects_open{", "cofounder_budget_"] {
        assert!(!read.0.keys().any(|name| name.starts_with(left_out)), "{left_out}: {:#?}", read.0);
    }
    assert!(read.value("http_connections") >= 1.0, "what the process knows is told");
    lock.rollback().await.unwrap();
    // What was found is good for ten seconds.
    let again = async || Read::of(&server, &key).await.maybe("tasks{status=\"pending\"}") == Some(0.0);
    until("it is there again", again).await;
    let read = Read::of(&server, &key).await;
    assert_eq!(
        (read.value("database_up"), read.value("budget_limit_usd{account=\"site\",period=\"day\"}")),
        (1.0, 5.0)
    );
}

/// Tried without its memory and without its restarts: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_told_with_its_memory_and_its_restarts() {
    let bench = Workbench::new().await;
    let path = bench.shown("tiny.gguf");
    TinyModel { context: 2048, blocks: 1, weights: Weights::F32, ..TinyModel::default() }
        .write(bench.path("tiny.gguf").as_path())
        .unwrap();
    assert_eq!(bench.run(&["model", "pull", "tiny", "--file", &path]).await.code, Some(0));
    let admin = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    let ask =
        json!({"model": "embedded/tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5});
    assert_eq!(server.chat(&admin, &ask).await.0, 200);
    let read = Read::of(&server, &admin).await;
    assert_eq!(
        (read.value("engine_up{model=\"tiny\"}"), read.value("engine_restarts_total{model=\"tiny\"}")),
        (1.0, 0.0)
    );
    assert!((1e6..4e9).contains(&read.value("engine_resident_memory_bytes{model=\"tiny\"}")));
    assert!(read.value("model_tokens_total{model=\"embedded/tiny\",kind=\"output\"}") > 0.0);
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.child.id().unwrap())).unwrap();
    let children =
        threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap());
    let children: Vec<i32> =
        children.collect::<String>().split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    let [engine] = children.as_slice() else { panic!("{children:?}") };
    let engine = Pid::from_raw(*engine).unwrap();
    kill_process(engine, Signal::KILL).unwrap();
    until("it answers again", || async { server.chat(&admin, &ask).await.0 == 200 }).await;
    let again =
        async || Read::of(&server, &admin).await.value("engine_restarts_total{model=\"tiny\"}") == 1.0;
    until("its restart is told", again).await;
}
