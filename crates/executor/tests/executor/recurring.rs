//! Tasks that come again and again, with several workers and after a time without any.

use cofounder_domain::{Status, Timestamp};
use cofounder_executor::Rule;
use cofounder_storage::{Act, Schedule};
use std::time::Duration;

use crate::{
    bench::{Bench, brief, until},
    toy::Toy,
    with_workers,
};

with_workers! {
    two_workers_fire_a_time_once_and_a_missed_time_is_made_up_for_once,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Every day at this time of the clock, for the first time now.
pub(crate) fn daily(name: &str, now: Timestamp) -> Schedule {
    Schedule {
        id: String::new(),
        name: name.to_owned(),
        cron: now.format("%M %H * * *").to_string(),
        zone: "UTC".to_owned(),
        brief: brief(),
        priority: 0,
        needs: String::new(),
        next_at: Some(now),
        last_at: None,
        last_task: None,
        version: 1,
    }
}

/// How many schedules come at the same time: two workers that look at once are sure to meet.
const MANY: usize = 10;

/// Three days without a worker are one task of each schedule and not three. Tried by firing without the condition on
/// the time that is due and without a key of the task: tasks were made twice. (Either is enough.) Tried by reckoning the
/// next time from the last one: three tasks came.
async fn two_workers_fire_a_time_once_and_a_missed_time_is_made_up_for_once(bench: Bench) {
    let now = bench.db.now();
    for number in 0..MANY {
        bench.db.by(&Act::OPERATOR).add_schedule(&daily(&format!("news {number}"), now)).await.unwrap();
    }
    let toy = Toy::brief();
    let made = async || bench.db.list_tasks(100, None, None).await.unwrap().items.len();
    for (days, expected) in [(0, MANY), (1, 2 * MANY), (3, 3 * MANY)] {
        bench.clock.advance(DAY * days);
        let [one, two] = [bench.hire(&toy, bench.work()).await, bench.hire(&toy, bench.work()).await];
        until("the tasks are made", async || made().await >= expected).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        until("the tasks are done", async || {
            let done = bench.db.list_tasks(100, None, Some(Status::AwaitingApproval)).await.unwrap();
            done.items.len() >= expected
        })
        .await;
        let ended = one.dismissed().await.ended + two.dismissed().await.ended;
        assert_eq!((made().await, ended), (expected, MANY as u64), "after {days} days");
    }
    for stored in bench.db.schedules().await.unwrap() {
        let rule = Rule::new(&stored.cron, "UTC", now).unwrap();
        assert_eq!(stored.next_at, rule.after(bench.db.now()), "the next time is one that the rule names");
    }
}
