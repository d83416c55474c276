//! Tasks whose worker is gone, and those whose worker is not.

use cofounder_domain::{Status, StepPath, StepStatus, TaskId};
use cofounder_storage::{
    Act, Claim, Claimed, Database, Owner, Patience, PoolSettings, StepResult, StorageError,
};
use cofounder_testkit::clock::ManualClock;
use serde_json::json;
use std::{sync::Arc, time::Duration};

use crate::{Bench, got, on_both_databases, queue::wants};

on_both_databases! {
    a_task_whose_worker_ended_or_took_too_long_waits_again,
    a_living_worker_within_its_lease_is_left_alone,
    a_worker_with_another_folder_of_lock_files_is_judged_by_its_lease_alone,
    of_several_that_recover_at_the_same_time_one_does,
    a_task_whose_workers_keep_ending_is_given_up_with_the_reason,
    audit_p14_a_wall_clock_that_is_a_day_ahead_makes_no_pause_longer,
    audit_p14_a_wall_clock_that_is_a_day_ahead_ends_no_lease,
    a_journalled_result_makes_up_for_earlier_runs,
    runs_that_end_in_order_count_for_nothing,
}

const LEASE: Duration = Duration::from_secs(60);
const PATIENCE: Patience = Patience { runs: 3, pause: Duration::from_millis(300) };

async fn claim(bench: &Bench, task: TaskId, owner: &Owner) -> Claimed {
    got(bench.db.claim(task, owner, LEASE, 1).await.unwrap())
}

/// A worker that claims the task and dies; then others notice.
async fn crash(bench: &Bench, task: TaskId) -> Status {
    claim(bench, task, &bench.owner()).await;
    bench.db.recover(&bench.owner(), PATIENCE).await.unwrap();
    bench.db.task(task).await.unwrap().status
}

/// Waits out the pause after a run that brought nothing.
async fn pause(bench: &Bench) {
    tokio::time::sleep(PATIENCE.pause * 2).await;
    bench.db.promote().await.unwrap();
}

/// Whether a task could be claimed from the queue now.
async fn is_due(bench: &Bench, task: TaskId) -> bool {
    let due = bench.lines(&format!("SELECT due || '' AS line FROM tasks WHERE id = '{task}'")).await;
    due == ["1"]
}

/// Tried by reckoning leases with the wall clock in `LeaseClock::read`: the test failed.
async fn audit_p14_a_wall_clock_that_is_a_day_ahead_ends_no_lease(bench: Bench) {
    let (task, owner, other) = (bench.task().await.id, bench.owner(), bench.owner());
    claim(&bench, task, &owner).await;
    let clock = Arc::new(ManualClock::at(bench.db.now().timestamp_millis() + 86_400_000));
    let ahead = Database::open(bench.db.location(), PoolSettings::default(), clock).await.unwrap();
    let held = ahead.claim(task, &other, LEASE, 1).await.unwrap();
    assert!(matches!(held, Claim::Held { wait } if wait <= LEASE), "{held:?}");
    assert_eq!(ahead.recover(&other, PATIENCE).await.unwrap().waiting, []);
}

/// Tried by reckoning the pause with the wall clock: the test failed.
async fn audit_p14_a_wall_clock_that_is_a_day_ahead_makes_no_pause_longer(bench: Bench) {
    let task = bench.task().await.id;
    assert_eq!(crash(&bench, task).await, Status::Pending);
    bench.db.claim(task, &bench.owner(), LEASE, 1).await.unwrap();
    let clock = Arc::new(ManualClock::at(bench.db.now().timestamp_millis() + 86_400_000));
    let ahead = Database::open(bench.db.location(), PoolSettings::default(), clock).await.unwrap();
    assert_eq!(ahead.recover(&bench.owner(), PATIENCE).await.unwrap().waiting, [task]);
    assert!(!is_due(&bench, task).await, "a short pause");
    pause(&bench).await;
    assert!(is_due(&bench, task).await);
}

/// Tried by leaving the owners out of `abandoned`, then the leases: the test failed each time.
async fn a_task_whose_worker_ended_or_took_too_long_waits_again(bench: Bench) {
    let (dead, slow, other) = (bench.owner(), bench.owner(), bench.owner());
    let tasks = [bench.task().await.id, bench.task().await.id];
    let first = claim(&bench, tasks[0], &dead).await;
    let second = got(bench.db.claim(tasks[1], &slow, Duration::ZERO, 1).await.unwrap());
    let name = cofounder_storage::owner_name(dead.id());
    drop(dead);
    let mut waiting = bench.db.recover(&other, PATIENCE).await.unwrap().waiting;
    waiting.sort();
    let mut expected = tasks.to_vec();
    expected.sort();
    assert_eq!(waiting, expected);
    for (task, run) in [(tasks[0], first), (tasks[1], second)] {
        let now = bench.db.task(task).await.unwrap();
        assert_eq!((now.status, now.owner), (Status::Pending, None));
        assert!(bench.db.history(task).await.unwrap().last().unwrap().reason.starts_with(&name));
        assert!(matches!(bench.db.still_mine(&run).await, Err(StorageError::Stale)));
        assert!(matches!(bench.db.heartbeat(&run, LEASE).await, Err(StorageError::Stale)));
        assert!(matches!(bench.db.end_run(&run, Status::Failed, "x", None).await, Err(StorageError::Stale)));
    }
    // After one run that brought nothing it is tried again at once.
    assert_eq!(bench.db.claim_next(&other, LEASE, &wants(9)).await.unwrap().len(), 2);
}

async fn a_living_worker_within_its_lease_is_left_alone(bench: Bench) {
    let (one, other) = (bench.owner(), bench.owner());
    let task = bench.task().await.id;
    let run = claim(&bench, task, &one).await;
    bench.clock.advance(Duration::from_secs(86_400));
    assert_eq!(
        bench.db.recover(&other, PATIENCE).await.unwrap(),
        Default::default(),
        "no wall clock takes part"
    );
    assert_eq!(bench.db.recover(&one, PATIENCE).await.unwrap(), Default::default());
    bench.db.still_mine(&run).await.unwrap();
    let last = got(bench.db.claim(bench.task().await.id, &one, Duration::from_millis(1), 1).await.unwrap());
    bench.db.heartbeat(&last, LEASE).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(bench.db.recover(&other, PATIENCE).await.unwrap(), Default::default(), "the heartbeat counts");
}

/// Tried by taking every owner without a lock file here for gone: the test failed.
async fn a_worker_with_another_folder_of_lock_files_is_judged_by_its_lease_alone(bench: Bench) {
    let elsewhere = tempfile::tempdir().unwrap();
    let far = Owner::new(elsewhere.path()).unwrap();
    let run = claim(&bench, bench.task().await.id, &far).await;
    assert!(!bench.owner().is_gone(far.id()));
    assert_eq!(bench.db.recover(&bench.owner(), PATIENCE).await.unwrap(), Default::default());
    bench.db.still_mine(&run).await.unwrap();
    drop(far);
    assert_eq!(bench.db.recover(&bench.owner(), PATIENCE).await.unwrap(), Default::default(), "who knows?");
    let near = Owner::new(elsewhere.path()).unwrap();
    assert_eq!(bench.db.recover(&near, PATIENCE).await.unwrap().waiting, [run.task], "who shares its folder");
    let far = Owner::new(elsewhere.path()).unwrap();
    got(bench.db.claim(run.task, &far, Duration::ZERO, 1).await.unwrap());
    assert_eq!(
        bench.db.recover(&bench.owner(), PATIENCE).await.unwrap().waiting,
        [run.task],
        "its lease ended"
    );
}

/// Tried by leaving out the lock in `recover`: the test failed on PostgreSQL.
async fn of_several_that_recover_at_the_same_time_one_does(bench: Bench) {
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let task = bench.task().await.id;
        got(bench.db.claim(task, &bench.owner(), Duration::ZERO, 1).await.unwrap());
        tasks.push(task);
    }
    let others = [bench.another().await, bench.another().await, bench.another().await];
    let workers = others.map(|db| {
        let owner = bench.owner();
        tokio::spawn(async move { db.recover(&owner, PATIENCE).await.unwrap().waiting })
    });
    let mut recovered = Vec::new();
    for worker in workers {
        recovered.extend(worker.await.unwrap());
    }
    recovered.sort();
    tasks.sort();
    assert_eq!(recovered, tasks);
}

/// Tried by never counting runs: the test failed.
async fn a_task_whose_workers_keep_ending_is_given_up_with_the_reason(bench: Bench) {
    let (task, other) = (bench.task().await.id, bench.task().await.id);
    for _ in 1..PATIENCE.runs {
        assert_eq!(crash(&bench, task).await, Status::Pending);
        pause(&bench).await;
    }
    claim(&bench, task, &bench.owner()).await;
    let recovered = bench.db.recover(&bench.owner(), PATIENCE).await.unwrap();
    assert_eq!((recovered.waiting, recovered.given_up), (vec![], vec![task]));
    let failed = bench.db.task(task).await.unwrap();
    assert_eq!(failed.status, Status::Failed);
    let told = failed.error.unwrap();
    assert!(told.contains("3 runs") && told.contains(&std::process::id().to_string()), "{told}");
    assert_eq!(bench.db.history(task).await.unwrap().last().unwrap().reason, told);
    assert_eq!(bench.db.by(&Act::OPERATOR).retry_task(task, None).await.unwrap().status, Status::Pending);
    assert_eq!(crash(&bench, task).await, Status::Pending, "a person's word begins the count anew");
    assert_eq!(bench.db.task(other).await.unwrap().status, Status::Pending);
}

/// Tried by leaving out the reset in `number`: the test failed.
async fn a_journalled_result_makes_up_for_earlier_runs(bench: Bench) {
    let (task, path) = (bench.task().await.id, StepPath::new("research"));
    for round in 0..3 {
        for _ in 1..PATIENCE.runs {
            assert_eq!(crash(&bench, task).await, Status::Pending, "round {round}");
            pause(&bench).await;
        }
        let dying = bench.owner();
        let run = claim(&bench, task, &dying).await;
        bench.db.begin_step(&run, &path).await.unwrap();
        let value = json!(round);
        let done = StepResult { status: StepStatus::Done, result: Some(&value), reasons: &[], error: None };
        bench.db.end_step(&run, &path, &done).await.unwrap();
        drop(dying);
        bench.db.recover(&bench.owner(), PATIENCE).await.unwrap();
        assert_eq!(bench.db.task(task).await.unwrap().status, Status::Pending);
    }
}

async fn runs_that_end_in_order_count_for_nothing(bench: Bench) {
    let (task, owner) = (bench.task().await.id, bench.owner());
    for _ in 0..PATIENCE.runs * 2 {
        let run = claim(&bench, task, &owner).await;
        bench.db.end_run(&run, Status::Pending, "the program was told to end", None).await.unwrap();
    }
    assert_eq!(crash(&bench, task).await, Status::Pending);
    assert!(is_due(&bench, task).await, "at once");
}
