//! The site's feed: one order of all that happens, in which nothing appears behind what was read already.

use cofounder_domain::Status;
use cofounder_storage::{Act, FeedEvent, Terms};
use sea_orm::{ConnectionTrait, TransactionTrait};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::task::JoinSet;

use crate::{Bench, brief, connect, on_both_databases};

on_both_databases! {
    numbers_have_no_gaps_and_stay,
    what_is_committed_late_is_behind_what_was_read,
    whoever_follows_misses_nothing_however_many_write_and_number,
}

/// All of the feed behind this number.
async fn behind(bench: &Bench, after: i64) -> Vec<FeedEvent> {
    while bench.db.number_feed(2).await.unwrap() > 0 {}
    bench.db.feed(after, 10_000).await.unwrap()
}

async fn numbers_have_no_gaps_and_stay(bench: Bench) {
    assert_eq!((bench.db.number_feed(9).await.unwrap(), bench.db.feed_end().await.unwrap()), (0, 0));
    let (one, two) = (bench.task().await.id, bench.task().await.id);
    bench.db.by(&Act::OPERATOR).move_task(one, Status::OnHold, "later").await.unwrap();
    let first = behind(&bench, 0).await;
    let told: Vec<_> =
        first.iter().map(|event| (event.number, event.task, event.entry.event.as_str())).collect();
    assert_eq!(told, [(1, one, "created"), (2, two, "created"), (3, one, "moved")]);
    bench.db.by(&Act::OPERATOR).move_task(two, Status::OnHold, "later").await.unwrap();
    let another = bench.another().await;
    assert_eq!(another.number_feed(9).await.unwrap(), 1);
    assert_eq!((another.feed(0, 3).await.unwrap(), another.feed_end().await.unwrap()), (first, 4));
    assert_eq!(another.feed(3, 9).await.unwrap()[0].task, two);
}

async fn what_is_committed_late_is_behind_what_was_read(bench: Bench) {
    if bench.on_sqlite() {
        // One transaction writes at a time, so that none is committed late.
        return;
    }
    let early = bench.task().await.id;
    let raw = connect(bench.db.location()).await;
    let open = raw.begin().await.unwrap();
    let text = format!(
        "INSERT INTO journal (task_id, seq, fence, at, event, path) VALUES ('{early}', 99, 0, 0, 'late', '')"
    );
    open.execute_unprepared(&text).await.unwrap();
    let later = bench.task().await.id;
    let read = behind(&bench, 0).await;
    assert_eq!(read.iter().map(|event| event.task).collect::<Vec<_>>(), [early, later]);
    open.commit().await.unwrap();
    let late = behind(&bench, 2).await;
    assert_eq!((late.len(), late[0].number, late[0].entry.event.as_str()), (1, 3, "late"));
}

async fn whoever_follows_misses_nothing_however_many_write_and_number(bench: Bench) {
    const EACH: usize = 12;
    let bench = Arc::new(bench);
    let mut work = JoinSet::new();
    for _ in 0..3 {
        let db = bench.another().await;
        work.spawn(async move {
            for _ in 0..EACH {
                let task = db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap();
                db.by(&Act::OPERATOR).move_task(task.id, Status::OnHold, "x").await.unwrap();
            }
            Vec::new()
        });
    }
    for _ in 0..2 {
        let db = bench.another().await;
        work.spawn(async move {
            let mut read: Vec<FeedEvent> = Vec::new();
            while read.len() < 3 * EACH * 2 {
                db.number_feed(5).await.unwrap();
                let after = read.last().map_or(0, |event| event.number);
                read.extend(db.feed(after, 7).await.unwrap());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            read
        });
    }
    let all = tokio::time::timeout(Duration::from_secs(120), work.join_all()).await.unwrap();
    for read in all.into_iter().filter(|read| !read.is_empty()) {
        assert!(read.iter().zip(1..).all(|(event, number)| event.number == number), "{read:?}");
        let entries: HashSet<_> = read.iter().map(|event| (event.task, event.entry.seq)).collect();
        assert_eq!(entries.len(), 3 * EACH * 2);
        // Within a task the feed keeps the journal's order.
        for event in &read {
            let earlier = read.iter().filter(|e| e.task == event.task && e.number < event.number);
            assert_eq!(earlier.count() as i64 + 1, event.entry.seq);
        }
    }
}
