//! What stops a worker, and what stops a run in it.

use cofounder_domain::{Status, StepStatus, TaskId};
use cofounder_executor::{StepContext, StepError, WorkerSettings};
use cofounder_storage::Act;
use cofounder_supervisor::{JobSpec, run_job};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

use crate::{
    bench::{Bench, until},
    toy::{Does, Toy},
    with_workers,
};

with_workers! {
    audit_s06_a_drain_ends_the_running_step_and_another_worker_goes_on,
    audit_s06_what_outlasts_the_grace_time_is_cancelled_and_released,
    a_second_signal_ends_at_once,
    audit_s06_a_run_stops_when_a_person_cancels_its_task,
    audit_s06_a_run_stops_when_a_person_holds_its_task,
    audit_s11_a_child_of_a_step_is_gone_when_its_task_is_cancelled,
    audit_s11_a_child_of_a_step_is_gone_when_its_worker_stops,
}

/// A step that waits until it is let go.
struct Gate {
    entered: AtomicBool,
    open: Notify,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self { entered: AtomicBool::new(false), open: Notify::new() })
    }

    fn pass(self: &Arc<Self>) -> Does {
        let gate = self.clone();
        Does::Work(Box::pin(async move {
            gate.entered.store(true, Ordering::SeqCst);
            gate.open.notified().await;
            Ok(1)
        }))
    }

    async fn entered(&self) {
        until("the step runs", async || self.entered.load(Ordering::SeqCst)).await;
    }
}

/// A step that hangs until its token says that it should stop, and notes that it heard it.
fn heed(step: &StepContext, running: &Arc<AtomicBool>, heard: &Arc<AtomicBool>) -> Does {
    let (cancel, running, heard) = (step.cancel().clone(), running.clone(), heard.clone());
    Does::Work(Box::pin(async move {
        running.store(true, Ordering::SeqCst);
        cancel.cancelled().await;
        heard.store(true, Ordering::SeqCst);
        Err(StepError::bug("what a step says when it is stopped is of no weight"))
    }))
}

/// Tried by draining as `now` does: the step was cancelled. Tried without the look at `drain` before each step: the
/// first worker did both steps.
async fn audit_s06_a_drain_ends_the_running_step_and_another_worker_goes_on(bench: Bench) {
    let (first, gate) = (bench.task().await, Gate::new());
    let passing = gate.clone();
    let toy = Toy::new(&["a", "b"], move |step, _| {
        if step.path().as_str() == "a" && step.task() == first { passing.pass() } else { Does::Return(1) }
    });
    let hand = bench.hire(&toy, WorkerSettings { concurrency: 1, ..bench.work() }).await;
    gate.entered().await;
    hand.stop.drain.cancel();
    let later = bench.task().await;
    // Longer than the last words that a cancelled step may have.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(bench.status(first).await, Status::InProgress, "its step goes on");
    gate.open.notify_one();
    let report = hand.ended().await;
    assert_eq!((report.ended, report.failed, report.released), (0, 0, 1));
    assert_eq!((bench.status(first).await, bench.status(later).await), (Status::Pending, Status::Pending));
    let steps = bench.db.steps(first).await.unwrap();
    assert_eq!(steps.iter().map(|s| s.status).collect::<Vec<_>>(), [StepStatus::Done]);
    assert_eq!(bench.hire(&toy, bench.until_idle()).await.ended().await.ended, 2);
    assert_eq!(bench.status(first).await, Status::AwaitingApproval);
    assert!(toy.counts().values().all(|n| *n == 1), "{:?}", toy.counts());
}

/// Tried with a drain that waits for ever: the test failed.
async fn audit_s06_what_outlasts_the_grace_time_is_cancelled_and_released(bench: Bench) {
    let task = bench.task().await;
    let (running, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (begun, told) = (running.clone(), heard.clone());
    let toy =
        Toy::new(&["a"], move |step, n| if n == 1 { heed(step, &begun, &told) } else { Does::Return(1) });
    let grace = Duration::from_millis(500);
    let hand = bench.hire(&toy, WorkerSettings { grace, ..bench.work() }).await;
    until("the step runs", async || running.load(Ordering::SeqCst)).await;
    let since = Instant::now();
    let report = hand.dismissed().await;
    assert!(since.elapsed() >= grace && since.elapsed() < grace + Duration::from_secs(3));
    assert_eq!((report.released, report.failed), (1, 0));
    assert!(heard.load(Ordering::SeqCst), "the step's token fired");
    assert_eq!(bench.status(task).await, Status::Pending, "its lease is released, not left to end");
    assert_eq!(bench.hire(&toy, bench.until_idle()).await.ended().await.ended, 1);
}

async fn a_second_signal_ends_at_once(bench: Bench) {
    let task = bench.task().await;
    let toy = Toy::new(&["a"], |_, _| Does::Hang);
    let hand = bench.hire(&toy, bench.work()).await;
    until("the step runs", async || toy.calls("a") == 1).await;
    hand.stop.drain.cancel();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let since = Instant::now();
    hand.stop.now.cancel();
    assert_eq!(hand.ended().await.released, 1);
    assert!(since.elapsed() < Duration::from_secs(4), "not after 20 s of grace");
    assert_eq!(bench.status(task).await, Status::Pending);
}

async fn audit_s06_a_run_stops_when_a_person_cancels_its_task(bench: Bench) {
    moved_on(bench, Status::Cancelled).await;
}

async fn audit_s06_a_run_stops_when_a_person_holds_its_task(bench: Bench) {
    moved_on(bench, Status::OnHold).await;
}

/// A task that a person moves on while its step hangs: within 2 s the step knows, and the worker is free for others.
/// Tried by dropping the run before its token fires, as it once was: the step heard nothing.
async fn moved_on(bench: Bench, to: Status) {
    let task = bench.task().await;
    let (running, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (begun, told) = (running.clone(), heard.clone());
    let toy =
        Toy::new(&["a"], move |s, _| if s.task() == task { heed(s, &begun, &told) } else { Does::Return(1) });
    let hand = bench.hire(&toy, WorkerSettings { concurrency: 1, ..bench.work() }).await;
    until("the step runs", async || running.load(Ordering::SeqCst)).await;
    let since = Instant::now();
    bench.db.by(&Act::OPERATOR).move_task(task, to, "not now").await.unwrap();
    let other = bench.task().await;
    until("the step hears of it", async || heard.load(Ordering::SeqCst)).await;
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    until("the other is done", async || bench.status(other).await == Status::AwaitingApproval).await;
    let report = hand.dismissed().await;
    assert_eq!((report.ended, report.failed, report.released), (1, 0, 1));
    assert_eq!(bench.status(task).await, to);
    let last = bench.db.history(task).await.unwrap().pop().unwrap();
    assert_eq!(last.reason, "not now", "the run wrote nothing behind the person's back");
}

/// A step that starts a child, which writes its number to the file and then would run for a minute.
fn with_child(file: PathBuf) -> Arc<Toy> {
    Toy::new(&["a"], move |step, _| {
        let (cancel, file) = (step.cancel().clone(), file.clone());
        Does::Work(Box::pin(async move {
            let script = "echo $$ > \"$0\".new && mv \"$0\".new \"$0\" && sleep 60";
            let job = JobSpec::new("sh", vec!["-c".into(), script.into(), file.into_os_string()]);
            run_job(job, &cancel, |_| {}).await.map(|_| 1).map_err(StepError::bug)
        }))
    })
}

async fn child(file: &std::path::Path) -> PathBuf {
    until("the child runs", async || file.exists()).await;
    let process = PathBuf::from("/proc").join(std::fs::read_to_string(file).unwrap().trim());
    assert!(process.exists(), "it runs");
    process
}

async fn gone(process: &std::path::Path, since: Instant) {
    until("the child is gone", async || !process.exists()).await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
}

async fn audit_s11_a_child_of_a_step_is_gone_when_its_task_is_cancelled(bench: Bench) {
    let folder = tempfile::tempdir().unwrap();
    let (file, task): (PathBuf, TaskId) = (folder.path().join("pid"), bench.task().await);
    let toy = with_child(file.clone());
    let hand = bench.hire(&toy, bench.work()).await;
    let process = child(&file).await;
    let since = Instant::now();
    bench.db.by(&Act::OPERATOR).move_task(task, Status::Cancelled, "not needed").await.unwrap();
    gone(&process, since).await;
    hand.dismissed().await;
}

async fn audit_s11_a_child_of_a_step_is_gone_when_its_worker_stops(bench: Bench) {
    let folder = tempfile::tempdir().unwrap();
    let (file, task) = (folder.path().join("pid"), bench.task().await);
    let toy = with_child(file.clone());
    let hand = bench.hire(&toy, bench.work()).await;
    let process = child(&file).await;
    let since = Instant::now();
    hand.stop.now.cancel();
    assert_eq!(hand.ended().await.released, 1);
    gone(&process, since).await;
    assert_eq!(bench.status(task).await, Status::Pending);
}
