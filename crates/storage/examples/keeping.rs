//! Measures backup and restoration on SQLite and on a throw-away PostgreSQL, beside what each database's own means take.
//! `bench/keeping` runs it; see bench/README.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement that goes wrong ends the program, and its result is what it prints"
)]

use cofounder_domain::{Brief, Source, SourceId, SystemClock, content_hash};
use cofounder_storage::{Act, Backup, Database, Location, NewSource, PoolSettings, Terms};
use cofounder_testkit::postgres::Cluster;
use sea_orm::ConnectionTrait;
use std::{
    fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

const ROUNDS: usize = 3;
const TASKS: usize = 1_000;
const ENTRIES: usize = 100;
const SOURCES: u32 = 50;
const SOURCE: usize = 1 << 20;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let cluster = Cluster::start("").expect("a PostgreSQL server is installed");
    let folder = tempfile::tempdir().unwrap();
    let file = Location::Sqlite(folder.path().join("one/cofounder.db"));
    let url = cluster.database();
    let server: Location = url.parse().unwrap();
    for place in [&file, &server] {
        fill(place).await;
    }
    for round in 1..=ROUNDS {
        for (kind, place) in [("sqlite", &file), ("postgres", &server)] {
            let path = folder.path().join(kind);
            let db = open(place).await;
            let taken = timed(db.backup(&path, true, &())).await;
            println!("round {round}: backup of {kind}: {:.2} s, {} bytes", taken.0, taken.1.unwrap().bytes);
            let opened = timed(Backup::open(&path, Arc::new(SystemClock), &())).await;
            println!("round {round}: checking it: {:.2} s", opened.0);
            let opened = opened.1.unwrap();
            let new = Location::Sqlite(folder.path().join(format!("new-{kind}-{round}/cofounder.db")));
            for (other, place) in [("sqlite", new), ("postgres", cluster.database().parse().unwrap())] {
                let target = open(&place).await;
                let done = timed(target.restore(&opened, &())).await;
                done.1.unwrap();
                println!("round {round}: restoration of {kind} into {other}: {:.2} s", done.0);
                target.close().await.unwrap();
            }
            db.close().await.unwrap();
        }
        own_means(round, &file, [&url, &cluster.database()], folder.path()).await;
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap());
}

async fn open(place: &Location) -> Database {
    Database::open_empty(place, PoolSettings::default(), Arc::new(SystemClock)).await.unwrap()
}

async fn timed<T>(work: impl Future<Output = T>) -> (f64, T) {
    let began = Instant::now();
    let done = work.await;
    (began.elapsed().as_secs_f64(), done)
}

/// A hundred thousand journal entries, and some large sources.
async fn fill(place: &Location) {
    let db = open(place).await;
    let brief = Brief::new("Why SQLite", 600, vec!["a.md".into()], None).unwrap();
    let mut made = Vec::new();
    for number in 0..TASKS {
        let wanted = u32::try_from(number).unwrap();
        let sources: Vec<NewSource> = (wanted < SOURCES).then(|| source(wanted)).into_iter().collect();
        made.push(db.by(&Act::OPERATOR).create_task(&brief, &sources, &Terms::default()).await.unwrap().id);
    }
    db.close().await.unwrap();
    let url = match place {
        Location::Sqlite(path) => format!("sqlite://{}", path.display()),
        Location::Postgres(url) => url.clone(),
    };
    let raw = sea_orm::Database::connect(url).await.unwrap();
    for task in made {
        let rows: Vec<String> = (2..=ENTRIES)
            .map(|seq| format!("('{task}', {seq}, 1, {seq}, 'step_detail', 'draft/section-1', 'writing section 1, sentence {seq}')"))
            .collect();
        let text = format!(
            "INSERT INTO journal (task_id, seq, fence, at, event, path, detail) VALUES {}",
            rows.join(", ")
        );
        raw.execute_unprepared(&text).await.unwrap();
    }
    raw.close().await.unwrap();
}

fn source(number: u32) -> NewSource {
    let mut state = number;
    let mut bytes = Vec::with_capacity(SOURCE);
    while bytes.len() < SOURCE {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push(state.to_be_bytes()[0]);
    }
    let sha256 = content_hash(&bytes);
    let source = Source {
        id: SourceId::from_sha256(&sha256),
        uri: format!("file:///{number}"),
        title: "S".into(),
        bytes: SOURCE as u64,
        sha256,
        text: "Some text of a source. ".repeat(2_000),
    };
    NewSource { source, bytes }
}

/// `VACUUM INTO`, `pg_dump` and `pg_restore`, which keep and check no sums.
async fn own_means(round: usize, file: &Location, [url, new]: [&str; 2], folder: &Path) {
    let Location::Sqlite(path) = file else { return };
    let raw = sea_orm::Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
    let copy = folder.join(format!("vacuum-{round}"));
    let text = format!("VACUUM INTO '{}'", copy.display());
    let (seconds, done) = timed(raw.execute_unprepared(&text)).await;
    done.unwrap();
    println!("round {round}: VACUUM INTO: {seconds:.2} s, {} bytes", fs::metadata(&copy).unwrap().len());
    raw.close().await.unwrap();
    let dump = folder.join("dump");
    let shown = dump.display().to_string();
    let took = run("pg_dump", &["-Fc", "-Z0", "-f", &shown, url]);
    println!(
        "round {round}: pg_dump: {:.2} s, {} bytes",
        took.as_secs_f64(),
        fs::metadata(&dump).unwrap().len()
    );
    let took = run("pg_restore", &["-d", new, &shown]);
    println!("round {round}: pg_restore: {:.2} s", took.as_secs_f64());
}

fn run(program: &str, args: &[&str]) -> Duration {
    let began = Instant::now();
    let done = Command::new(program).args(args).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    began.elapsed()
}
