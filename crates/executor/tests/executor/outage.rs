//! A database that goes away while workers work, and comes back.

use cofounder_domain::Status;
use cofounder_executor::{Finished, Settings, WorkerSettings};
use cofounder_storage::{Database, Failure, Faults, Moment, PoolSettings};
use cofounder_testkit::postgres::Cluster;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{
    bench::{Bench, until},
    on_both_databases,
    toy::{Factory, Toy, pause},
};

on_both_databases! {
    a_database_that_is_lost_at_any_statement_of_a_run_costs_no_result,
}

/// A server that crashes and returns after 2 s, while two tasks are running and ten more wait. Tried with an outage of
/// 0 s in the settings: tasks failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_and_returns_costs_no_task_and_no_result() {
    let Some(cluster) = Cluster::start("") else { return };
    let bench = Bench::on(&cluster.database()).await;
    // Longer than the outage: what was being done is not taken over.
    let settings = Settings { lease: Duration::from_secs(15), ..bench.settings };
    let bench = Bench { settings, ..bench };
    let mut tasks = Vec::new();
    for _ in 0..12 {
        tasks.push(bench.task().await);
    }
    let toy = Toy::new(&["a", "b", "c"], |_, _| pause(Duration::from_millis(50)));
    let hand = bench.hire(&toy, WorkerSettings { concurrency: 4, ..bench.work() }).await;
    until("some are done", async || toy.calls("c") >= 3).await;
    cluster.stop();
    let journalled = toy.counts();
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.resume();
    for task in &tasks {
        until("the task is done", async || {
            let stored = bench.db.task(*task).await;
            stored.is_ok_and(|stored| stored.status == Status::AwaitingApproval)
        })
        .await;
    }
    assert!(toy.counts().len() > journalled.len(), "the server went away before the last task was done");
    let report = hand.dismissed().await;
    assert_eq!((report.failed, bench.db.runs(tasks[0]).await.unwrap().len()), (0, 1));
    for task in &tasks {
        let steps = bench.db.steps(*task).await.unwrap();
        assert_eq!(steps.iter().filter(|s| s.result.as_deref() == Some("1")).count(), 3, "{steps:?}");
        let done = bench.db.history(*task).await.unwrap();
        assert_eq!(done.iter().filter(|h| h.new == Status::AwaitingApproval).count(), 1, "ended once");
    }
    // A step is done again only if its beginning or its result could not be written before the server was gone.
    let again: Vec<_> = toy.counts().into_iter().filter(|(_, n)| *n > 1).collect();
    assert_eq!(again, [], "a step that was being done kept its result in hand");
}

/// Loses the connection at one statement, counted from when it was set.
#[derive(Debug)]
struct LostAt(AtomicI64, Moment);

impl Faults for LostAt {
    fn strike(&self, _statement: &str, moment: Moment) -> Option<Failure> {
        (moment == self.1 && self.0.fetch_sub(1, Ordering::SeqCst) == 0).then_some(Failure::Lost)
    }
}

/// Every statement of a run in turn, before and after it. Tried without patience in `prepare`, and without it in
/// `Late::made`, as both once were: a task failed because its database was away for a moment.
async fn a_database_that_is_lost_at_any_statement_of_a_run_costs_no_result(bench: Bench) {
    // A claim whose commit is lost on its way back is nobody's until its lease ends.
    let lease = Duration::from_secs(3);
    let bench = Bench { settings: Settings { lease, ..bench.settings }, ..bench };
    let toy = Toy::new(&["a", "b"], |_, _| pause(Duration::ZERO));
    let settings = WorkerSettings { poll: Duration::from_millis(20), ..bench.until_idle() };
    for moment in [Moment::Before, Moment::After] {
        let fault = Arc::new(LostAt(AtomicI64::new(-1), moment));
        let opened = Database::open(bench.db.location(), PoolSettings::default(), bench.clock.clone());
        let db = Arc::new(opened.await.unwrap().with_faults(fault.clone()));
        for at in 0.. {
            let task = bench.task().await;
            fault.0.store(at, Ordering::SeqCst);
            let factory = Factory { db: Some(db.clone()), ..Factory::of(&toy) };
            let report = bench.hire_on(db.clone(), factory, settings.clone()).ended().await;
            assert_eq!(report.failed, 0, "{moment:?} {at}: {:?}", bench.stored(task).await);
            assert_eq!(bench.status(task).await, Status::AwaitingApproval, "{moment:?} {at}");
            if fault.0.load(Ordering::SeqCst) >= 0 {
                assert!(at > 20, "a run has more statements than {at}");
                break;
            }
        }
    }
    let again: u32 = toy.counts().values().map(|n| n - 1).sum();
    assert_eq!(again, 0, "a result that was come to is never lost with a connection");
    let task = bench.task().await;
    assert!(matches!(bench.run(task, &toy).await, Finished::Ended(_)));
}
