//! Workers that are gone or frozen: their tasks are taken over, and what they write later is refused.

use cofounder_domain::{FaultKind, Gate, Report, Status, StepPath, StepStatus};
use cofounder_executor::Finished;
use cofounder_storage::{Act, Claim, Claimed, Database, Draft, StepResult, StorageError};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

use crate::{
    bench::{Bench, until},
    toy::{Does, Toy},
    with_workers,
};

with_workers! {
    a_frozen_worker_is_taken_over_within_two_seconds_and_writes_nothing_more,
    a_worker_that_died_is_taken_over_at_once,
    a_task_whose_workers_keep_dying_is_given_up_with_its_reason,
    a_run_that_loses_its_task_ends_and_leaves_the_journal_alone,
}

async fn claimed(db: &Database, bench: &Bench, task: cofounder_domain::TaskId, lease: Duration) -> Claimed {
    // Forgotten, its file stays locked: it is alive, and does nothing.
    let frozen = Box::leak(Box::new(bench.owner()));
    match db.claim(task, frozen, lease, 1).await.unwrap() {
        Claim::Got(claimed) => claimed,
        other => panic!("not claimed: {other:?}"),
    }
}

fn draft() -> Draft {
    let report = Report {
        sources: vec![],
        claims: vec![],
        rails: vec![],
        calls: vec![],
        removed: vec![],
        degraded: vec![],
        draft: "old".into(),
        notes: vec![],
    };
    Draft {
        slug: "old".into(),
        title: "Old".into(),
        description: "d".into(),
        tags: vec![],
        markdown: "# Old".into(),
        gate: Gate::Open,
        degraded: vec![],
        report,
    }
}

/// The worker's default of one look a second. Tried with `abandoned` that asks for ended processes alone: the task
/// was never taken over. Tried without the fence in `number`: the late `end_step` was written.
async fn a_frozen_worker_is_taken_over_within_two_seconds_and_writes_nothing_more(bench: Bench) {
    let task = bench.task().await;
    let (db, lease) = (bench.another().await, Duration::from_millis(1_500));
    let late = claimed(&db, &bench, task, lease).await;
    let step = StepPath::new("a");
    db.begin_step(&late, &step).await.unwrap();
    let end = Instant::now() + lease;
    let toy = Toy::new(&["a"], |_, _| Does::Return(7));
    let settings = cofounder_executor::WorkerSettings { poll: Duration::from_secs(1), ..bench.work() };
    let hand = bench.hire(&toy, settings).await;
    until("it is taken over", async || bench.status(task).await == Status::AwaitingApproval).await;
    let taken = Instant::now();
    assert!(taken >= end - Duration::from_millis(100), "not before the lease ends");
    assert!(taken < end + Duration::from_secs(2), "{:?} after the lease", taken - end);
    let (result, reasons) = (json!(1), vec![]);
    let result =
        StepResult { status: StepStatus::Done, result: Some(&result), reasons: &reasons, error: None };
    assert!(matches!(db.end_step(&late, &step, &result).await, Err(StorageError::Stale)));
    assert!(matches!(db.begin_step(&late, &step).await, Err(StorageError::Stale)));
    assert!(matches!(db.save_draft(&late, &draft()).await, Err(StorageError::Stale)));
    assert!(matches!(db.heartbeat(&late, lease).await, Err(StorageError::Stale)));
    assert!(matches!(db.end_run(&late, Status::Failed, "late", None).await, Err(StorageError::Stale)));
    let steps = bench.db.steps(task).await.unwrap();
    assert_eq!(steps.iter().map(|s| s.result.as_deref()).collect::<Vec<_>>(), [Some("7")]);
    assert_eq!(bench.status(task).await, Status::AwaitingApproval);
    assert_eq!(bench.db.task_post(task).await.unwrap(), None);
    hand.dismissed().await;
}

/// Its lease would last for an hour. Tried without the look at ended processes: the test failed.
async fn a_worker_that_died_is_taken_over_at_once(bench: Bench) {
    let task = bench.task().await;
    let dead = bench.owner();
    bench.db.claim(task, &dead, Duration::from_secs(3_600), 1).await.unwrap();
    drop(dead);
    let toy = Toy::brief();
    assert_eq!(bench.hire(&toy, bench.until_idle()).await.ended().await.ended, 1);
    assert_eq!(bench.status(task).await, Status::AwaitingApproval);
}

/// Tried without counting runs that bring nothing: the test failed.
async fn a_task_whose_workers_keep_dying_is_given_up_with_its_reason(bench: Bench) {
    let task = bench.task().await;
    let toy = Toy::brief();
    let mut settings = bench.until_idle();
    settings.patience.runs = 1;
    let dead = bench.owner();
    bench.db.claim(task, &dead, Duration::from_secs(3_600), 1).await.unwrap();
    drop(dead);
    let other = bench.task().await;
    assert_eq!(bench.hire(&toy, settings).await.ended().await.ended, 1);
    let stored = bench.stored(task).await;
    assert_eq!(stored.status, Status::Failed);
    let reason = stored.error.unwrap();
    assert!(reason.contains("given up after 1 runs") && reason.contains("ended without a word"), "{reason}");
    assert_eq!(bench.status(other).await, Status::AwaitingApproval);
}

/// A step fails after its task was taken from it: its failure is not written down any more. Tried without the fence in
/// `number`: the step's record changed.
async fn a_run_that_loses_its_task_ends_and_leaves_the_journal_alone(bench: Bench) {
    let task = bench.task().await;
    let (db, other) = (bench.db.clone(), bench.another().await);
    let toy = Toy::new(&["a", "b"], move |step, _| {
        if step.path().as_str() == "a" {
            return Does::Return(1);
        }
        let (db, other, task) = (db.clone(), other.clone(), step.task());
        Does::Work(Box::pin(async move {
            db.by(&Act::OPERATOR).move_task(task, Status::OnHold, "wait").await.unwrap();
            other.by(&Act::OPERATOR).release_task(task).await.unwrap();
            Err(cofounder_executor::StepError::from_fault(FaultKind::InvalidInput, None, crate::toy::Broke))
        }))
    });
    assert!(matches!(bench.run(task, &toy).await, Finished::Lost));
    assert_eq!(bench.status(task).await, Status::Pending);
    let step = bench.db.steps(task).await.unwrap().pop().unwrap();
    assert_eq!((step.status, step.error), (StepStatus::Running, None));
}
