//! A server that goes away and returns, one that does not answer, and failures by the thousand.

use cofounder_domain::{Status, StepPath, TaskId};
use cofounder_storage::{
    Act, Database, Failure, Faults, Location, Moment, PoolSettings, StorageError, Task, Terms, patiently,
};
use cofounder_testkit::{clock::ManualClock, postgres::Cluster};
use sea_orm::{ConnectionTrait, TransactionTrait};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{brief, connect, got};

const LEASE: Duration = Duration::from_secs(60);
const SETTINGS: PoolSettings = PoolSettings {
    connections: 3,
    acquire: Duration::from_secs(2),
    connect: Duration::from_secs(1),
    statement: Duration::from_secs(2),
    statement_cache: 20,
};
/// What any call may take: a connection, a statement, and the end of the transaction; and a busy machine's slack.
const AT_MOST: Duration = Duration::from_secs(2 + 2 + 2 + 2);

async fn on(cluster: &Cluster, settings: PoolSettings) -> Arc<Database> {
    let place: Location = cluster.database().parse().unwrap();
    Arc::new(Database::migrate(&place, settings, Arc::new(ManualClock::default())).await.unwrap().0)
}

async fn task(db: &Database) -> Task {
    db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap()
}

async fn unavailable<T: std::fmt::Debug>(work: impl Future<Output = Result<T, StorageError>>) {
    let begin = Instant::now();
    let error = work.await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
    assert!(begin.elapsed() < AT_MOST, "{:?}", begin.elapsed());
}

/// Waits until every connection is back in the pool.
pub(crate) async fn all_idle(db: &Database) {
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        let now = db.connections();
        if now.open == now.idle {
            return;
        }
        assert!(Instant::now() < patience, "{now:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Tried by letting the pool hand out connections untested: the test failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_p02_a_server_that_stops_and_returns_is_noticed_both_times() {
    let Some(cluster) = Cluster::start("-c fsync=off") else { return };
    let db = on(&cluster, SETTINGS).await;
    let folder = tempfile::tempdir().unwrap();
    let owner = cofounder_storage::Owner::new(folder.path()).unwrap();
    let (one, other) = (task(&db).await.id, task(&db).await.id);
    let run = got(db.claim(one, &owner, LEASE, 1).await.unwrap());
    let held = connect(db.location()).await;
    let holding = held.begin().await.unwrap();
    holding
        .execute_unprepared(&format!("SELECT * FROM tasks WHERE id = '{other}' FOR UPDATE"))
        .await
        .unwrap();
    let under_way = tokio::spawn({
        let db = db.clone();
        async move { db.by(&Act::OPERATOR).move_task(other, Status::Cancelled, "under way").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.stop();
    drop(holding);
    unavailable(async { under_way.await.unwrap() }).await;
    unavailable(db.task(one)).await;
    unavailable(db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default())).await;
    unavailable(db.begin_step(&run, &StepPath::new("research"))).await;
    unavailable(db.check_schema()).await;
    cluster.resume();
    assert_eq!(db.task(other).await.unwrap().status, Status::Pending, "nothing half-done");
    assert_eq!(db.begin_step(&run, &StepPath::new("research")).await.unwrap(), 1);
    db.by(&Act::OPERATOR).move_task(other, Status::Cancelled, "again").await.unwrap();
    task(&db).await;
    all_idle(&db).await;
    // Once more while every connection is idle: nobody hears of it.
    let many = || thrice(&db, one);
    assert!(many().await.iter().all(Result::is_ok));
    all_idle(&db).await;
    assert!(db.connections().idle > 1);
    cluster.stop();
    cluster.resume();
    assert!(many().await.iter().all(Result::is_ok));
}

/// As many questions at the same time as there are connections.
async fn thrice(db: &Database, task: TaskId) -> [Result<Task, StorageError>; 3] {
    let (one, two, three) = tokio::join!(db.task(task), db.task(task), db.task(task));
    [one, two, three]
}

/// Tried by leaving out the server's own limit: the connection waited on with the statement, and the test failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_p02_a_statement_that_takes_too_long_is_ended_and_its_connection_goes_on() {
    let Some(cluster) = Cluster::start("-c fsync=off") else { return };
    let db = on(&cluster, PoolSettings { connections: 1, ..SETTINGS }).await;
    let (task, free) = (task(&db).await.id, task(&db).await.id);
    let ours = "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE application_name = 'cofounder'";
    let before = cluster.ask("postgres", ours).unwrap();
    let other = connect(db.location()).await;
    let holding = other.begin().await.unwrap();
    holding.execute_unprepared(&format!("SELECT * FROM tasks WHERE id = '{task}' FOR UPDATE")).await.unwrap();
    unavailable(db.by(&Act::OPERATOR).move_task(task, Status::Cancelled, "x")).await;
    assert_eq!(db.task(free).await.unwrap().id, free, "at once, while the other still holds its row");
    holding.rollback().await.unwrap();
    assert_eq!(
        db.by(&Act::OPERATOR).move_task(task, Status::Cancelled, "x").await.unwrap().status,
        Status::Cancelled
    );
    assert_eq!(db.history(task).await.unwrap().len(), 2, "once");
    assert_eq!(cluster.ask("postgres", ours).unwrap(), before, "the same connection");
}

/// Stops the server's process of the only connection at one statement, as a network does that swallows everything.
#[derive(Debug)]
struct Freeze {
    at: &'static str,
    process: String,
}

impl Faults for Freeze {
    fn strike(&self, statement: &str, moment: Moment) -> Option<Failure> {
        if statement.starts_with(self.at) && moment == Moment::Before {
            signal("-STOP", &self.process);
        }
        None
    }
}

fn signal(name: &str, process: &str) {
    assert!(std::process::Command::new("kill").args([name, process]).status().unwrap().success());
}

/// Tried by leaving out the time-out around `COMMIT`, then the one around `ROLLBACK`: the test failed each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_p02_a_server_that_answers_no_more_is_not_waited_for() {
    let Some(cluster) = Cluster::start("-c fsync=off") else { return };
    let db = on(&cluster, PoolSettings { connections: 1, ..SETTINGS }).await;
    for at in ["COMMIT", "UPDATE tasks SET status"] {
        let task = task(&db).await.id;
        let ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cofounder'";
        let process = cluster.ask("postgres", ours).unwrap();
        let frozen = Database::clone(&db).with_faults(Arc::new(Freeze { at, process: process.clone() }));
        let told =
            tokio::time::timeout(AT_MOST, frozen.by(&Act::OPERATOR).move_task(task, Status::Cancelled, "x"))
                .await;
        unavailable(db.task(task)).await;
        signal("-CONT", &process);
        assert!(matches!(told, Ok(Err(StorageError::Unavailable(_)))), "{at}: {told:?}");
        all_idle(&db).await;
        // Whether a lost COMMIT took place is not known beforehand; half of it never does.
        let moved = db.task(task).await.unwrap().status == Status::Cancelled;
        assert_eq!(db.history(task).await.unwrap().len(), if moved { 2 } else { 1 });
    }
}

/// Tried by letting `listen` end with its connection: the test failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_are_heard_again_after_a_server_returned() {
    let Some(cluster) = Cluster::start("-c fsync=off") else { return };
    let db = on(&cluster, SETTINGS).await;
    let other = Database::open(db.location(), SETTINGS, Arc::new(ManualClock::default())).await.unwrap();
    let mut wakeup = other.wakeup(true);
    wakeup.wait(LEASE).await;
    cluster.stop();
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.resume();
    let patience = Instant::now() + Duration::from_secs(20);
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    while cluster.ask("postgres", listening).unwrap() != "1" {
        assert!(Instant::now() < patience, "it listens again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    wakeup.wait(Duration::from_secs(1)).await;
    let begin = Instant::now();
    task(&db).await;
    wakeup.wait(LEASE).await;
    assert!(begin.elapsed() < AT_MOST, "{:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patiently_waits_out_a_stopped_server_but_not_for_ever_and_not_when_cancelled() {
    let Some(cluster) = Cluster::start("-c fsync=off") else { return };
    let (db, never) = (on(&cluster, SETTINGS).await, CancellationToken::new());
    let task = task(&db).await.id;
    cluster.stop();
    unavailable(patiently(Duration::from_millis(500), &never, || db.task(task))).await;
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    unavailable(patiently(LEASE, &cancelled, || db.task(task))).await;
    let looks = Arc::new(AtomicU32::new(0));
    let waiting = tokio::spawn({
        let (db, looks, never) = (db.clone(), looks.clone(), never.clone());
        async move {
            let look = || {
                looks.fetch_add(1, Ordering::Relaxed);
                db.task(task)
            };
            patiently(LEASE, &never, look).await
        }
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!waiting.is_finished());
    cluster.resume();
    assert_eq!(waiting.await.unwrap().unwrap().id, task);
    assert!(looks.load(Ordering::Relaxed) > 1);
    let looks = AtomicU32::new(0);
    let act = &Act::OPERATOR;
    let refused = patiently(LEASE, &never, async || {
        looks.fetch_add(1, Ordering::Relaxed);
        db.by(act).move_task(task, Status::Published, "x").await
    });
    assert!(matches!(refused.await, Err(StorageError::Illegal(_))));
    assert_eq!(looks.load(Ordering::Relaxed), 1, "what cannot change is not asked again");
}
