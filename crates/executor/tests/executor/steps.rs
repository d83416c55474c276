//! One run of one task: its steps, their results, and what stops it.

use cofounder_domain::{FaultKind, Status, StepStatus};
use cofounder_executor::{Event, Finished, Progress, Settings, StepContext};
use cofounder_storage::Act;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::Bench,
    on_both_databases,
    toy::{Does, Run, Toy},
};

on_both_databases! {
    steps_run_once_each_and_the_task_moves_on,
    after_a_failure_only_the_failed_step_and_those_behind_it_run,
    what_time_can_mend_is_tried_again_and_no_more_than_allowed,
    a_panic_fails_the_task_and_not_the_process,
    a_stop_interrupts_within_two_seconds_and_the_task_can_go_on,
    a_step_that_takes_too_long_is_ended,
    a_task_that_a_person_cancels_stops_its_run,
    a_second_process_waits_for_a_living_owner_and_says_so,
}

fn name(step: &StepContext) -> &str {
    step.path().as_str()
}

async fn steps_run_once_each_and_the_task_moves_on(bench: Bench) {
    let task = bench.task().await;
    let toy =
        Toy::new(&["a", "b"], |step, _| if name(step) == "b" { Does::Degrade(2) } else { Does::Return(1) });
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
    assert_eq!((toy.calls("a"), toy.calls("b")), (1, 1));
    let steps = bench.db.steps(task).await.unwrap();
    assert_eq!(steps.iter().map(|s| s.status).collect::<Vec<_>>(), [StepStatus::Done, StepStatus::Degraded]);
    assert!(
        matches!(bench.run(task, &toy).await, Finished::Settled(Status::AwaitingApproval)),
        "nothing is left to run"
    );
    assert_eq!(toy.calls("a"), 1);
}

/// Tried by not reading the journal in `kept`: the test failed.
async fn after_a_failure_only_the_failed_step_and_those_behind_it_run(bench: Bench) {
    let task = bench.task().await;
    let toy = Toy::new(&["a", "b", "c"], |step, n| {
        if name(step) == "b" && n == 1 { Does::Fail(FaultKind::InvalidInput) } else { Does::Return(1) }
    });
    let Finished::Failed(error) = bench.run(task, &toy).await else { panic!("it should fail") };
    assert_eq!(error.to_string(), "the toy broke");
    let stored = bench.db.task(task).await.unwrap();
    assert_eq!((stored.status, stored.error.as_deref()), (Status::Failed, Some("the toy broke")));
    bench.db.by(&Act::OPERATOR).retry_task(task, None).await.unwrap();
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
    assert_eq!((toy.calls("a"), toy.calls("b"), toy.calls("c")), (1, 2, 1));
}

async fn what_time_can_mend_is_tried_again_and_no_more_than_allowed(bench: Bench) {
    let task = bench.task().await;
    let toy =
        Toy::new(&["a"], |_, n| if n < 3 { Does::Fail(FaultKind::Unavailable) } else { Does::Return(1) });
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
    assert_eq!(toy.calls("a"), 3);
    let hopeless = bench.task().await;
    let toy = Toy::new(&["a"], |_, _| Does::Fail(FaultKind::Unavailable));
    assert!(matches!(bench.run(hopeless, &toy).await, Finished::Failed(_)));
    assert_eq!(toy.calls("a"), 4, "one try and three more");
}

async fn a_panic_fails_the_task_and_not_the_process(bench: Bench) {
    let task = bench.task().await;
    let Finished::Failed(error) = bench.run(task, &Toy::new(&["a"], |_, _| Does::Panic)).await else {
        panic!("it should fail")
    };
    assert_eq!((error.kind(), error.to_string().contains("toy panic")), (FaultKind::Bug, true));
}

async fn a_stop_interrupts_within_two_seconds_and_the_task_can_go_on(bench: Bench) {
    let task = bench.task().await;
    let toy = Toy::new(
        &["a", "b"],
        |step, n| if name(step) == "b" && n == 1 { Does::Hang } else { Does::Return(1) },
    );
    let cancel = bench.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(150)).await;
        cancel.cancel();
    });
    let started = Instant::now();
    assert!(matches!(bench.run(task, &toy).await, Finished::Interrupted));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(bench.db.task(task).await.unwrap().status, Status::Pending);
    let again = Bench { cancel: CancellationToken::new(), ..bench };
    assert!(matches!(again.run(task, &toy).await, Finished::Ended(_)));
    assert_eq!((toy.calls("a"), toy.calls("b")), (1, 2));
}

async fn a_step_that_takes_too_long_is_ended(bench: Bench) {
    let settings = Settings { step_deadline: Duration::from_millis(800), ..bench.settings };
    let bench = Bench { settings, ..bench };
    let task = bench.task().await;
    let toy = Toy::new(&["a"], |_, n| if n == 1 { Does::Hang } else { Does::Return(1) });
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
    assert_eq!(toy.calls("a"), 2);
}

async fn a_task_that_a_person_cancels_stops_its_run(bench: Bench) {
    let task = bench.task().await;
    let toy = Toy::new(&["a"], |_, _| Does::Hang);
    let db = bench.db.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        db.by(&Act::OPERATOR).move_task(task, Status::Cancelled, "not needed").await.unwrap();
    });
    assert!(matches!(bench.run(task, &toy).await, Finished::Lost));
    assert_eq!(bench.db.task(task).await.unwrap().status, Status::Cancelled);
}

async fn a_second_process_waits_for_a_living_owner_and_says_so(bench: Bench) {
    struct Ear(Mutex<bool>);
    impl Progress for Ear {
        fn event(&self, event: &Event) {
            if matches!(event, Event::Waiting { .. }) {
                *self.0.lock().unwrap() = true;
            }
        }
    }
    let task = bench.task().await;
    let first = Toy::new(&["a"], |_, _| Does::Return(1));
    let holder = bench.owner();
    bench.db.claim(task, &holder, Duration::from_millis(300), 1).await.unwrap();
    let ear = Arc::new(Ear(Mutex::new(false)));
    let finished = bench.executor().run(task, &Run(first), ear.clone(), &bench.cancel).await.unwrap();
    assert!(matches!(finished, Finished::Ended(_)), "it took over when the lease ended");
    assert!(*ear.0.lock().unwrap());
}
