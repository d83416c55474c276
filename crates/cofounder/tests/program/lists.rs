//! Lists, single things, exports, the check of the installation, and the configuration's own mistakes.

use serde_json::Value;
use std::{collections::BTreeSet, fs};

use crate::{
    story,
    workbench::{Workbench, finish, names},
};

#[tokio::test(flavor = "multi_thread")]
async fn tasks_come_in_pages_the_newest_first() {
    let bench = Workbench::new().await;
    let empty = bench.json(&["task", "list"]).await;
    assert_eq!(empty, serde_json::json!({"items": [], "next_cursor": null}));
    let sources = bench.shown("sources");
    for n in 1..=3 {
        let topic = format!("Lighthouse number {n}");
        let task = bench.json(&["task", "create", &topic, "--source", &sources]).await;
        assert_eq!((&task["status"], &task["brief"]["topic"]), (&"pending".into(), &topic.into()), "{task}");
    }
    let first = bench.json(&["task", "list", "--limit", "2"]).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = bench.json(&["task", "list", "--limit", "2", "--cursor", cursor]).await;
    let topics: Vec<&str> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|t| t["brief"]["topic"].as_str().unwrap())
        .collect();
    assert_eq!(topics, ["Lighthouse number 3", "Lighthouse number 2", "Lighthouse number 1"]);
    assert!(second["next_cursor"].is_null());
    assert_eq!(bench.provider.calls(), 0, "a stored task is not run");
    for limit in ["0", "501"] {
        bench.run(&["task", "list", "--limit", limit]).await.refused(2, &[limit]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_task_is_run_by_resume_even_if_its_sources_are_gone() {
    let bench = Workbench::new().await;
    let sources = bench.shown("sources");
    let task = bench.json(&["task", "create", story::TOPIC, "--source", &sources, "--words", "120"]).await;
    fs::remove_dir_all(bench.path("sources")).unwrap();
    let result = bench.json(&["task", "resume", task["id"].as_str().unwrap()]).await;
    assert_eq!(result["claims"]["supported"], 12, "{result:#}");
    assert_eq!(result["task_id"], task["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_shows_its_steps_calls_and_history() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let id = written["task_id"].as_str().unwrap();
    let task = bench.json(&["task", "show", id]).await;
    for key in [
        "id",
        "status",
        "brief",
        "created_at",
        "updated_at",
        "steps",
        "post_id",
        "cost_usd",
        "gate",
        "history",
    ] {
        assert!(task.get(key).is_some(), "{key}: {task:#}");
    }
    let steps: Vec<&str> =
        task["steps"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    let wanted = [
        "research",
        "outline",
        "draft/section-1",
        "draft/section-2",
        "critique/1",
        "verify",
        "seo",
        "assemble",
    ];
    assert_eq!(steps, wanted);
    for step in task["steps"].as_array().unwrap() {
        for key in ["name", "status", "attempts", "started_at", "finished_at", "error"] {
            assert!(step.get(key).is_some(), "{key}: {step}");
        }
        assert_eq!((&step["status"], &step["attempts"]), (&"done".into(), &1.into()), "{step}");
    }
    let human = bench.run(&["task", "show", &id[..20]]).await;
    assert!(human.stdout.contains("draft/section-2") && human.stdout.contains(story::TOPIC), "{human:#?}");
    bench.run(&["task", "show", "zzz"]).await.refused(1, &["zzz"]);
    bench.run(&["task", "show", "%"]).await.refused(1, &["%"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_listed_shown_and_exported() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let slug = written["post"]["slug"].as_str().unwrap();
    let listed = bench.json(&["post", "list"]).await;
    assert_eq!(
        (&listed["items"][0]["slug"], &listed["next_cursor"]),
        (&slug.into(), &Value::Null),
        "{listed}"
    );
    let shown = bench.json(&["post", "show", slug]).await;
    assert_eq!(shown["post"]["title"], story::TOPIC, "{shown}");
    let text = bench.run(&["post", "show", slug]).await.stdout;
    assert!(text.contains("1871") && !text.starts_with("---"), "{text}");

    let exported = bench.json(&["post", "export", slug, "--to", &bench.shown("export")]).await;
    let item = &exported["items"][0];
    for key in ["markdown", "html", "report"] {
        let copy = fs::read_to_string(item[key].as_str().unwrap()).unwrap();
        assert_eq!(copy, fs::read_to_string(written["post"][key].as_str().unwrap()).unwrap(), "{key}");
    }
    bench.run(&["post", "show", "nothing-like-it"]).await.refused(1, &["nothing-like-it"]);
    bench
        .run(&["post", "export", "nothing-like-it", "--to", &bench.shown("other")])
        .await
        .refused(1, &["nothing-like-it"]);
    assert!(names(&bench.path("other")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_printed_as_it_was_extracted() {
    let bench = Workbench::new().await;
    bench.written().await;
    let listed = bench.json(&["source", "list"]).await;
    let ids: BTreeSet<&str> =
        listed["items"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2, "{listed}");
    let mut facts = 0;
    for id in ids {
        let text = bench.run(&["source", "show", id]).await.stdout;
        facts += story::TOWER.iter().chain(&story::LAMP).filter(|(says, _)| text.contains(says)).count();
    }
    assert_eq!(facts, 12);
    bench.run(&["source", "show", "nope"]).await.refused(1, &["nope"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_every_part() {
    let bench = Workbench::new().await;
    let checks = bench.json(&["doctor"]).await;
    let names: Vec<&str> =
        checks["items"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    for part in [
        "configuration",
        "data directory",
        "disk",
        "database",
        "processor",
        "memory",
        "model",
        "pip",
        "route",
    ] {
        assert!(names.contains(&part), "{part}: {names:?}");
    }
    for check in checks["items"].as_array().unwrap() {
        let state = check["state"].as_str().unwrap();
        assert!(["ok", "warning"].contains(&state), "{check}");
        assert!(
            state == "ok" || check["name"] == "disk" || !check["remedy"].as_str().unwrap().is_empty(),
            "{check}"
        );
    }
    assert_eq!(bench.provider.calls(), 0, "a check costs nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_configuration_are_told_with_what_was_meant() {
    let bench = Workbench::new().await;
    let cases = [
        ("[ruter]\nprefer = []\n", &["`ruter`", "`router`"][..]),
        ("[budget]\nday_usdd = 5\n", &["`day_usdd`", "`day_usd`"]),
        ("[provider.acme]\ndialekt = \"openai\"\n", &["provider.acme", "`dialekt`", "`dialect`"]),
        ("[provider.acme]\ndialect = \"opnai\"\n", &["provider.acme", "`opnai`", "`openai`"]),
        ("[provider.acme]\napi_key = \"sk-secret\"\n", &["api_key"]),
        ("this is = no [ TOML", &["not valid TOML"]),
    ];
    for (text, said) in cases {
        let path = bench.write("cofounder.toml", text);
        let done = bench.run(&["task", "list"]).await;
        done.refused(2, said);
        assert!(done.stderr.contains(&path) && !done.stderr.contains("sk-secret"), "{done:#?}");
    }
    let mut command = bench.bare(&["task", "list"]);
    command.env("COFOUNDER_ROUTER__PREFFER", "[]");
    finish(command).await.refused(2, &["COFOUNDER_ROUTER__PREFFER", "`prefer`"]);
    let missing = bench.shown("missing.toml");
    finish(bench.bare(&["task", "list", "--config", &missing])).await.refused(2, &[&missing]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() {
    let bench = Workbench::new().await;
    bench.json(&["task", "create", story::TOPIC, "--source", &bench.shown("sources")]).await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = bench.command(&["task", "list"]);
    command.stdout(writer);
    let done = command.spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!(done.status.code(), Some(0), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_none_is_refused() {
    let bench = Workbench::new().await;
    bench.json(&["task", "create", story::TOPIC, "--source", &bench.shown("sources")]).await;
    for list in ["task", "post", "source"] {
        for cursor in ["nonsense", "", "~~~~"] {
            let done = bench.run(&[list, "list", "--cursor", cursor]).await;
            done.refused(done.code.filter(|c| [1, 2].contains(c)).unwrap_or(2), &["cursor"]);
        }
    }
}

/// A script whose variable is empty must not approve whatever task there is.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_id_means_nothing() {
    let bench = Workbench::new().await;
    bench.written().await;
    for args in [["task", "show", ""], ["task", "approve", ""], ["task", "cancel", " "], ["post", "show", ""]]
    {
        let done = bench.run(&args).await;
        done.refused(done.code.filter(|c| [1, 2].contains(c)).unwrap_or(1), &[]);
    }
    assert_eq!(bench.tasks().await[0]["status"], "awaiting_approval");
}
