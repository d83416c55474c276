//! Steps of many tasks that are written at the same time, the journal's numbers, and wake-ups.

use cofounder_domain::{Status, StepPath, StepStatus, TaskId};
use cofounder_storage::{Act, Claimed, Database, StepResult, StorageError, Terms};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

use crate::{Bench, brief, failures::Recorder, got, on_both_databases};

on_both_databases! {
    numbers_of_journals_have_no_gaps_while_fifty_tasks_write_at_once,
    an_outdated_run_writes_nothing_while_others_in_its_group_do,
    an_entry_that_the_database_refuses_hurts_no_other,
    details_appear_soon_and_in_their_order,
    steps_that_another_change_undid_are_written_once,
    a_wait_ends_at_a_wish_of_this_program_and_otherwise_at_its_time,
    a_wish_of_another_program_is_heard_where_there_are_notifications,
}

const LEASE: Duration = Duration::from_secs(60);

async fn claimed(bench: &Bench, owner: &cofounder_storage::Owner) -> Claimed {
    let task = bench.task().await.id;
    got(bench.db.claim(task, owner, LEASE, 1).await.unwrap())
}

pub(crate) async fn step(db: &Database, run: &Claimed, path: &StepPath) -> Result<u32, StorageError> {
    let attempts = db.begin_step(run, path).await?;
    let value = json!({"of": path.as_str()});
    let done = StepResult { status: StepStatus::Done, result: Some(&value), reasons: &[], error: None };
    db.end_step(run, path, &done).await?;
    Ok(attempts)
}

/// The events of a journal, once its numbers have been looked at.
async fn events(bench: &Bench, task: TaskId) -> Vec<String> {
    let journal = bench.db.journal(task, 0, 10_000).await.unwrap();
    let numbers: Vec<i64> = journal.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<i64>>());
    let newest = format!("SELECT CAST(events AS TEXT) AS line FROM tasks WHERE id = '{task}'");
    assert_eq!(bench.lines(&newest).await, [numbers.len().to_string()]);
    journal.into_iter().map(|entry| entry.event).collect()
}

/// Tried by giving some entries of a group the number of the one before: the test failed.
async fn numbers_of_journals_have_no_gaps_while_fifty_tasks_write_at_once(bench: Bench) {
    let (owner, other) = (bench.owner(), bench.another().await);
    let mut work = JoinSet::new();
    let mut tasks = Vec::new();
    for number in 0..50 {
        let run = claimed(&bench, &owner).await;
        tasks.push(run.task);
        let db: Arc<Database> = if number % 2 == 0 { bench.db.clone() } else { other.clone() };
        work.spawn(async move {
            for name in ["research", "outline", "draft/section-1", "research"] {
                let path = StepPath::new(name);
                step(&db, &run, &path).await.unwrap();
                db.step_detail(&run, &path, "on we go");
            }
            // Several of one task at once, too.
            let steps = ["a", "b", "c"].map(StepPath::new);
            let [a, b, c] = [&steps[0], &steps[1], &steps[2]].map(|path| step(&db, &run, path));
            let all = tokio::join!(a, b, c);
            assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok(), "{all:?}");
        });
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }
    for task in tasks {
        let events = events(&bench, task).await;
        let count = |event: &str| events.iter().filter(|e| *e == event).count();
        assert_eq!(
            (count("created"), count("claimed"), count("step_started"), count("step_done")),
            (1, 1, 7, 7)
        );
        assert_eq!(count("step_detail"), 4);
        let steps = bench.db.steps(task).await.unwrap();
        let attempts: Vec<_> = steps.iter().map(|s| (s.name.as_str(), s.attempts)).collect();
        assert_eq!(attempts[..3], [("research", 2), ("outline", 1), ("draft/section-1", 1)]);
        assert!(steps.iter().all(|s| s.status == StepStatus::Done && s.result.is_some()));
    }
}

/// Tried by leaving the fence out of `number`: the test failed.
async fn an_outdated_run_writes_nothing_while_others_in_its_group_do(bench: Bench) {
    let owner = bench.owner();
    let outdated = claimed(&bench, &owner).await;
    bench.db.by(&Act::OPERATOR).move_task(outdated.task, Status::Pending, "another shall").await.unwrap();
    let now = got(bench.db.claim(outdated.task, &owner, LEASE, 1).await.unwrap());
    let before = events(&bench, outdated.task).await;
    let mut work = JoinSet::new();
    for number in 0..40 {
        let mine = if number % 2 == 0 { claimed(&bench, &owner).await } else { outdated.clone() };
        let (db, stale) = (bench.db.clone(), number % 2 == 1);
        work.spawn(async move { (stale, step(&db, &mine, &StepPath::new(format!("step-{number}"))).await) });
    }
    while let Some(done) = work.join_next().await {
        let (stale, outcome) = done.unwrap();
        assert_eq!(matches!(outcome, Err(StorageError::Stale)), stale, "{outcome:?}");
        assert!(stale || outcome.is_ok(), "{outcome:?}");
    }
    assert_eq!(events(&bench, outdated.task).await, before);
    assert_eq!(bench.db.steps(outdated.task).await.unwrap(), []);
    step(&bench.db, &now, &StepPath::new("research")).await.unwrap();
}

/// Tried by telling everybody in the group of its failure: the test failed.
async fn an_entry_that_the_database_refuses_hurts_no_other(bench: Bench) {
    let refuse = if bench.on_sqlite() {
        "CREATE TRIGGER refuse BEFORE INSERT ON steps WHEN NEW.path = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
    } else {
        "ALTER TABLE steps ADD CHECK (path <> 'bad')"
    };
    bench.raw(refuse).await.unwrap();
    let owner = bench.owner();
    let mut work = JoinSet::new();
    let mut tasks = Vec::new();
    for number in 0..40 {
        let run = claimed(&bench, &owner).await;
        tasks.push(run.task);
        let (db, path) = (bench.db.clone(), if number % 8 == 4 { "bad" } else { "good" });
        work.spawn(async move { (path, step(&db, &run, &StepPath::new(path)).await) });
    }
    while let Some(done) = work.join_next().await {
        let (path, outcome) = done.unwrap();
        assert_eq!(outcome.is_ok(), path == "good", "{outcome:?}");
    }
    for (number, task) in tasks.into_iter().enumerate() {
        let expected = if number % 8 == 4 { 2 } else { 4 };
        assert_eq!(events(&bench, task).await.len(), expected, "no number is lost");
    }
}

async fn details_appear_soon_and_in_their_order(bench: Bench) {
    let (run, path) = (claimed(&bench, &bench.owner()).await, StepPath::new("draft"));
    bench.db.begin_step(&run, &path).await.unwrap();
    for number in 0..100 {
        bench.db.step_detail(&run, &path, &format!("sentence {number}\0"));
    }
    let patience = Instant::now() + Duration::from_secs(10);
    while bench.db.journal(run.task, 0, 1000).await.unwrap().len() < 103 {
        assert!(Instant::now() < patience);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let journal = bench.db.journal(run.task, 3, 1000).await.unwrap();
    for (number, entry) in journal.iter().enumerate() {
        assert_eq!((entry.event.as_str(), entry.path.as_str()), ("step_detail", "draft"));
        assert_eq!(entry.detail, format!("sentence {number}\u{fffd}"));
        assert_eq!(entry.owner.as_deref(), bench.db.task(run.task).await.unwrap().owner.as_deref());
    }
    bench.db.by(&Act::OPERATOR).move_task(run.task, Status::Cancelled, "x").await.unwrap();
    bench.db.step_detail(&run, &path, "too late");
    let (owner, other) = (bench.owner(), claimed(&bench, &bench.owner()).await);
    step(&bench.db, &other, &path).await.unwrap();
    drop(owner);
    assert_eq!(events(&bench, run.task).await.len(), 104, "but for the move");
}

async fn steps_that_another_change_undid_are_written_once(bench: Bench) {
    let run = claimed(&bench, &bench.owner()).await;
    let faulty = Database::clone(&bench.db).with_faults(Recorder::failing(3));
    assert_eq!(step(&faulty, &run, &StepPath::new("research")).await.unwrap(), 1);
    assert_eq!(events(&bench, run.task).await, ["created", "claimed", "step_started", "step_done"]);
}

async fn a_wait_ends_at_a_wish_of_this_program_and_otherwise_at_its_time(bench: Bench) {
    let (mut wakeup, other) = (bench.db.wakeup(false), bench.another().await);
    let begin = Instant::now();
    let wish = tokio::spawn({
        let db = bench.db.clone();
        async move { db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.map(drop) }
    });
    wakeup.wait(Duration::from_secs(30)).await;
    assert!(begin.elapsed() < Duration::from_secs(10), "it heard");
    wish.await.unwrap().unwrap();
    wakeup.wait(Duration::from_millis(10)).await;
    let begin = Instant::now();
    let wish = tokio::spawn(async move {
        other.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.map(drop)
    });
    wakeup.wait(Duration::from_millis(1500)).await;
    assert!(begin.elapsed() >= Duration::from_millis(1490), "without notifications others are not heard");
    wish.await.unwrap().unwrap();
}

/// Tried by leaving out `pg_notify`: the test failed.
async fn a_wish_of_another_program_is_heard_where_there_are_notifications(bench: Bench) {
    if bench.on_sqlite() {
        return;
    }
    let other = bench.another().await;
    let mut wakeup = other.wakeup(true);
    // It rings once when it has begun to listen: something may have happened before.
    wakeup.wait(Duration::from_secs(30)).await;
    for _ in 0..3 {
        wakeup.wait(Duration::from_millis(10)).await;
        let begin = Instant::now();
        let wish = tokio::spawn({
            let db = bench.db.clone();
            async move { db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.map(drop) }
        });
        wakeup.wait(Duration::from_secs(30)).await;
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        wish.await.unwrap().unwrap();
    }
}
