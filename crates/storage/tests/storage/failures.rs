//! Failures in the middle of transactions: what is tried again, and what becomes of the connections.

use cofounder_domain::{FaultKind, Status, StepPath};
use cofounder_storage::{Act, Database, Failure, Faults, Moment, StorageError};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{Bench, got, on_both_databases, outage::all_idle};

on_both_databases! {
    audit_s05_a_thousand_failed_transactions_leave_no_connection_behind,
    audit_s05_only_what_another_change_undid_is_tried_again,
    audit_s05_errors_keep_their_kind,
}

/// Fails at one place: the `nth` statement, counted from 0, at this moment.
#[derive(Debug)]
pub(crate) struct Once {
    pub(crate) nth: usize,
    pub(crate) moment: Moment,
    pub(crate) failure: Failure,
    seen: AtomicU32,
    struck: Mutex<Option<String>>,
}

impl Once {
    pub(crate) fn new(nth: usize, moment: Moment, failure: Failure) -> Arc<Self> {
        Arc::new(Self { nth, moment, failure, seen: AtomicU32::new(0), struck: Mutex::default() })
    }

    /// The statement that failed, if it came to that.
    pub(crate) fn struck(&self) -> Option<String> {
        self.struck.lock().unwrap().clone()
    }
}

impl Faults for Once {
    fn strike(&self, statement: &str, moment: Moment) -> Option<Failure> {
        // Each statement is seen before it is sent; the number of the present one is what was counted, less one.
        if moment == Moment::Before {
            self.seen.fetch_add(1, Ordering::SeqCst);
        }
        let now = self.seen.load(Ordering::SeqCst) as usize;
        let strikes = now == self.nth + 1 && moment == self.moment;
        strikes.then(|| {
            *self.struck.lock().unwrap() = Some(statement.to_owned());
            self.failure
        })
    }
}

/// Writes down every statement, and fails the first `failures` commits as if another change had come first.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    seen: Mutex<Vec<String>>,
    failures: Mutex<u32>,
}

impl Recorder {
    pub(crate) fn failing(commits: u32) -> Arc<Self> {
        Arc::new(Self { failures: Mutex::new(commits), ..Self::default() })
    }

    pub(crate) fn statements(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn count(&self, statement: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|s| *s == statement).count()
    }
}

impl Faults for Recorder {
    fn strike(&self, statement: &str, moment: Moment) -> Option<Failure> {
        if moment == Moment::After {
            return None;
        }
        self.seen.lock().unwrap().push(statement.to_owned());
        let mut left = self.failures.lock().unwrap();
        let fails = statement == "COMMIT" && *left > 0;
        *left -= u32::from(fails);
        fails.then_some(Failure::Contended)
    }
}

/// Fails about every seventh statement, in an order that is the same each time.
#[derive(Debug, Default)]
struct Often(AtomicU32);

impl Faults for Often {
    fn strike(&self, _: &str, _: Moment) -> Option<Failure> {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let mixed = count.wrapping_mul(2_654_435_761) >> 16;
        match mixed % 14 {
            0 => Some(Failure::Lost),
            1 => Some(Failure::Contended),
            _ => None,
        }
    }
}

/// Tried by never ending a failed transaction: the test did not come to its end.
async fn audit_s05_a_thousand_failed_transactions_leave_no_connection_behind(bench: Bench) {
    let task = bench.task().await.id;
    let faulty = Arc::new(Database::clone(&bench.db).with_faults(Arc::new(Often::default())));
    let failures = Arc::new(AtomicU32::new(0));
    let workers: Vec<_> = (0..16)
        .map(|worker| {
            let (sound, faulty, failures) = (bench.db.clone(), faulty.clone(), failures.clone());
            tokio::spawn(async move {
                let mut own = 0;
                while own < 63 {
                    let failed = match worker % 4 {
                        0 => sound.by(&Act::OPERATOR).move_task(task, Status::Published, "x").await.is_err(),
                        1 => faulty.by(&Act::OPERATOR).move_task(task, Status::Published, "x").await.is_err(),
                        2 => faulty
                            .by(&Act::OPERATOR)
                            .create_task(&crate::brief(), &[], &cofounder_storage::Terms::default())
                            .await
                            .is_err(),
                        // Given up by whoever called it, wherever it was.
                        _ => {
                            let wait = Duration::from_micros(u64::from(own) * 40);
                            tokio::time::timeout(
                                wait,
                                sound.by(&Act::OPERATOR).move_task(task, Status::Published, "x"),
                            )
                            .await
                            .map_or(true, |d| d.is_err())
                        }
                    };
                    own += u32::from(failed);
                }
                failures.fetch_add(own, Ordering::Relaxed);
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(failures.load(Ordering::Relaxed) >= 1000);
    all_idle(&bench.db).await;
    assert_eq!(bench.db.task(task).await.unwrap().status, Status::Pending);
    let run = got(bench.db.claim(task, &bench.owner(), Duration::from_secs(9), 1).await.unwrap());
    assert_eq!(bench.db.begin_step(&run, &StepPath::new("research")).await.unwrap(), 1);
    bench.db.end_run(&run, Status::Failed, "enough", None).await.unwrap();
    assert_eq!(bench.db.history(task).await.unwrap().len(), 3);
}

/// Tried by trying again after every `Unavailable`, then by never trying again: the test failed each time.
async fn audit_s05_only_what_another_change_undid_is_tried_again(bench: Bench) {
    // Where the database itself undoes changes now and then, there may be more tries than are injected.
    let at_least =
        |tries: usize, injected: usize| assert!(tries > injected && tries <= injected + 3, "{tries} tries");
    let task = bench.task().await.id;
    let recorder = Recorder::failing(3);
    let db = Database::clone(&bench.db).with_faults(recorder.clone());
    db.by(&Act::OPERATOR).move_task(task, Status::OnHold, "x").await.unwrap();
    at_least(recorder.count("BEGIN"), 3);
    assert_eq!(db.history(task).await.unwrap().len(), 2, "done once");

    let recorder = Recorder::failing(u32::MAX);
    let db = Database::clone(&bench.db).with_faults(recorder.clone());
    let error = db.by(&Act::OPERATOR).move_task(task, Status::Pending, "x").await.unwrap_err();
    assert!(matches!(error, StorageError::Contended(_)), "{error}");
    assert_eq!(recorder.count("BEGIN"), 11, "ten times more, and no more");

    let illegal = Recorder::failing(0);
    let db = Database::clone(&bench.db).with_faults(illegal.clone());
    assert!(matches!(
        db.by(&Act::OPERATOR).move_task(task, Status::Published, "x").await,
        Err(StorageError::Illegal(_))
    ));
    assert_eq!(illegal.count("BEGIN"), 1);

    for (nth, moment) in [(0, Moment::Before), (1, Moment::Before), (1, Moment::After), (2, Moment::Before)] {
        let once = Once::new(nth, moment, Failure::Lost);
        let db = Database::clone(&bench.db).with_faults(once.clone());
        let error = db.by(&Act::OPERATOR).move_task(task, Status::Pending, "x").await.unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error}");
        assert_eq!(once.seen.load(Ordering::SeqCst) as usize, nth + 1, "nothing more was asked");
        assert_eq!(bench.db.task(task).await.unwrap().status, Status::OnHold);
    }
}

async fn audit_s05_errors_keep_their_kind(bench: Bench) {
    let task = bench.task().await.id;
    let nobody = cofounder_domain::TaskId::new(bench.db.now());
    let kinds = [
        (bench.db.task(nobody).await.map(drop), FaultKind::NotFound),
        (bench.db.by(&Act::OPERATOR).release_task(task).await.map(drop), FaultKind::Conflict),
        (
            bench.db.by(&Act::OPERATOR).move_task(task, Status::Published, "x").await.map(drop),
            FaultKind::Conflict,
        ),
        (bench.db.list_tasks(1, Some("?"), None).await.map(drop), FaultKind::InvalidInput),
    ];
    for (outcome, kind) in kinds {
        assert_eq!(outcome.unwrap_err().kind(), kind);
    }
    let lost = Database::clone(&bench.db).with_faults(Once::new(0, Moment::Before, Failure::Lost));
    assert_eq!(lost.task(task).await.unwrap_err().kind(), FaultKind::Unavailable);
    // A statement that the schema refuses is this program's mistake, whatever its author thinks of it.
    bench.raw("DROP TABLE model_calls").await.unwrap();
    let bug = bench.db.spent(task).await.unwrap_err();
    assert_eq!(bug.kind(), FaultKind::Bug);
    assert!(matches!(&bug, StorageError::Bug(_)), "{bug:?}");
}
