//! Recurring tasks: each time of a rule makes one task, whoever looks.

use cofounder_domain::Timestamp;
use cofounder_storage::{Act, Schedule, StorageError};
use std::time::Duration;

use crate::{Bench, brief, on_both_databases};

on_both_databases! {
    a_rule_is_kept_by_its_name_and_due_at_its_time,
    a_time_that_several_workers_see_makes_one_task,
    a_rule_without_a_next_time_rests,
    a_rule_is_changed_by_who_has_seen_it_and_listed_a_page_at_a_time,
}

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn rule(name: &str, next_at: Option<Timestamp>) -> Schedule {
    Schedule {
        id: String::new(),
        name: name.to_owned(),
        cron: "0 6 * * 1".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        brief: brief(),
        priority: 3,
        needs: "gpu".to_owned(),
        next_at,
        last_at: None,
        last_task: None,
        version: 1,
    }
}

async fn a_rule_is_kept_by_its_name_and_due_at_its_time(bench: Bench) {
    let next = bench.db.now() + HOUR;
    let added = bench.db.by(&Act::OPERATOR).add_schedule(&rule("weekly", Some(next))).await.unwrap();
    bench.db.by(&Act::OPERATOR).add_schedule(&rule("daily", None)).await.unwrap();
    let taken = bench.db.by(&Act::OPERATOR).add_schedule(&rule("weekly", None)).await.unwrap_err();
    assert!(matches!(&taken, StorageError::Conflict(words) if words.contains("`weekly`")), "{taken}");
    let all = bench.db.schedules().await.unwrap();
    assert_eq!(all.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["daily", "weekly"]);
    assert_eq!(all[1], added);
    assert_eq!(bench.db.due_schedules().await.unwrap(), []);
    bench.clock.advance(HOUR);
    assert_eq!(bench.db.due_schedules().await.unwrap(), [added]);
    bench.db.by(&Act::OPERATOR).remove_schedule("weekly").await.unwrap();
    assert!(matches!(
        bench.db.by(&Act::OPERATOR).remove_schedule("weekly").await,
        Err(StorageError::NotFound { .. })
    ));
    assert_eq!(bench.db.due_schedules().await.unwrap(), []);
}

/// Tried by leaving the time out of `fire_schedule`'s update: the test failed.
async fn a_time_that_several_workers_see_makes_one_task(bench: Bench) {
    let first = bench.db.now();
    let rule = bench.db.by(&Act::OPERATOR).add_schedule(&rule("weekly", Some(first))).await.unwrap();
    let handles = [bench.another().await, bench.another().await, bench.db.clone(), bench.db.clone()];
    let workers = handles.map(|db| {
        let rule = rule.clone();
        tokio::spawn(async move { db.fire_schedule(&rule, Some(first + HOUR)).await.unwrap() })
    });
    let mut made = Vec::new();
    for worker in workers {
        made.extend(worker.await.unwrap());
    }
    assert_eq!(made.len(), 1, "{made:?}");
    let tasks = bench.db.list_tasks(9, None, None).await.unwrap().items;
    assert_eq!(tasks.len(), 1);
    let task = bench.db.task(tasks[0].id()).await.unwrap();
    assert_eq!((task.id, task.priority, task.needs.as_str()), (made[0], 3, "gpu"));
    let now = bench.db.schedules().await.unwrap().remove(0);
    assert_eq!(
        (now.next_at, now.last_at, now.last_task),
        (Some(first + HOUR), Some(first), Some(made[0].to_string()))
    );
    bench.clock.advance(HOUR);
    let due = bench.db.due_schedules().await.unwrap().remove(0);
    let second = bench.db.fire_schedule(&due, None).await.unwrap().unwrap();
    assert_ne!(second, made[0]);
    assert_eq!(bench.db.fire_schedule(&due, None).await.unwrap(), None);
    assert_eq!(bench.db.list_tasks(9, None, None).await.unwrap().items.len(), 2);
}

async fn a_rule_without_a_next_time_rests(bench: Bench) {
    let rule = bench.db.by(&Act::OPERATOR).add_schedule(&rule("never", None)).await.unwrap();
    bench.clock.advance(HOUR * 24 * 400);
    assert_eq!(bench.db.due_schedules().await.unwrap(), []);
    assert_eq!(bench.db.fire_schedule(&rule, None).await.unwrap(), None);
    assert_eq!(bench.db.list_tasks(9, None, None).await.unwrap().items, []);
}

/// Tried by leaving the comparison of versions out: the test failed.
async fn a_rule_is_changed_by_who_has_seen_it_and_listed_a_page_at_a_time(bench: Bench) {
    let act = Act::OPERATOR;
    let (db, by) = (&bench.db, bench.db.by(&act));
    let first = db.now();
    let before = by.add_schedule(&rule("weekly", Some(first))).await.unwrap();
    by.add_schedule(&rule("daily", None)).await.unwrap();
    assert_eq!(db.schedule("weekly").await.unwrap(), before);
    let after = Schedule { cron: "0 7 * * 1".to_owned(), priority: -1, ..before.clone() };
    let changed = by.change_schedule(&before, &after).await.unwrap();
    assert_eq!((changed.cron.as_str(), changed.priority, changed.version), ("0 7 * * 1", -1, 2));
    let refused = by.change_schedule(&before, &after).await.unwrap_err();
    assert!(matches!(refused, StorageError::Changed { .. }), "{refused}");
    db.fire_schedule(&changed, Some(first + HOUR)).await.unwrap();
    let old = Act::OPERATOR.seeing(2);
    let refused = db.by(&old).remove_schedule("weekly").await.unwrap_err();
    assert!(matches!(refused, StorageError::Changed { .. }), "its time came: {refused}");
    let page = db.list_schedules(1, None).await.unwrap();
    assert_eq!((page.items[0].name.as_str(), page.next_cursor.as_deref()), ("daily", Some("daily")));
    let rest = db.list_schedules(1, page.next_cursor.as_deref()).await.unwrap();
    assert_eq!((rest.items[0].name.as_str(), rest.next_cursor), ("weekly", None));
    let now = Act::OPERATOR.seeing(3);
    db.by(&now).remove_schedule("weekly").await.unwrap();
    assert!(matches!(db.schedule("weekly").await, Err(StorageError::NotFound { .. })));
}
