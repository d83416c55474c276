//! A person's word on a draft: approve, reject, override; and the states that follow.

use cofounder_testkit::provider::Reply;
use std::fs;

use crate::workbench::Workbench;

fn id(result: &serde_json::Value) -> &str {
    result["task_id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_article_is_no_draft_any_more() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let before = fs::read_to_string(written["post"]["markdown"].as_str().unwrap()).unwrap();
    let approved = bench.json(&["task", "approve", id(&written)]).await;

    assert_eq!(approved["status"], "published");
    assert_eq!(approved["task_id"], written["task_id"]);
    assert_eq!(approved["post"]["markdown"], written["post"]["markdown"]);
    let after = fs::read_to_string(approved["post"]["markdown"].as_str().unwrap()).unwrap();
    assert!(before.contains("draft: true") && after.contains("draft: false"), "{after}");
    let body = |text: &str| text.splitn(3, "---\n").nth(2).unwrap().to_owned();
    assert_eq!(body(&before), body(&after), "approving changes no word");
    let listed = bench.json(&["post", "list"]).await;
    assert_eq!(listed["items"][0]["status"], "published", "{listed}");

    let again = bench.run(&["task", "approve", id(&written)]).await;
    again.refused(1, &["published"]);
    bench.run(&["task", "reject", id(&written)]).await.refused(1, &["published"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_draft_can_never_be_published() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let rejected = bench.json(&["task", "reject", id(&written), "--notes", "too dry"]).await;

    assert_eq!(rejected["status"], "rejected");
    assert!(rejected["history"].to_string().contains("too dry"), "{rejected}");
    bench.run(&["task", "approve", id(&written)]).await.refused(1, &["rejected"]);
    bench
        .run(&["task", "approve", id(&written), "--override-reason", "please"])
        .await
        .refused(1, &["rejected"]);
    let markdown = fs::read_to_string(written["post"]["markdown"].as_str().unwrap()).unwrap();
    assert!(markdown.contains("draft: true"), "{markdown}");
    bench.json(&["post", "export", "--to", &bench.shown("export")]).await["items"]
        .as_array()
        .map(|items| assert!(items.is_empty(), "nothing is published"))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_draft_needs_a_reason() {
    let bench = Workbench::new().await;
    // A source that looks like a template: quoted word for word it is supported, and a person must look at it.
    let door = "# The door\n\nThe keeper carved the words lorem ipsum into the door of the tower.\n";
    fs::write(bench.path("sources").join("door.md"), door).unwrap();
    bench.provider.script(|_| Reply::text("no"));
    let written = bench.written().await;
    assert_eq!(written["gate"], "blocked", "{written:#}");
    assert_eq!(written["status"], "awaiting_approval");
    let failed: Vec<&serde_json::Value> =
        written["rails"].as_array().unwrap().iter().filter(|r| r["verdict"] == "fail").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["rail"], "leaks");

    bench
        .run(&["task", "approve", id(&written)])
        .await
        .refused(1, &["blocked", "orem ipsum", "--override-reason"]);
    bench
        .run(&["task", "approve", id(&written), "--override-reason", "  "])
        .await
        .refused(1, &["--override-reason"]);
    let approved = bench.json(&["task", "approve", id(&written), "--override-reason", "it is a joke"]).await;
    assert_eq!(approved["status"], "published");
    let shown = bench.json(&["task", "show", id(&written)]).await;
    assert!(shown["history"].to_string().contains("it is a joke"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_can_be_tried_again_and_keeps_its_steps() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let calls = bench.provider.calls();
    let cancelled = bench.json(&["task", "cancel", id(&written)]).await;
    assert_eq!(cancelled["status"], "cancelled");
    bench.run(&["task", "resume", id(&written)]).await.refused(1, &["cancelled", "task retry"]);

    let again = bench.json(&["task", "retry", id(&written)]).await;
    assert_eq!(again["status"], "awaiting_approval");
    assert_eq!(again["post"]["slug"], written["post"]["slug"]);
    assert_eq!(bench.provider.calls(), calls, "finished steps are kept");

    bench.run(&["task", "reject", id(&written)]).await;
    let anew = bench.json(&["task", "retry", id(&written), "--from", "critique"]).await;
    assert_eq!(anew["status"], "awaiting_approval");
    assert_eq!(bench.provider.calls(), calls + 2, "review and description are asked anew");
    bench.run(&["task", "reject", id(&written)]).await;
    bench.run(&["task", "retry", id(&written), "--from", "nowhere"]).await.refused(1, &["nowhere"]);
    assert_eq!(bench.tasks().await[0]["status"], "rejected", "a retry that fails changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_done_is_printed_again_by_resume() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let calls = bench.provider.calls();
    fs::remove_dir_all(bench.path("out")).unwrap();
    assert_eq!(bench.json(&["task", "resume", id(&written)]).await, written);
    assert_eq!(bench.left().len(), 3, "its files are back");
    assert_eq!(bench.provider.calls(), calls);
    let short = &id(&written)[..20];
    assert_eq!(bench.json(&["task", "resume", short]).await, written, "the first characters will do");
}
