//! `cofounder lint`, and what every command has in common.

use serde_json::Value;

use crate::{
    story,
    workbench::{Workbench, finish},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_own_article_passes_its_linter() {
    let bench = Workbench::new().await;
    let result = bench.written().await;
    let article = result["post"]["markdown"].as_str().unwrap();
    let done = bench.run(&["lint", article]).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    let done = bench.run(&["lint", article, "--sources", &bench.shown("sources")]).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_should_not_go_out_is_told_with_its_place() {
    let bench = Workbench::new().await;
    let draft = bench.write(
        "draft.md",
        "# A tower\n\nThe tower is tall and grey.\n\nLorem ipsum stands on the rocks of the coast.\n",
    );
    let done = bench.run(&["lint", &draft]).await;
    assert_eq!(done.code, Some(1), "{done:#?}");
    assert!(
        done.stdout.contains(&format!("{draft}:5:1: error:")) && done.stdout.contains("[leaks]"),
        "{done:#?}"
    );

    let json = bench.run(&["lint", &draft, "--format", "json"]).await;
    let found: Value = serde_json::from_str(&json.stdout).unwrap();
    let leak = found["items"].as_array().unwrap().iter().find(|f| f["rail"] == "leaks").unwrap();
    assert_eq!(
        (&leak["line"], &leak["blocking"], &leak["verdict"]),
        (&5.into(), &true.into(), &"fail".into()),
        "{leak}"
    );

    let sarif = bench.run(&["lint", &draft, "--format", "sarif"]).await;
    let sarif: Value = serde_json::from_str(&sarif.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|r| r["ruleId"] == "leaks" && r["level"] == "error"), "{sarif}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_source_says_is_told() {
    let bench = Workbench::new().await;
    let draft =
        bench.write("draft.md", "# The tower\n\nThe tower stands 99 metres above the rocks at high tide.\n");
    let done = bench.run(&["lint", &draft, "--sources", &bench.shown("sources")]).await;
    assert_eq!(done.code, Some(1), "{done:#?}");
    assert!(done.stdout.contains("99"), "{done:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_linted_is_wrong_use() {
    let bench = Workbench::new().await;
    let missing = bench.shown("missing.md");
    bench.run(&["lint", &missing]).await.refused(2, &[&missing]);
    let binary = bench.write("binary.md", [0xff, 0xfe, 0x00, 0x80]);
    bench.run(&["lint", &binary]).await.refused(2, &[&binary, "not UTF-8"]);
    bench.run(&["lint", &bench.shown("sources")]).await.refused(2, &["sources"]);
    let draft = bench.write("draft.md", "A text.\n");
    let done = bench.run(&["lint", &draft, "--sources", &missing]).await;
    done.refused(done.code.filter(|c| [1, 2].contains(c)).unwrap(), &[&missing]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_help_and_takes_the_global_options_on_either_side() {
    let bench = Workbench::new().await;
    let commands = [
        "",
        "write",
        "task",
        "task create",
        "task list",
        "task show",
        "task approve",
        "task reject",
        "task cancel",
        "task retry",
        "task resume",
        "task hold",
        "task release",
        "worker",
        "schedule add",
        "schedule list",
        "schedule rm",
        "migrate",
        "backup",
        "restore",
        "post",
        "post list",
        "post show",
        "post export",
        "source",
        "source list",
        "source show",
        "model",
        "model list",
        "model pull",
        "model rm",
        "lint",
        "doctor",
    ];
    for command in commands {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let done = finish(bench.bare(&args)).await;
        assert_eq!(done.code, Some(0), "{done:#?}");
        assert!(done.stdout.contains("Usage: cofounder") && done.stderr.is_empty(), "{done:#?}");
    }
    let version = finish(bench.bare(&["--version"])).await;
    assert_eq!(version.stdout, format!("cofounder {}\n", env!("CARGO_PKG_VERSION")));
    for args in [["--json", "task", "list"], ["task", "--json", "list"], ["task", "list", "--json"]] {
        assert_eq!(finish(bench.bare(&args)).await.json()["items"], serde_json::json!([]));
    }
    let other = bench.shown("elsewhere");
    bench
        .json(&["task", "create", story::TOPIC, "--source", &bench.shown("sources"), "--data-dir", &other])
        .await;
    assert!(bench.tasks().await.is_empty(), "the flag comes before the environment");
    let postgres = bench.run(&["task", "list", "--database-url", "postgres://user:word@127.0.0.1:1/x"]).await;
    postgres.refused(1, &["does not answer"]);
    assert!(!postgres.stderr.contains("word"), "{postgres:#?}");
}
