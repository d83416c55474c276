//! Tasks that come again and again, with several workers and after a time without any.

use cofounder_domain::Timestamp;
use cofounder_executor::Rule;
use cofounder_storage::Schedule;
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
    }
}

/// Three days without a worker are one task and not three. Tried by firing without the condition on the time that is
/// due: two tasks came of one time. Tried by reckoning the next time from the last one: three tasks came.
async fn two_workers_fire_a_time_once_and_a_missed_time_is_made_up_for_once(bench: Bench) {
    let now = bench.db.now();
    let schedule = bench.db.add_schedule(&daily("news", now)).await.unwrap();
    let toy = Toy::brief();
    let made = async || bench.db.list_tasks(100, None, None).await.unwrap().items.len();
    for (days, expected) in [(0, 1), (1, 2), (3, 3), (1, 4)] {
        bench.clock.advance(DAY * days);
        let hands = [bench.hire(&toy, bench.work()).await, bench.hire(&toy, bench.work()).await];
        until("the task is made", async || made().await == expected).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        let ended: u64 = {
            let [one, two] = hands;
            one.dismissed().await.ended + two.dismissed().await.ended
        };
        assert_eq!((made().await, ended), (expected, 1), "after {days} days");
    }
    let stored = bench.db.schedules().await.unwrap().remove(0);
    let rule = Rule::new(&schedule.cron, "UTC", now).unwrap();
    assert_eq!(stored.next_at, rule.after(bench.db.now()), "the next time is one that the rule names");
}
