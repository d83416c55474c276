//! Drafts, approval and rejection.

use cofounder_domain::{Gate, RailResult, Status, TaskId, Verdict};
use cofounder_storage::{Act, Claimed, PostFilter, StorageError};
use std::time::Duration;

use crate::{Bench, draft, got, on_both_databases};

on_both_databases! {
    approval_publishes_post_and_task_together,
    a_blocked_draft_needs_a_reason_and_the_reason_is_kept,
    a_rejected_draft_is_never_published_even_behind_the_programs_back,
    a_second_draft_is_a_revision_and_the_same_draft_is_none,
    another_post_with_the_same_address_gets_a_number,
}

async fn claimed(bench: &Bench) -> Claimed {
    let task = bench.task().await.id;
    got(bench.db.claim(task, &bench.owner(), Duration::from_secs(9), 1).await.unwrap())
}

/// A task whose draft waits for a person.
pub(crate) async fn waiting(bench: &Bench, gate: Gate) -> TaskId {
    let claimed = claimed(bench).await;
    let mut draft = draft("Why", gate);
    draft.report.rails.push(RailResult {
        rail: "grounding".into(),
        version: 1,
        blocking: true,
        verdict: if gate == Gate::Open { Verdict::Pass } else { Verdict::Fail },
        reason: "two claims lack support".into(),
        spans: vec![],
    });
    bench.db.save_draft(&claimed, &draft).await.unwrap();
    bench.db.end_run(&claimed, Status::AwaitingApproval, "a draft waits", None).await.unwrap();
    claimed.task
}

async fn approval_publishes_post_and_task_together(bench: Bench) {
    let task = waiting(&bench, Gate::Open).await;
    assert_eq!(bench.db.task_post(task).await.unwrap().unwrap().published_at, None);
    let post = bench.db.by(&Act::OPERATOR).approve(task, None, |_| vec![]).await.unwrap();
    assert!(post.published_at.is_some());
    assert_eq!(bench.db.task(task).await.unwrap().status, Status::Published);
    assert!(matches!(
        bench.db.by(&Act::OPERATOR).approve(task, None, |_| vec![]).await,
        Err(StorageError::Illegal(_))
    ));
    assert_eq!(bench.db.list_posts(10, None, &PostFilter::live()).await.unwrap().items.len(), 1);
}

/// Tried by leaving out the check of the gate in `approve`: the test failed.
async fn a_blocked_draft_needs_a_reason_and_the_reason_is_kept(bench: Bench) {
    let task = waiting(&bench, Gate::Blocked).await;
    for reason in [None, Some("  ")] {
        let error = bench.db.by(&Act::OPERATOR).approve(task, reason, |_| vec![]).await.unwrap_err();
        assert!(error.to_string().contains("grounding: two claims lack support"), "{error}");
    }
    assert_eq!(bench.db.task(task).await.unwrap().status, Status::AwaitingApproval);
    bench.db.by(&Act::OPERATOR).approve(task, Some("I checked both by hand"), |_| vec![]).await.unwrap();
    let history = bench.db.history(task).await.unwrap();
    assert!(history.last().unwrap().reason.contains("I checked both by hand"));
}

async fn a_rejected_draft_is_never_published_even_behind_the_programs_back(bench: Bench) {
    let task = waiting(&bench, Gate::Open).await;
    bench.db.by(&Act::OPERATOR).move_task(task, Status::Rejected, "dull").await.unwrap();
    assert!(matches!(
        bench.db.by(&Act::OPERATOR).approve(task, Some("x"), |_| vec![]).await,
        Err(StorageError::Illegal(_))
    ));
    assert!(bench.raw("UPDATE posts SET published_at = 1").await.is_err());
    assert!(bench.db.list_posts(10, None, &PostFilter::live()).await.unwrap().items.is_empty());
}

async fn a_second_draft_is_a_revision_and_the_same_draft_is_none(bench: Bench) {
    let claimed = claimed(&bench).await;
    let first = bench.db.save_draft(&claimed, &draft("One", Gate::Open)).await.unwrap();
    assert_eq!(bench.db.save_draft(&claimed, &draft("One", Gate::Open)).await.unwrap().revision, 1);
    let second = bench.db.save_draft(&claimed, &draft("Two", Gate::Open)).await.unwrap();
    assert_eq!((second.id, second.revision, second.title.as_str()), (first.id, 2, "Two"));
    assert_eq!(bench.db.revisions(first.id, 10, None).await.unwrap().items.len(), 2);
}

async fn another_post_with_the_same_address_gets_a_number(bench: Bench) {
    let mut slugs = Vec::new();
    for title in ["One", "Two", "Three"] {
        let claimed = claimed(&bench).await;
        slugs.push(bench.db.save_draft(&claimed, &draft(title, Gate::Open)).await.unwrap().slug);
    }
    assert_eq!(slugs, ["why-sqlite", "why-sqlite-2", "why-sqlite-3"]);
    assert_eq!(bench.db.find_post("why-sqlite").await.unwrap().title, "One");
}
