//! Measures the executor on SQLite and on a throw-away PostgreSQL: durable step commits, the time from a task's creation
//! to its first step, and claims beside a million finished tasks. `bench/executor` runs it; see bench/README.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement that goes wrong ends the program, and its result is what it prints"
)]

use async_trait::async_trait;
use cofounder_domain::{Brief, Status, StepPath, StepStatus, SystemClock, TaskId};
use cofounder_executor::{
    Ending, Executor, Outcome, Progress, RunContext, Settings, Silent, StepError, Stop, Worker,
    WorkerSettings, Workflow, Workshop,
};
use cofounder_storage::{
    Act, Claim, Claimed, Database, Location, Owner, PoolSettings, StepResult, Terms, Wants,
};
use cofounder_testkit::postgres::Cluster;
use sea_orm::ConnectionTrait;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 3;
const SPAN: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(600);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let cluster = Cluster::start("").expect("a PostgreSQL server is installed");
    if only.is_empty() || only == "commits" {
        commits(&cluster).await;
    }
    if only.is_empty() || only == "starts" {
        starts(&cluster).await;
    }
    if only.is_empty() || only == "claims" {
        claims(&cluster).await;
    }
}

struct Place {
    db: Arc<Database>,
    url: String,
    folder: tempfile::TempDir,
}

impl Place {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("bench.db").display());
        Self::at(url, folder).await
    }

    async fn postgres(cluster: &Cluster) -> Self {
        Self::at(cluster.database(), tempfile::tempdir().unwrap()).await
    }

    async fn at(url: String, folder: tempfile::TempDir) -> Self {
        let location: Location = url.parse().unwrap();
        let (db, _) =
            Database::migrate(&location, PoolSettings::default(), Arc::new(SystemClock)).await.unwrap();
        Self { db: Arc::new(db), url, folder }
    }

    async fn another(&self) -> Arc<Database> {
        let location: Location = self.url.parse().unwrap();
        Arc::new(Database::open(&location, PoolSettings::default(), Arc::new(SystemClock)).await.unwrap())
    }

    fn owner(&self) -> Owner {
        Owner::new(&self.folder.path().join("owners")).unwrap()
    }

    async fn raw(&self, text: &str) -> Vec<String> {
        let url = self.url.replacen("sqlite:", "sqlite://", 1);
        let raw = sea_orm::Database::connect(url).await.unwrap();
        if text.starts_with("EXPLAIN") {
            let rows =
                raw.query_all_raw(sea_orm::Statement::from_string(raw.get_database_backend(), text)).await;
            let column = if self.url.starts_with("sqlite") { "detail" } else { "QUERY PLAN" };
            return rows.unwrap().iter().map(|r| r.try_get::<String>("", column).unwrap()).collect();
        }
        raw.execute_unprepared(text).await.unwrap();
        Vec::new()
    }
}

fn brief() -> Brief {
    Brief::new("Why", 600, vec![], None).unwrap()
}

async fn claimed(place: &Place, owner: &Owner) -> Claimed {
    let task = place.db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap().id;
    match place.db.claim(task, owner, LEASE, 1).await.unwrap() {
        Claim::Got(claimed) => claimed,
        other => panic!("{other:?}"),
    }
}

/// One commit after another, and `writers` at the same time.
async fn commit_rate(place: &Place, writers: usize) -> f64 {
    let owner = place.owner();
    let mut runs = Vec::new();
    for _ in 0..writers {
        let run = claimed(place, &owner).await;
        place.db.begin_step(&run, &StepPath::new("a")).await.unwrap();
        runs.push(run);
    }
    let begun = Instant::now();
    let tasks: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let db = place.db.clone();
            tokio::spawn(async move {
                let (path, value, mut count) = (StepPath::new("a"), json!({"text": "x".repeat(200)}), 0_u64);
                while begun.elapsed() < SPAN {
                    let end = StepResult {
                        status: StepStatus::Done,
                        result: Some(&value),
                        reasons: &[],
                        error: None,
                    };
                    db.end_step(&run, &path, &end).await.unwrap();
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    sum as f64 / begun.elapsed().as_secs_f64()
}

async fn commits(cluster: &Cluster) {
    println!(
        "durable step commits per second: fence-checked update of the step and the task, and a journal row;"
    );
    println!(
        "acknowledged after fsync (SQLite: WAL, synchronous=FULL; PostgreSQL: fsync and synchronous_commit on)"
    );
    println!("median of {ROUNDS} rounds of {} s (lowest to highest)", SPAN.as_secs());
    let counts = [1, 16, 256, 1024];
    let mut rates: HashMap<(&str, usize), Vec<f64>> = HashMap::new();
    for _ in 0..ROUNDS {
        for writers in counts {
            rates
                .entry(("SQLite", writers))
                .or_default()
                .push(commit_rate(&Place::sqlite().await, writers).await);
            let place = Place::postgres(cluster).await;
            rates.entry(("PostgreSQL", writers)).or_default().push(commit_rate(&place, writers).await);
        }
    }
    for kind in ["SQLite", "PostgreSQL"] {
        for writers in counts {
            println!(
                "{kind:11} {writers:5} at once  {}",
                spread(rates.get_mut(&(kind, writers)).unwrap(), "/s")
            );
        }
    }
}

fn spread(values: &mut [f64], unit: &str) -> String {
    values.sort_by(f64::total_cmp);
    let (first, last) = (values[0], values[values.len() - 1]);
    format!("{:>10.1} {unit} ({first:.1} to {last:.1})", values[values.len() / 2])
}

/// A workflow of one step that tells when it began.
#[derive(Clone)]
struct Clocked(Arc<Mutex<HashMap<TaskId, Instant>>>);

#[async_trait]
impl Workflow for Clocked {
    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &RunContext) -> Result<Ending, StepError> {
        let begun = self.0.clone();
        cx.step("a", move |step| {
            let begun = begun.clone();
            async move {
                begun.lock().unwrap().insert(step.task(), Instant::now());
                Ok(Outcome::done(1))
            }
        })
        .await?;
        Ok(Ending { status: Status::AwaitingApproval, gate: None })
    }
}

#[async_trait]
impl Workshop for Clocked {
    fn version(&self) -> u32 {
        1
    }

    async fn workflow(&self, _: TaskId, _: &CancellationToken) -> Result<Box<dyn Workflow>, StepError> {
        Ok(Box::new(self.clone()))
    }

    fn progress(&self, _: TaskId) -> Arc<dyn Progress> {
        Arc::new(Silent)
    }
}

async fn start_times(place: &Place, workers: usize, notifications: bool) -> Vec<f64> {
    let (begun, stop) = (Clocked(Arc::default()), Stop::default());
    let mut running = Vec::new();
    for _ in 0..workers {
        let executor = Executor::new(place.another().await, place.owner(), Settings::default());
        let settings = WorkerSettings { notifications, ..WorkerSettings::default() };
        let (worker, stop) = (Worker::new(executor, Arc::new(begun.clone()), settings), stop.clone());
        running.push(tokio::spawn(async move { worker.run(&stop).await.unwrap() }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut times = Vec::new();
    for _ in 0..200 {
        let task =
            place.db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap().id;
        let asked = Instant::now();
        let began = loop {
            if let Some(began) = begun.0.lock().unwrap().get(&task) {
                break *began;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        };
        times.push(began.saturating_duration_since(asked).as_secs_f64() * 1_000.0);
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    stop.drain.cancel();
    for worker in running {
        worker.await.unwrap();
    }
    times.sort_by(f64::total_cmp);
    times
}

async fn starts(cluster: &Cluster) {
    println!(
        "\nmilliseconds from a task's being created, acknowledged, to the first line of its first step, 200 tasks, on PostgreSQL"
    );
    for (workers, notifications) in [(1, true), (2, true), (4, true), (2, false)] {
        let place = Place::postgres(cluster).await;
        let times = start_times(&place, workers, notifications).await;
        let how = if notifications { "notified" } else { "polling every second" };
        println!("{workers} worker(s), {how:21} p50 {:7.1}   p99 {:7.1}", times[100], times[198]);
    }
}

async fn claim_times(place: &Place) -> Vec<f64> {
    let owner = place.owner();
    let wants = Wants { capabilities: vec![], workflow: 1, oldest: false, limit: 1 };
    let mut times = Vec::new();
    for turn in 0..200 {
        place.db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap();
        let wants = Wants { oldest: turn % 4 == 3, ..wants.clone() };
        let begun = Instant::now();
        let claimed = place.db.claim_next(&owner, LEASE, &wants).await.unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        place.db.end_run(&claimed[0], Status::Failed, "measured", None).await.unwrap();
    }
    times.sort_by(f64::total_cmp);
    times
}

/// So many tasks that wait and so many that are done.
const CROWDS: [(u32, u32); 4] = [(0, 0), (1_000, 10_000), (10_000, 100_000), (100_000, 1_000_000)];

fn filling(sqlite: bool, count: u32) -> String {
    let columns = "INSERT INTO tasks (id, site_id, brief, created_at, updated_at, ready_at, priority)";
    let values = "'00000000-0000-0000-0000-000000000000', '{}', i, i, i, i % 3";
    if !sqlite {
        return format!(
            "{columns} SELECT gen_random_uuid()::text, {values} FROM generate_series(1, {count}) i"
        );
    }
    let id = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(6)))";
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) {columns} SELECT {id}, {values} FROM n"
    )
}

async fn claims(cluster: &Cluster) {
    println!(
        "\nmilliseconds for a claim (claim_next, 200 times) beside tasks that wait and tasks that are done"
    );
    for sqlite in [true, false] {
        let kind = if sqlite { "SQLite" } else { "PostgreSQL" };
        for (waiting, done) in CROWDS {
            let place = if sqlite { Place::sqlite().await } else { Place::postgres(cluster).await };
            if waiting > 0 {
                place.raw(&filling(sqlite, waiting + done)).await;
                let text = "UPDATE tasks SET status = 'cancelled' WHERE brief = '{}' AND created_at >";
                place.raw(&format!("{text} {waiting}")).await;
            }
            place.raw("ANALYZE").await;
            let times = claim_times(&place).await;
            println!(
                "{kind:11} {waiting:7} waiting {done:8} done   p50 {:6.2}   p99 {:6.2}",
                times[100], times[198]
            );
            if waiting == 100_000 {
                plans(&place, sqlite).await;
            }
        }
    }
}

/// How the claim finds its task: the words of `ready` in the crate `storage`.
async fn plans(place: &Place, sqlite: bool) {
    for order in ["priority DESC, ready_at, id", "ready_at, id"] {
        let text = format!(
            "EXPLAIN {} SELECT id FROM tasks WHERE status = 'pending' AND due = 1 AND needs = '' AND payload_version <= 1
               AND (workflow_version IS NULL OR workflow_version <= 1) ORDER BY {order} LIMIT 1",
            if sqlite { "QUERY PLAN" } else { "" }
        );
        for line in place.raw(&text).await {
            println!("    {line}");
        }
    }
}
