//! Drafts that go back to the writer with a person's notes.

use cofounder_domain::{Gate, PersonId, Status, StepPath, StepStatus, TaskId};
use cofounder_storage::{Act, Actor, AuditFilter, StepResult, StorageError};
use std::time::Duration;

use crate::{Bench, got, on_both_databases, posts::waiting};

on_both_databases! {
    a_draft_is_sent_back_with_notes_and_what_was_done_is_kept,
    notes_that_say_nothing_and_drafts_that_do_not_wait_change_nothing,
}

fn ada(bench: &Bench) -> Act {
    Act::of(Actor::Person(PersonId::new(bench.db.now()), "Ada".to_owned()))
}

async fn events(bench: &Bench, task: TaskId) -> u64 {
    u64::try_from(bench.db.task(task).await.unwrap().events).unwrap()
}

/// Tried by leaving the notes out of the history: the test failed.
async fn a_draft_is_sent_back_with_notes_and_what_was_done_is_kept(bench: Bench) {
    let task = bench.task().await.id;
    let claimed = got(bench.db.claim(task, &bench.owner(), Duration::from_secs(9), 1).await.unwrap());
    let path = StepPath::new("research");
    bench.db.begin_step(&claimed, &path).await.unwrap();
    let (result, status) = (Some(&serde_json::Value::Null), StepStatus::Done);
    bench
        .db
        .end_step(&claimed, &path, &StepResult { status, result, reasons: &[], error: None })
        .await
        .unwrap();
    bench.db.save_draft(&claimed, &crate::draft("Why", Gate::Open)).await.unwrap();
    bench.db.end_run(&claimed, Status::AwaitingApproval, "a draft waits", None).await.unwrap();

    let act = ada(&bench).seeing(events(&bench, task).await);
    let sent = bench.db.by(&act).send_back(task, "  Shorter, please. ").await.unwrap();
    assert_eq!((sent.status, sent.version), (Status::Pending, Some(1)));
    let notes = bench.db.notes(task).await.unwrap();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        (notes[0].number, notes[0].author.as_str(), notes[0].text.as_str()),
        (1, "Ada", "Shorter, please.")
    );
    assert_eq!(bench.db.steps(task).await.unwrap().len(), 1, "what was done is kept");
    let history = bench.db.history(task).await.unwrap();
    assert_eq!(history.last().unwrap().reason, "sent back: Shorter, please.");
    let lines = bench.db.audit(10, None, &AuditFilter::default()).await.unwrap().items;
    assert_eq!((lines[0].action.as_str(), lines[0].detail.as_str()), ("task.rework", "Shorter, please."));

    // A draft that was rejected goes back as well, and its notes come second.
    let claimed = got(bench.db.claim(task, &bench.owner(), Duration::from_secs(9), 1).await.unwrap());
    bench.db.end_run(&claimed, Status::AwaitingApproval, "a draft waits", None).await.unwrap();
    bench.db.by(&ada(&bench)).move_task(task, Status::Rejected, "no").await.unwrap();
    bench.db.by(&ada(&bench)).send_back(task, "Longer.").await.unwrap();
    let notes = bench.db.notes(task).await.unwrap();
    assert_eq!(
        notes.iter().map(|n| (n.number, n.text.as_str())).collect::<Vec<_>>(),
        [(1, "Shorter, please."), (2, "Longer.")]
    );
}

async fn notes_that_say_nothing_and_drafts_that_do_not_wait_change_nothing(bench: Bench) {
    let task = waiting(&bench, Gate::Open).await;
    for notes in ["", " \n", &"x".repeat(4_001)] {
        let refused = bench.db.by(&Act::OPERATOR).send_back(task, notes).await.unwrap_err();
        assert!(matches!(refused, StorageError::Invalid(_)), "{refused}");
    }
    let old = Act::OPERATOR.seeing(events(&bench, task).await - 1);
    let refused = bench.db.by(&old).send_back(task, "x").await.unwrap_err();
    assert!(matches!(refused, StorageError::Changed { .. }), "{refused}");
    bench.db.by(&Act::OPERATOR).approve(task, None, |_| vec![]).await.unwrap();
    let waits = bench.task().await.id;
    for (task, status) in [(task, "published"), (waits, "pending")] {
        let refused = bench.db.by(&Act::OPERATOR).send_back(task, "x").await.unwrap_err();
        assert!(matches!(&refused, StorageError::Conflict(words) if words.contains(status)), "{refused}");
    }
    assert!(bench.db.notes(task).await.unwrap().is_empty());
}
