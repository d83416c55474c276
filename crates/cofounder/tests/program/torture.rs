//! Kill torture: workers of the real binary are killed at random over a fake provider and two receivers, their clocks
//! jump by a day, their database crashes or their disk fills up. In the end every task is published, no journalled
//! result was made twice or changed, no journalled call was asked again, and no effect took place twice.
//!
//! A few rounds here; `bench/torture --rounds N` runs more. It failed while pauses were reckoned by wall clocks (an effect
//! was put off by a day), while a connection was used again that SQLite had thrown out of its transaction on a full disk,
//! and while a worker gave up whose server was just starting. Tried by sending every effect again whose worker ended: the
//! test failed.

use cofounder_testkit::{
    postgres::Cluster,
    provider::Reply,
    receiver::{Answer, FakeReceiver},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::process::Signal;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{process::Child, time::sleep};

use crate::{
    places::SmallDisk,
    story,
    workbench::{Workbench, asked, ended, signal},
};

/// How long a round may take to come to its end once it is left in peace.
const PEACE: Duration = Duration::from_secs(120);
/// Tasks of one round.
const TASKS: usize = 2;
/// Makes a process's wall clock run elsewhere, where it is installed (Debian: `faketime`).
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// What happened, for the table at the end.
#[derive(Debug, Default)]
struct Toll {
    rounds: u32,
    tasks: usize,
    kills: u32,
    jumps: u32,
    crashes: u32,
    full_disks: u32,
    /// Tasks that failed because the disk was full, and were retried.
    retried: u32,
    /// Calls that were in flight at a kill and were asked again.
    paid_again: usize,
    /// Effects for a receiver without keys of which nobody knows.
    unknown: usize,
}

struct Ground {
    bench: Workbench,
    cluster: Option<Cluster>,
    disk: Option<SmallDisk>,
    keyed: FakeReceiver,
    plain: FakeReceiver,
    rng: StdRng,
    toll: Toll,
}

#[tokio::test(flavor = "multi_thread")]
async fn torture_on_sqlite() {
    let bench = Workbench::new().await;
    let disk = SmallDisk::new(bench.path("data"), "64m");
    torture(bench, None, disk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn torture_on_postgres() {
    let Some(cluster) = Cluster::start("") else { return };
    let bench = Workbench::on(cluster.database()).await;
    torture(bench, Some(cluster), None).await;
}

async fn torture(bench: Workbench, cluster: Option<Cluster>, disk: Option<SmallDisk>) {
    let named = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let rounds = named("COFOUNDER_TORTURE_ROUNDS").unwrap_or(3);
    let seed = named("COFOUNDER_TORTURE_SEED").unwrap_or_else(|| rand::rng().random());
    let kind = if cluster.is_some() { "PostgreSQL" } else { "SQLite" };
    eprintln!("torture on {kind}: {rounds} rounds, COFOUNDER_TORTURE_SEED={seed}");
    let (keyed, plain) =
        (FakeReceiver::honouring_keys().await.unwrap(), FakeReceiver::start().await.unwrap());
    bench.configure(&format!(
        "price = {{ input = 0.0, output = 0.0 }}\ntimeouts = {{ first_token_ms = 1000, idle_ms = 1000, total_ms = 2000 }}\n\
         [webhook.keyed]\nurl = \"{}\"\nhonours_keys = true\ntimeout_ms = 1000\n\
         [webhook.plain]\nurl = \"{}\"\ntimeout_ms = 1000\n",
        keyed.url(),
        plain.url()
    ));
    let (rng, toll) = (StdRng::seed_from_u64(seed), Toll::default());
    let mut ground = Ground { bench, cluster, disk, keyed, plain, rng, toll };
    for round in 1..=rounds {
        ground.round().await;
        if round % 10 == 0 {
            eprintln!("{kind}: {:?}", ground.toll);
        }
    }
    eprintln!("{kind}: {:?}", ground.toll);
}

impl Ground {
    async fn round(&mut self) {
        let sources = self.bench.shown("sources");
        let args = ["task", "create", story::TOPIC, "--source", &sources, "--words", "120"];
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            tasks.push(self.bench.json(&args).await["id"].as_str().unwrap().to_owned());
        }
        self.moody_provider();
        self.moody_receivers();
        let mut workers: Vec<Child> = (0..2).map(|number| self.worker(number)).collect();
        self.chaos(&mut workers).await;
        self.replace_ended(&mut workers).await;
        self.bench.provider.script(story::able_writer());
        for task in &tasks {
            self.becomes(task, "awaiting_approval").await;
        }
        for task in &tasks {
            self.approve(task).await;
        }
        self.kill_one(&mut workers).await;
        self.effects_end(&tasks).await;
        for worker in workers {
            signal(&worker, Signal::TERM);
            self.ended_well(worker).await;
        }
        self.check(&tasks).await;
        self.toll.rounds += 1;
        self.toll.tasks += tasks.len();
    }

    /// Workers that were started on a full disk said so and ended; there is room again, and somebody must be left to work.
    async fn replace_ended(&mut self, workers: &mut [Child]) {
        for (index, worker) in workers.iter_mut().enumerate() {
            if worker.try_wait().unwrap().is_some() {
                let ended = std::mem::replace(worker, self.worker(index));
                self.ended_well(ended).await;
            }
        }
    }

    /// A worker that is told to stop ends well, but for one that found the disk full when it was started: it said so.
    async fn ended_well(&self, worker: Child) {
        let done = ended(worker).await;
        if done.code != Some(0) {
            let log = std::fs::read_to_string(self.bench.path("workers.log")).unwrap();
            let said = log.lines().rev().find(|line| line.starts_with("error:")).unwrap_or_default();
            let full = said.contains("is full") || said.contains("cannot be written");
            assert!(self.disk.is_some() && full, "{done:#?} {said}");
        }
    }

    /// Answers well, late, or not at all.
    fn moody_provider(&mut self) {
        let (mut writer, mut rng) = (story::able_writer(), StdRng::seed_from_u64(self.rng.random()));
        let mut late = move |rng: &mut StdRng, body: &Value| match writer(body) {
            Reply::Text(text) => Reply::Late(rng.random_range(20..400), text),
            other => other,
        };
        self.bench.provider.script(move |body| match rng.random_range(0..12) {
            0 => Reply::Hang,
            1 => Reply::error(503, "busy", None),
            2 => Reply::CutBody,
            _ => late(&mut rng, body),
        });
    }

    fn moody_receivers(&mut self) {
        for receiver in [&self.keyed, &self.plain] {
            let answers = (0..TASKS).map(|_| match self.rng.random_range(0..5) {
                0 => Answer::Late(Duration::from_millis(300)),
                1 => Answer::Close,
                2 => Answer::status(503),
                _ => Answer::status(204),
            });
            receiver.answer(answers.collect::<Vec<_>>());
        }
    }

    /// A worker in a data directory of its own, if there is a server; now and then its clock is a day off.
    fn worker(&mut self, number: usize) -> Child {
        let mut command = self.bench.command(&["worker"]);
        for (name, value) in
            [("LEASE_MS", "2000"), ("POLL_MS", "100"), ("FRUITLESS_RUNS", "1000"), ("RETRY_PAUSE_MS", "50")]
        {
            command.env(format!("COFOUNDER_WORKER__{name}"), value);
        }
        if self.cluster.is_some() {
            command.env("COFOUNDER_DATA_DIR", self.bench.path(&format!("node-{number}")));
        }
        if Path::new(FAKETIME).exists() && self.rng.random_bool(0.25) {
            self.toll.jumps += 1;
            let day = if self.rng.random_bool(0.5) { "+1d" } else { "-1d" };
            command.env("LD_PRELOAD", FAKETIME).env("FAKETIME", day);
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
        }
        // A pipe that nobody reads would stop it in the middle of a word.
        let log =
            std::fs::File::options().create(true).append(true).open(self.bench.path("workers.log")).unwrap();
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// Kills workers and starts others in their place; now and then the database or the disk suffers as well.
    async fn chaos(&mut self, workers: &mut [Child]) {
        for _ in 0..self.rng.random_range(2..6) {
            sleep(Duration::from_millis(self.rng.random_range(30..500))).await;
            self.kill_one(workers).await;
            if self.rng.random_bool(0.15)
                && let Some(cluster) = &self.cluster
            {
                self.toll.crashes += 1;
                cluster.stop();
                sleep(Duration::from_millis(300)).await;
                cluster.resume();
            }
            if self.rng.random_bool(0.15)
                && let Some(disk) = &self.disk
            {
                self.toll.full_disks += 1;
                disk.fill();
                sleep(Duration::from_millis(300)).await;
                disk.clear();
            }
        }
    }

    async fn kill_one(&mut self, workers: &mut [Child]) {
        let index = self.rng.random_range(0..workers.len());
        workers[index].kill().await.unwrap();
        self.toll.kills += 1;
        workers[index] = self.worker(index);
    }

    /// Approves, and is killed on the way now and then.
    async fn approve(&mut self, task: &str) {
        if self.rng.random_bool(0.5) {
            let mut command = self.bench.command(&["task", "approve", task]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis(self.rng.random_range(0..150))).await;
            child.kill().await.unwrap();
        }
        let done = self.bench.run(&["task", "approve", task]).await;
        assert!(
            done.code == Some(0) || done.stderr.contains("published cannot become published"),
            "{done:#?}"
        );
        assert_eq!(self.shown(task).await["status"], "published");
    }

    async fn shown(&self, task: &str) -> Value {
        self.bench.json(&["task", "show", task]).await
    }

    async fn becomes(&mut self, task: &str, wanted: &str) {
        let patience = Instant::now() + PEACE;
        loop {
            let shown = self.shown(task).await;
            match shown["status"].as_str().unwrap() {
                status if status == wanted => return,
                "failed" if shown["error"].as_str().unwrap_or_default().contains("disk") => {
                    self.toll.retried += 1;
                    self.bench.json(&["task", "retry", task, "--detach"]).await;
                }
                _ => assert!(Instant::now() < patience, "{shown:#}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn effects_end(&self, tasks: &[String]) {
        let patience = Instant::now() + PEACE;
        for task in tasks {
            loop {
                let shown = self.shown(task).await;
                let effects = shown["effects"].as_array().unwrap();
                assert_eq!(effects.len(), 2, "{shown:#}");
                if effects.iter().all(|e| matches!(e["state"].as_str(), Some("done" | "unknown"))) {
                    break;
                }
                assert!(Instant::now() < patience, "{shown:#}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn check(&mut self, tasks: &[String]) {
        let mut articles = BTreeSet::new();
        for task in tasks {
            let shown = self.shown(task).await;
            // Results are written once: a second end of a step would be a result that was made again.
            let journal = shown["journal"].as_array().unwrap();
            let numbers: Vec<_> = journal.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
            assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{shown:#}");
            for step in shown["steps"].as_array().unwrap() {
                let ends = journal.iter().filter(|e| {
                    e["path"] == step["name"]
                        && matches!(e["event"].as_str(), Some("step_done" | "step_degraded"))
                });
                assert_eq!(ends.count(), 1, "{step:#} {journal:#?}");
            }
            articles.insert(self.markdown(task).await);
            for effect in shown["effects"].as_array().unwrap() {
                self.check_effect(effect);
            }
        }
        assert_eq!(
            articles.len(),
            1,
            "the same sources and the same writer make the same article: {articles:#?}"
        );
        self.check_calls().await;
    }

    async fn markdown(&self, task: &str) -> String {
        let text = format!(
            "SELECT r.markdown AS text FROM revisions r JOIN posts p ON p.id = r.post_id WHERE p.task_id = '{task}'"
        );
        let mut revisions = self.rows(&text).await;
        assert_eq!(revisions.len(), 1, "one revision");
        revisions.remove(0)
    }

    fn check_effect(&mut self, effect: &Value) {
        let (key, done) = (effect["id"].as_str().unwrap(), effect["state"] == "done");
        let count = |receiver: &FakeReceiver| {
            receiver.seen().iter().filter(|r| r.headers["idempotency-key"] == key).count()
        };
        if effect["target"] == "keyed" {
            assert!(done && count(&self.keyed) >= 1, "{effect:#}");
        } else {
            // 503 says that nothing happened: the one answer after which it is sent again.
            let refused = effect["attempts"].as_u64().unwrap_or(0);
            assert!(count(&self.plain) as u64 <= refused, "{effect:#}");
            self.toll.unknown += usize::from(!done);
        }
    }

    /// No call was made after its answer was journalled, and none was journalled twice.
    async fn check_calls(&mut self) {
        let again =
            "SELECT b.call_key AS text FROM model_calls a JOIN model_calls b ON a.call_key = b.call_key
                     WHERE a.state = 'done' AND b.id > a.id";
        assert_eq!(self.rows(again).await, Vec::<String>::new(), "a journalled call was asked again");
        let asked = asked(&self.bench);
        self.toll.paid_again = asked.values().map(|count| count - 1).sum();
        let accepted = self.keyed.accepted();
        let keys: BTreeSet<_> =
            self.keyed.seen().iter().map(|r| r.headers["idempotency-key"].clone()).collect();
        assert_eq!(accepted, keys.len(), "each effect was accepted once");
        let keys: BTreeSet<_> =
            self.plain.seen().iter().map(|r| r.headers["idempotency-key"].clone()).collect();
        assert!(self.plain.accepted() <= keys.len(), "no effect was taken twice by one that knows no keys");
    }

    async fn rows(&self, text: &str) -> Vec<String> {
        let raw = sea_orm::Database::connect(self.bench.database_url()).await.unwrap();
        let statement = sea_orm::Statement::from_string(raw.get_database_backend(), text);
        let rows = raw.query_all_raw(statement).await.unwrap();
        let texts = rows.iter().map(|row| row.try_get("", "text").unwrap()).collect();
        raw.close().await.unwrap();
        texts
    }
}
