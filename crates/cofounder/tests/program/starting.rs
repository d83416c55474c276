//! What keeps the program from starting is told at once, and what each part is like is told everywhere alike.

use serde_json::{Value, json};
use std::net::TcpListener;

use crate::{
    serving::{Server, token, until},
    workbench::{Workbench, finish},
};

/// A configuration of which nearly nothing can be used, and what must be said of it.
fn faulty(bench: &Workbench) -> Vec<(String, &'static str)> {
    let lines = [
        (
            "[server]\nbnd = \"127.0.0.1:1\"\ngrace_ms = \"soon\"",
            vec![
                "`server.bnd`: there is no key `bnd` here; did you mean `bind`?",
                "`server.grace_ms`: invalid type",
            ],
        ),
        ("[worker]\nconcurency = 3", vec!["`worker.concurency`: there is no key"]),
        (
            "[budget]\nday_usd = -1.0\nmonth_usd = -2.0",
            vec!["budget.day_usd is -1", "budget.month_usd is -2"],
        ),
        (
            "[provider.bad]\nbase_url = \"ftp://127.0.0.1/v1\"",
            vec!["`base_url` must begin with http:// or https://"],
        ),
        ("[provider.worse]\ndialect = \"openai\"", vec!["it has no `base_url`"]),
        ("[router]\nprefer = [\"acme\", \"nobody\"]", vec!["`prefer` names nobody"]),
        (
            "[webhook.one]\nurl = \"http://127.0.0.1:1/\"\nsecret = { env = \"NO_SUCH_SECRET\" }",
            vec!["NO_SUCH_SECRET"],
        ),
        ("[webhook.two]\nhonours_keys = true", vec!["missing field `url`"]),
        ("[ledger]\nredact = [\"(\"]", vec!["ledger.redact holds \"(\""]),
        ("[log]\nlevel = \"=,=\"", vec!["log.level is no level"]),
        ("[gatewy]\nx = 1", vec!["there is no key `gatewy` here; did you mean `gateway`?"]),
    ];
    let text: Vec<&str> = lines.iter().map(|(text, _)| *text).collect();
    let acme = format!(
        "[provider.acme]\nbase_url = \"{}\"\napi_key = {{ env = \"NO_SUCH_KEY\" }}\n",
        bench.provider.url()
    );
    bench.write("cofounder.toml", format!("{acme}{}\n", text.join("\n")));
    lines
        .into_iter()
        .flat_map(|(text, said)| said.into_iter().map(move |said| (text.to_owned(), said)))
        .collect()
}

/// Tried by ending at the first fault of the configuration, of its sections' meanings, and of the place: the test failed
/// each time.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s14_everything_that_keeps_it_from_starting_is_told_at_once() {
    let bench = Workbench::new().await;
    let said = faulty(&bench);
    let (file, taken) = (bench.write("file", "no folder"), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = taken.local_addr().unwrap().to_string();
    let below = format!("{file}/data");
    let args = [
        "serve",
        "--bind",
        &address,
        "--data-dir",
        &below,
        "--database-url",
        "postgres://me:hush@127.0.0.1:1/none",
    ];
    let mut command = bench.command(&args);
    command.env("COFOUNDER_WORKER____X", "1").env("COFOUNDER_HUB__ENABLD", "true");
    let done = finish(command).await;
    let mut wanted: Vec<&str> = said.iter().map(|(_, said)| *said).collect();
    wanted.extend(["COFOUNDER_WORKER____X names no setting", "COFOUNDER_HUB__ENABLD"]);
    wanted.extend([below.as_str(), address.as_str(), "the database: "]);
    done.refused(2, &wanted);
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines.len(), wanted.len() + 1, "a line for each: {done:#?}");
    assert!(
        lines[0].contains(&format!("{} things are wrong, and nothing was started", wanted.len())),
        "{done:#?}"
    );
    assert!(!done.stderr.contains("hush"), "{done:#?}");
    assert!(
        !done.stderr.contains("NO_SUCH_KEY"),
        "a provider without its key keeps nothing from starting: {done:#?}"
    );

    // Any other command says the same of the configuration, and the doctor what is wrong with the place as well.
    let listed = bench.run(&["task", "list"]).await;
    assert_eq!(listed.code, Some(2), "{listed:#?}");
    assert!(
        listed.stderr.contains("nothing was done") && listed.stderr.contains("`server.bnd`"),
        "{listed:#?}"
    );
    let doctor = bench.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code, Some(1), "{doctor:#?}");
    let checks: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let problems: Vec<&str> = checks["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["state"] == "problem")
        .map(|c| c["message"].as_str().unwrap())
        .collect();
    for (_, said) in &said {
        assert!(problems.iter().any(|problem| problem.contains(said)), "`{said}`: {problems:#?}");
    }
}

/// What is not the configuration's fault is no wrong use.
#[tokio::test(flavor = "multi_thread")]
async fn one_fault_of_the_place_alone_is_a_failure() {
    let bench = Workbench::new().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    bench
        .run(&["serve", "--bind", &address])
        .await
        .refused(1, &[&address, "cannot be listened on", "--bind"]);
    let Some(url) = cofounder_testkit::postgres::database() else { return };
    let mut command = bench.command(&["serve", "--bind", &address, "--database-url", &url]);
    command.env("COFOUNDER_WORKER__OUTAGE_MS", "100");
    finish(command).await.refused(1, &["2 things are wrong", &address, "cofounder migrate"]);
}

const PARTS: [&str; 12] = [
    "database",
    "models",
    "provider acme",
    "provider locked",
    "engine",
    "worker",
    "research",
    "webhooks",
    "ledger",
    "gateway",
    "sign-in",
    "log",
];

/// Tried with a report that leaves the providers out, and with one of its own in the doctor: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn audit_s16_each_part_is_told_as_ready_degraded_or_off_and_why_everywhere_alike() {
    let bench = Workbench::new().await;
    let locked = "[provider.locked]\nbase_url = \"http://127.0.0.1:1/v1\"\napi_key = { env = \"NO_SUCH_KEY\" }\n[webhook.site]\nurl = \"http://127.0.0.1:1/\"\n";
    bench.configure(&format!("price = {{ input = 0.0, output = 0.0 }}\n{locked}"));
    let server = Server::start(&bench).await;
    let said = server.said();
    let ready: Value = server.get("/readyz", "").await.json().await.unwrap();
    assert_eq!(ready["status"], "degraded", "{ready:#}");
    let parts = ready["components"].as_array().unwrap();
    let names: Vec<&str> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names, PARTS);
    for part in parts {
        let [name, state, why] = ["name", "state", "why"].map(|key| part[key].as_str().unwrap());
        assert!(!why.is_empty() && ["ready", "degraded", "off"].contains(&state), "{part}");
        assert!(said.contains(&format!("{name}: {state} ({why})")), "{part}: {said:#?}");
    }
    let of = |name: &str| parts.iter().find(|part| part["name"] == name).unwrap();
    for (name, state, why) in [
        ("database", "ready", "cofounder.db"),
        ("models", "ready", "acme/large"),
        ("provider locked", "degraded", "NO_SUCH_KEY"),
        ("engine", "off", "router.prefer"),
        ("worker", "off", "--no-worker"),
        ("webhooks", "ready", "site"),
        ("log", "ready", "warn"),
    ] {
        assert_eq!(of(name)["state"], state, "{ready:#}");
        assert!(of(name)["why"].as_str().unwrap().contains(why), "{ready:#}");
    }
    let doctor = bench.run(&["doctor", "--json"]).await;
    let checks: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let check =
        |name: &str| checks["items"].as_array().unwrap().iter().find(|check| check["name"] == name).cloned();
    for name in ["provider acme", "provider locked", "engine", "research", "webhooks", "ledger"] {
        let (part, check) = (of(name), check(name).unwrap_or_else(|| panic!("{name}: {checks:#}")));
        let told = format!("{} ({})", part["state"].as_str().unwrap(), part["why"].as_str().unwrap());
        assert_eq!(check["message"], told);
        assert_eq!(check["state"], if part["state"] == "degraded" { "warning" } else { "ok" }, "{check}");
    }
}

/// Tried with 400 and with 500: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn audit_p07_what_is_not_there_is_501_and_says_how_to_enable_it() {
    let bench = Workbench::new().await;
    bench.configure("price = { input = 0.0, output = 0.0 }\nabilities = [\"chat\", \"stream\"]\n");
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    for (path, body, ability) in [
        ("/v1/images/generations", json!({"model": "role:image", "prompt": "a fox"}), "images"),
        ("/v1/images/generations", json!({"model": "acme/large", "prompt": "a fox"}), "images"),
        ("/v1/embeddings", json!({"model": "role:embed", "input": "a fox"}), "embeddings"),
    ] {
        let answer = server.post(path, &key, body.to_string()).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["x-should-retry"].to_str().unwrap()),
            (501, "false"),
            "{body}"
        );
        let told: Value = answer.json().await.unwrap();
        let message = told["error"]["message"].as_str().unwrap();
        assert!(message.contains(ability) && message.contains("[provider."), "{told}");
    }
    assert_eq!(bench.provider.calls(), 0, "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_told() {
    let bench = Workbench::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let done = bench.run(&["serve", "--no-worker", "--bind", &address]).await;
    done.refused(1, &[&address, "cannot be listened on", "--bind"]);
}

/// A word that is no level would silence the log, and links are made of the public address.
#[tokio::test(flavor = "multi_thread")]
async fn a_level_and_an_address_that_are_none_are_told() {
    let bench = Workbench::new().await;
    let wrong = [
        ("LOG__LEVEL", "wran", "there is no level `wran`"),
        ("LOG__LEVEL", "info,loud", "there is no level `loud`"),
        ("SERVER__PUBLIC_URL", "ftp://example.org", "server.public_url"),
        ("SERVER__PUBLIC_URL", "https://me:pw@example.org", "server.public_url"),
        ("SERVER__PUBLIC_URL", "https://example.org/path?x#y", "server.public_url"),
    ];
    for (key, value, said) in wrong {
        let mut command = bench.command(&["serve", "--no-worker", "--bind", "127.0.0.1:0"]);
        command.env(format!("COFOUNDER_{key}"), value);
        finish(command).await.refused(2, &[said]);
    }
    for (key, value) in
        [("LOG__LEVEL", "warn,cofounder=debug"), ("SERVER__PUBLIC_URL", "https://example.org:8443")]
    {
        let variable = format!("COFOUNDER_{key}");
        let server = Server::start_in(&bench, &["--no-worker"], &[(&variable, value)]).await;
        assert_eq!(server.stop().await.code, Some(0), "{value}");
    }
}

/// What opens a door is told to who sits before the program, and not to those who keep its log.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_owners_link_stands_in_no_log() {
    let bench = Workbench::new().await;
    for (format, told) in [("human", true), ("json", false)] {
        let server = Server::start_in(&bench, &["--no-worker"], &[("COFOUNDER_LOG__FORMAT", format)]).await;
        until("it says how", async || server.said().join("\n").contains("nobody can sign in yet")).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_eq!(server.said().join("\n").contains("/link/"), told, "{format}");
    }
}
