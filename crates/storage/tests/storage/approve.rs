//! Approval: the post, the task's status, its history, its journal and the effects, all or nothing.

use cofounder_domain::{Gate, Post, Status, TaskId, Timestamp};
use cofounder_storage::{Act, Database, EffectRecord, Failure, Moment, NewEffect, StorageError};
use std::sync::Arc;

use crate::{
    Bench,
    failures::{Once, Recorder},
    on_both_databases, posts,
};

on_both_databases! {
    audit_p03_whichever_statement_of_an_approval_fails_all_of_it_happened_or_nothing,
    audit_p03_an_approval_that_another_change_undid_happens_once,
    audit_p10_an_illegal_move_names_both_states_and_changes_nothing,
}

/// Everything that an approval changes.
#[derive(Debug, PartialEq)]
struct Look {
    status: Status,
    published_at: Option<Timestamp>,
    updated_at: Timestamp,
    history: usize,
    journal: Vec<i64>,
    effects: Vec<EffectRecord>,
}

async fn look(db: &Database, task: TaskId) -> Look {
    let post = db.task_post(task).await.unwrap().unwrap();
    Look {
        status: db.task(task).await.unwrap().status,
        published_at: post.published_at,
        updated_at: post.updated_at,
        history: db.history(task).await.unwrap().len(),
        journal: db.journal(task, 0, 1000).await.unwrap().iter().map(|entry| entry.seq).collect(),
        effects: db.effects(task).await.unwrap(),
    }
}

fn effects(post: &Post) -> Vec<NewEffect> {
    let effect = |target: &str, keyed| NewEffect {
        kind: "webhook".to_owned(),
        target: target.to_owned(),
        payload: post.slug.clone(),
        keyed,
    };
    vec![effect("search", true), effect("mail", false)]
}

/// What stands there after an approval, all of it.
fn assert_all(before: &Look, after: &Look) {
    assert_eq!(after.status, Status::Published);
    assert!(after.published_at.is_some());
    assert_eq!(after.history, before.history + 1);
    let targets: Vec<_> = after.effects.iter().map(|e| (e.target.as_str(), e.state.as_str())).collect();
    assert!(matches!(targets.as_slice(), [_, _]), "{targets:?}");
    assert!(
        targets.contains(&("search", "pending")) && targets.contains(&("mail", "pending")),
        "{targets:?}"
    );
    // One entry for the move and one for each effect; no number is left out.
    let numbers: Vec<i64> = (1..).take(before.journal.len() + 3).collect();
    assert_eq!(after.journal, numbers);
}

/// The statements of one approval, and the moments at which each can fail.
async fn moments(bench: &Bench) -> Vec<(usize, Moment)> {
    let task = posts::waiting(bench, Gate::Open).await;
    let recorder = Recorder::failing(0);
    let db = Database::clone(&bench.db).with_faults(recorder.clone());
    db.by(&Act::OPERATOR).approve(task, None, effects).await.unwrap();
    let all = recorder.statements();
    let begin = all.iter().rposition(|s| s == "BEGIN").unwrap();
    let statements = &all[begin..];
    assert_eq!(statements.last().map(String::as_str), Some("COMMIT"));
    let inserts =
        |table: &str| statements.iter().filter(|s| s.contains(&format!("INSERT INTO {table}"))).count();
    assert_eq!((inserts("task_history"), inserts("effects"), inserts("journal")), (1, 2, 3));
    let both = |nth| [(nth, Moment::Before), (nth, Moment::After)];
    (0..statements.len()).flat_map(both).filter(|place| *place != (0, Moment::After)).collect()
}

/// Tried by writing the effects outside the transaction, then by moving the task outside it: the test failed each time.
async fn audit_p03_whichever_statement_of_an_approval_fails_all_of_it_happened_or_nothing(bench: Bench) {
    let other = bench.another().await;
    for (nth, moment) in moments(&bench).await {
        let task = posts::waiting(&bench, Gate::Open).await;
        let before = look(&other, task).await;
        let once = Once::new(nth, moment, Failure::Lost);
        let faulty = Database::clone(&bench.db).with_faults(once.clone());
        let outcome = faulty.by(&Act::OPERATOR).approve(task, None, effects).await;
        let after = look(&other, task).await;
        let struck = once.struck().map(|statement| (statement, moment));
        match struck {
            Some((statement, Moment::After)) if statement == "COMMIT" => {
                assert!(matches!(outcome, Err(StorageError::Unavailable(_))), "{outcome:?}");
                assert_all(&before, &after);
                let again = bench.db.by(&Act::OPERATOR).approve(task, None, effects).await.unwrap_err();
                assert!(again.to_string().contains("published"), "{again}");
            }
            Some((statement, _)) => {
                assert!(matches!(outcome, Err(StorageError::Unavailable(_))), "{outcome:?}");
                assert_eq!(before, after, "{statement} {moment:?}");
                bench.db.by(&Act::OPERATOR).approve(task, None, effects).await.unwrap();
            }
            // The database itself undid this statement, and it was done again.
            None => assert!(outcome.is_ok() && !bench.on_sqlite(), "{outcome:?}"),
        }
        assert_all(&before, &look(&other, task).await);
    }
}

/// Tried by writing the effects outside the transaction: the test failed.
async fn audit_p03_an_approval_that_another_change_undid_happens_once(bench: Bench) {
    for (nth, moment) in moments(&bench).await {
        let task = posts::waiting(&bench, Gate::Open).await;
        let before = look(&bench.db, task).await;
        let once = Once::new(nth, moment, Failure::Contended);
        let faulty = Arc::new(Database::clone(&bench.db).with_faults(once.clone()));
        let outcome = faulty.by(&Act::OPERATOR).approve(task, None, effects).await;
        // A failure of BEGIN is not that of a change; one after COMMIT is that of the connection.
        let told = once.struck().is_some_and(|s| s == "BEGIN" || (s == "COMMIT" && moment == Moment::After));
        if let Err(error) = outcome {
            assert!(told, "{error}");
            // It is refused where the first one took place unseen; `assert_all` looks at what is there.
            drop(bench.db.by(&Act::OPERATOR).approve(task, None, effects).await);
        }
        assert_all(&before, &look(&bench.db, task).await);
    }
}

async fn audit_p10_an_illegal_move_names_both_states_and_changes_nothing(bench: Bench) {
    let task = posts::waiting(&bench, Gate::Open).await;
    bench.db.by(&Act::OPERATOR).move_task(task, Status::Rejected, "dull").await.unwrap();
    let before = look(&bench.db, task).await;
    for to in Status::ALL.into_iter().filter(|to| !Status::Rejected.may_become(*to)) {
        let error = bench.db.by(&Act::OPERATOR).move_task(task, to, "x").await.unwrap_err();
        assert!(matches!(error, StorageError::Illegal(_)), "{error}");
        let told = error.to_string();
        assert!(told.contains("rejected") && told.contains(&to.to_string()), "{told}");
    }
    assert_eq!(look(&bench.db, task).await, before);
}
