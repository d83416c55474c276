//! A workflow of toy steps on a real database: results are kept, failures are retried, and nothing runs twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

use async_trait::async_trait;
use cofounder_domain::{Brief, FaultKind, Status, StepStatus, TaskId};
use cofounder_executor::{
    Ending, Event, Executor, Finished, Outcome, Progress, RunContext, Settings, Silent, StepContext,
    StepError, Workflow,
};
use cofounder_storage::{Database, Location, Owner, PoolSettings, Terms};
use cofounder_testkit::clock::ManualClock;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

struct Bench {
    db: Arc<Database>,
    folder: TempDir,
    cancel: CancellationToken,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(
            &Location::Sqlite(folder.path().join("db")),
            PoolSettings::default(),
            Arc::new(ManualClock::default()),
        )
        .await
        .unwrap();
        Self { db: Arc::new(db), folder, cancel: CancellationToken::new() }
    }

    fn executor(&self) -> Executor {
        let settings = Settings {
            retry_pause: Duration::from_millis(5),
            lease: Duration::from_millis(600),
            step_deadline: Duration::from_millis(800),
            ..Settings::default()
        };
        Executor::new(self.db.clone(), Owner::new(&self.folder.path().join("owners")).unwrap(), settings)
    }

    async fn task(&self) -> TaskId {
        self.db
            .create_task(&Brief::new("Why", 600, vec![], None).unwrap(), &[], &Terms::default())
            .await
            .unwrap()
            .id
    }

    async fn run(&self, task: TaskId, toy: &Toy) -> Finished {
        self.executor().run(task, toy, Arc::new(Silent), &self.cancel).await.unwrap()
    }
}

/// What a toy step does, by its name and how often it was called.
type Act = dyn Fn(&str, u32) -> Does + Send + Sync;

enum Does {
    Return(u32),
    Degrade(u32),
    Fail(FaultKind),
    Panic,
    Hang,
}

struct Toy {
    names: Vec<&'static str>,
    act: Box<Act>,
    calls: Mutex<HashMap<String, u32>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the toy broke")]
struct Broke;

impl Toy {
    fn new(names: &[&'static str], act: impl Fn(&str, u32) -> Does + Send + Sync + 'static) -> Self {
        Self { names: names.to_vec(), act: Box::new(act), calls: Mutex::default() }
    }

    fn calls(&self, name: &str) -> u32 {
        self.calls.lock().unwrap().get(name).copied().unwrap_or(0)
    }

    async fn step(&self, step: StepContext) -> Result<Outcome<u32>, StepError> {
        let name = step.path().as_str().to_owned();
        let count = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls.entry(name.clone()).or_default();
            *count += 1;
            *count
        };
        match (self.act)(&name, count) {
            Does::Return(value) => Ok(Outcome::done(value)),
            Does::Degrade(value) => Ok(Outcome::degraded(value, vec![format!("{name} fell short")])),
            Does::Fail(kind) => Err(StepError::from_fault(kind, None, Broke)),
            Does::Panic => panic!("toy panic"),
            Does::Hang => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Workflow for Toy {
    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &RunContext) -> Result<Ending, StepError> {
        let mut sum = 0;
        for name in &self.names {
            sum += cx.step(name, |step| self.step(step)).await?;
        }
        assert!(sum > 0);
        Ok(Ending { status: Status::AwaitingApproval, gate: None })
    }
}

#[tokio::test]
async fn steps_run_once_each_and_the_task_moves_on() {
    let bench = Bench::new().await;
    let task = bench.task().await;
    let toy = Toy::new(&["a", "b"], |name, _| if name == "b" { Does::Degrade(2) } else { Does::Return(1) });
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
#[tokio::test]
async fn after_a_failure_only_the_failed_step_and_those_behind_it_run() {
    let bench = Bench::new().await;
    let task = bench.task().await;
    let toy = Toy::new(&["a", "b", "c"], |name, n| {
        if name == "b" && n == 1 { Does::Fail(FaultKind::InvalidInput) } else { Does::Return(1) }
    });
    let Finished::Failed(error) = bench.run(task, &toy).await else { panic!("it should fail") };
    assert_eq!(error.to_string(), "the toy broke");
    let stored = bench.db.task(task).await.unwrap();
    assert_eq!((stored.status, stored.error.as_deref()), (Status::Failed, Some("the toy broke")));
    bench.db.retry_task(task, None).await.unwrap();
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
    assert_eq!((toy.calls("a"), toy.calls("b"), toy.calls("c")), (1, 2, 1));
}

#[tokio::test]
async fn what_time_can_mend_is_tried_again_and_no_more_than_allowed() {
    let bench = Bench::new().await;
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

#[tokio::test]
async fn a_panic_fails_the_task_and_not_the_process() {
    let bench = Bench::new().await;
    let task = bench.task().await;
    let Finished::Failed(error) = bench.run(task, &Toy::new(&["a"], |_, _| Does::Panic)).await else {
        panic!("it should fail")
    };
    assert_eq!((error.kind(), error.to_string().contains("toy panic")), (FaultKind::Bug, true));
}

#[tokio::test]
async fn a_stop_interrupts_within_two_seconds_and_the_task_can_go_on() {
    let bench = Bench::new().await;
    let task = bench.task().await;
    let toy =
        Toy::new(&["a", "b"], |name, n| if name == "b" && n == 1 { Does::Hang } else { Does::Return(1) });
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

#[tokio::test]
async fn a_step_that_takes_too_long_is_ended() {
    let bench = Bench::new().await;
    let task = bench.task().await;
    let toy = Toy::new(&["a"], |_, n| if n == 1 { Does::Hang } else { Does::Return(1) });
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
    assert_eq!(toy.calls("a"), 2);
}

#[tokio::test]
async fn a_task_that_a_person_cancels_stops_its_run() {
    let bench = Bench::new().await;
    let task = bench.task().await;
    let toy = Toy::new(&["a"], |_, _| Does::Hang);
    let db = bench.db.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        db.move_task(task, Status::Cancelled, "not needed").await.unwrap();
    });
    assert!(matches!(bench.run(task, &toy).await, Finished::Lost));
    assert_eq!(bench.db.task(task).await.unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn a_second_process_waits_for_a_living_owner_and_says_so() {
    struct Ear(Mutex<bool>);
    impl Progress for Ear {
        fn event(&self, event: &Event) {
            if matches!(event, Event::Waiting { .. }) {
                *self.0.lock().unwrap() = true;
            }
        }
    }
    let bench = Bench::new().await;
    let task = bench.task().await;
    let first = Toy::new(&["a"], |_, _| Does::Return(1));
    let holder = Owner::new(&bench.folder.path().join("owners")).unwrap();
    bench.db.claim(task, &holder, Duration::from_millis(300), 1).await.unwrap();
    let ear = Arc::new(Ear(Mutex::new(false)));
    let finished = bench.executor().run(task, &first, ear.clone(), &bench.cancel).await.unwrap();
    assert!(matches!(finished, Finished::Ended(_)), "it took over when the lease ended");
    assert!(*ear.0.lock().unwrap());
}
