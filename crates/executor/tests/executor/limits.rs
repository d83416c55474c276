//! What a step may take, and what it has to share.

use cofounder_domain::{FaultKind, Status, StepStatus};
use cofounder_executor::{Finished, Needs, Permits, WorkerSettings};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

use crate::{
    bench::{Bench, until},
    on_both_databases,
    toy::{Does, Toy, pause},
};

on_both_databases! {
    audit_s06_a_step_has_a_deadline_of_its_own,
    a_step_has_a_number_of_retries_of_its_own,
    a_failure_that_names_a_time_is_waited_for_that_long,
    a_task_whose_step_pauses_can_be_drained_at_once,
    steps_of_two_tasks_never_share_a_single_permit,
    a_step_that_pauses_lends_its_permit,
}

const PLAIN: Needs<'static> = Needs { permits: &[], deadline: None, retries: None };
const GPU: Needs<'static> = Needs { permits: &["gpu"], deadline: None, retries: None };

/// The step's token fires at its deadline, and its error says the time. Tried without `needs.deadline`: the test
/// failed.
async fn audit_s06_a_step_has_a_deadline_of_its_own(bench: Bench) {
    let task = bench.task().await;
    let heard = Arc::new(AtomicBool::new(false));
    let needs = Needs { deadline: Some(Duration::from_secs(1)), retries: Some(0), ..PLAIN };
    let noted = heard.clone();
    let toy = Toy::with_needs(&[("a", needs)], move |step, _| {
        let (cancel, noted) = (step.cancel().clone(), noted.clone());
        Does::Work(Box::pin(async move {
            cancel.cancelled().await;
            noted.store(true, Ordering::SeqCst);
            Ok(1)
        }))
    });
    let since = Instant::now();
    let Finished::Failed(error) = bench.run(task, &toy).await else { panic!("it should fail") };
    assert!(since.elapsed() < Duration::from_secs(4), "not after the 30 s of the settings");
    assert!(error.to_string().contains("longer than the 1 s"), "{error}");
    assert!(heard.load(Ordering::SeqCst));
    assert_eq!(bench.status(task).await, Status::Failed);
}

async fn a_step_has_a_number_of_retries_of_its_own(bench: Bench) {
    for (retries, expected) in [(None, 4), (Some(0), 1), (Some(2), 3)] {
        let task = bench.task().await;
        let toy =
            Toy::with_needs(&[("a", Needs { retries, ..PLAIN })], |_, _| Does::Fail(FaultKind::Unavailable));
        assert!(matches!(bench.run(task, &toy).await, Finished::Failed(_)));
        assert_eq!(toy.calls("a"), expected);
        let step = bench.db.steps(task).await.unwrap().remove(0);
        assert_eq!((step.status, step.attempts), (StepStatus::Failed, expected));
        assert_eq!(step.error.as_deref(), Some("the toy broke"));
    }
}

/// Tried without the time that the error names: the test failed.
async fn a_failure_that_names_a_time_is_waited_for_that_long(bench: Bench) {
    let task = bench.task().await;
    let named = Duration::from_millis(1_200);
    let toy = Toy::new(&["a"], move |_, n| if n == 1 { Does::FailFor(named) } else { Does::Return(1) });
    let since = Instant::now();
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
    assert!(since.elapsed() >= named, "{:?}", since.elapsed());
    assert_eq!(toy.calls("a"), 2);
}

async fn a_task_whose_step_pauses_can_be_drained_at_once(bench: Bench) {
    let task = bench.task().await;
    let hour = Duration::from_secs(3_600);
    let toy = Toy::new(&["a"], move |_, n| if n == 1 { Does::FailFor(hour) } else { Does::Return(1) });
    let hand = bench.hire(&toy, bench.work()).await;
    until("its failure is journalled", async || {
        bench.db.steps(task).await.unwrap().iter().any(|s| s.status == StepStatus::Failed)
    })
    .await;
    let since = Instant::now();
    assert_eq!(hand.dismissed().await.released, 1);
    assert!(since.elapsed() < Duration::from_secs(3));
    assert_eq!(bench.status(task).await, Status::Pending);
}

/// Tried with two permits: steps overlapped.
async fn steps_of_two_tasks_never_share_a_single_permit(bench: Bench) {
    let bench = Bench { permits: Permits::new([("gpu".to_owned(), 1)]), ..bench };
    for _ in 0..6 {
        bench.task().await;
    }
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (entering, seen) = (inside.clone(), most.clone());
    let toy = Toy::with_needs(&[("plain", PLAIN), ("gpu", GPU)], move |step, _| {
        if step.path().as_str() == "plain" {
            return pause(Duration::from_millis(20));
        }
        let (entering, seen) = (entering.clone(), seen.clone());
        Does::Work(Box::pin(async move {
            seen.fetch_max(entering.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            entering.fetch_sub(1, Ordering::SeqCst);
            Ok(1)
        }))
    });
    let settings = WorkerSettings { concurrency: 3, ..bench.until_idle() };
    let report = bench.hire(&toy, settings).await.ended().await;
    assert_eq!((report.ended, most.load(Ordering::SeqCst)), (6, 1));
}

/// Tried with permits that a step keeps through its pauses, as it once did: the other waited for ever.
async fn a_step_that_pauses_lends_its_permit(bench: Bench) {
    let bench = Bench { permits: Permits::new([("gpu".to_owned(), 1)]), ..bench };
    let slow = bench.task().await;
    let hour = Duration::from_secs(3_600);
    let toy = Toy::with_needs(&[("a", GPU)], move |step, _| {
        if step.task() == slow { Does::FailFor(hour) } else { Does::Return(1) }
    });
    let hand = bench.hire(&toy, bench.work()).await;
    until("the first pauses", async || toy.calls("a") == 1).await;
    let quick = bench.task().await;
    until("the other is done", async || bench.status(quick).await == Status::AwaitingApproval).await;
    assert_eq!(hand.dismissed().await.released, 1);
}
