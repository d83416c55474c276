//! A storm: statements fail at random, before or after they took effect. Every task still ends, and no result that was
//! journalled is made again.

use cofounder_domain::{Status, StepStatus};
use cofounder_executor::WorkerSettings;
use cofounder_storage::{Failure, Faults, Moment, Patience};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    bench::{Bench, until},
    on_both_databases,
    toy::{Factory, Toy},
};

on_both_databases! {
    statements_that_fail_at_random_lose_no_task_and_change_no_result,
}

/// One statement in so many fails.
const RARITY: u64 = 20;

/// Strikes at random: the numbers of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug)]
struct Storm {
    state: AtomicU64,
    strikes: Arc<AtomicU64>,
}

impl Storm {
    fn next(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let mut z = self.state.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Faults for Storm {
    fn strike(&self, _statement: &str, _moment: Moment) -> Option<Failure> {
        let number = self.next();
        if !number.is_multiple_of(2 * RARITY) {
            return None;
        }
        self.strikes.fetch_add(1, Ordering::Relaxed);
        Some(if (number >> 32).is_multiple_of(2) { Failure::Lost } else { Failure::Contended })
    }
}

/// Tried without the look at what is already there in `RunContext::write_end`: the test failed.
async fn statements_that_fail_at_random_lose_no_task_and_change_no_result(mut bench: Bench) {
    bench.settings.lease = Duration::from_secs(1);
    let mut tasks = Vec::new();
    for _ in 0..16 {
        tasks.push(bench.task().await);
    }
    let (toy, strikes) = (Toy::brief(), Arc::new(AtomicU64::new(0)));
    let patience = Patience { runs: 1_000, pause: Duration::from_millis(10) };
    let settings = WorkerSettings { patience, ..bench.work() };
    let mut hands = Vec::new();
    for seed in 1..=2 {
        let storm = Storm { state: AtomicU64::new(seed), strikes: strikes.clone() };
        let db = bench.another().await.as_ref().clone().with_faults(Arc::new(storm));
        hands.push(bench.hire_on(Arc::new(db), Factory::of(&toy), settings.clone()));
    }
    for task in &tasks {
        until("the task is done", || async { bench.status(*task).await == Status::AwaitingApproval }).await;
    }
    for hand in hands {
        hand.dismissed().await;
    }
    assert!(strikes.load(Ordering::Relaxed) > 10, "{strikes:?} strikes are no storm");
    for task in tasks {
        let steps = bench.db.steps(task).await.unwrap();
        assert!(steps.iter().all(|step| step.status == StepStatus::Done), "{steps:?}");
        let journal = bench.db.journal(task, 0, 10_000).await.unwrap();
        assert!(journal.iter().zip(1..).all(|(entry, number)| entry.seq == number), "{journal:#?}");
        let ends = journal.iter().filter(|entry| entry.event == "step_done").count();
        assert_eq!(ends, 2, "each result is made once: {journal:#?}");
    }
}
