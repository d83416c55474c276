//! A draft that a person sends back: the writer is given the notes, and the draft that comes of it waits again.

use serde_json::json;

use crate::{
    api::post,
    serving::{Server, token, until},
    workbench::Workbench,
};

const NOTES: &str = "Begin with the granite, and leave the storms out.";

/// Tried by not handing the notes to the pipeline: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_goes_back_with_notes_that_reach_the_writer_and_the_research_is_kept() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let id = written["task_id"].as_str().unwrap();
    let before = bench.prompts().len();
    let reworked = bench.json(&["task", "reject", id, "--notes", NOTES, "--rework"]).await;

    assert_eq!(reworked["status"], "awaiting_approval", "{reworked:#}");
    let asked = bench.prompts().split_off(before);
    let sections: Vec<&String> = asked.iter().filter(|p| p.contains("Write section")).collect();
    assert_eq!(sections.len(), 2, "{asked:#?}");
    for prompt in sections {
        assert!(prompt.contains(NOTES) && prompt.contains("The last version was:"), "{prompt}");
    }
    assert!(
        !asked.iter().any(|p| p.contains("Name at most five problems")),
        "the review is kept: {asked:#?}"
    );
    let shown = bench.json(&["task", "show", id]).await;
    assert_eq!(
        (&shown["notes"][0]["text"], &shown["notes"][0]["author"]),
        (&json!(NOTES), &json!("command line"))
    );
    let steps: Vec<&str> =
        shown["steps"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert!(steps.ends_with(&["assemble", "rework/1", "verify/2", "seo/2", "assemble/2"]), "{steps:?}");
    assert!(
        shown["steps"].as_array().unwrap().iter().all(|s| s["attempts"] == 1),
        "nothing is done twice: {shown:#}"
    );

    bench.run(&["task", "reject", id, "--rework"]).await.refused(2, &["--notes"]);
    bench.run(&["task", "reject", id, "--rework", "--notes", " "]).await.refused(2, &["say nothing"]);
}

/// Tried by rejecting whatever was asked for: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn over_http_a_draft_goes_back_once_and_a_worker_writes_it_anew() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let place = format!("/api/v1/tasks/{}", written["task_id"].as_str().unwrap());
    let editor = token(&bench, &["--scope", "editor"]).await;
    let server = Server::start_with(&bench, &[]).await;
    let reject = format!("{place}/reject");
    let (status, problem) = post(&server, &reject, &editor, &json!({"rework": true})).await;
    assert_eq!(status.as_u16(), 422, "{problem}");
    let (status, sent) = post(&server, &reject, &editor, &json!({"notes": NOTES, "rework": true})).await;
    assert_eq!((status.as_u16(), &sent["status"]), (200, &json!("pending")), "{sent}");
    let shown = async || server.get(&place, &editor).await.json::<serde_json::Value>().await.unwrap();
    until("the new draft", async || shown().await["status"] == "awaiting_approval").await;
    let task = shown().await;
    assert_eq!(
        (&task["notes"][0]["text"], &task["notes"][0]["author"]),
        (&json!(NOTES), &json!("test")),
        "{task:#}"
    );
    let (status, rejected) = post(&server, &reject, &editor, &json!({"notes": "too dry"})).await;
    assert_eq!((status.as_u16(), &rejected["status"]), (200, &json!("rejected")));
    assert!(rejected["history"].to_string().contains("rejected: too dry"), "{rejected}");
}
