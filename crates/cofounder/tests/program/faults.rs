//! The fault table: the real binary's gateway over two or three providers of which one is healthy and the others have
//! one of the faults that providers have, in every dialect, whole and streamed. Each answer carries a text that can be
//! checked to the byte.
//!
//! `bench/faults` runs two hundred scenarios and prints the table. It names the number of each scenario in
//! which something was wrong: the same number is the same scenario.

mod client;
mod fault;
mod judge;
mod stage;

use futures_util::{StreamExt, stream};
use std::{collections::BTreeMap, time::Instant};

use fault::FAULTS;
use judge::Verdict;
use stage::Plan;

/// Scenarios at the same time: they wait more than they work.
const AT_ONCE: usize = 3;

/// What came of one or more scenarios.
#[derive(Clone, Debug, Default)]
struct Toll {
    scenarios: usize,
    calls: usize,
    verdicts: BTreeMap<Verdict, usize>,
    /// Requests that reached a fake.
    requests: usize,
    /// The most requests that one call took.
    attempts: usize,
    /// The most requests that a target got while its breaker was open and the once that it was asked after.
    probes: Option<usize>,
    /// Calls that are not in the ledger.
    unwritten: usize,
    /// What was wrong, for a person.
    notes: Vec<String>,
}

impl Toll {
    fn add(&mut self, other: &Self) {
        self.scenarios += other.scenarios;
        self.calls += other.calls;
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(*verdict).or_default() += count;
        }
        self.requests += other.requests;
        self.attempts = self.attempts.max(other.attempts);
        self.probes = self.probes.max(other.probes);
        self.unwritten += other.unwritten;
        self.notes.extend(other.notes.iter().cloned());
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    fn row(&self, name: &str) -> String {
        let probes = self.probes.map_or_else(|| "-".to_owned(), |probes| probes.to_string());
        let counts = Verdict::ALL.map(|verdict| format!("{:>7}", self.count(verdict)));
        format!(
            "{name:<28}{:>5}{:>7}{}{:>9.2}{:>6}{probes:>8}",
            self.scenarios,
            self.calls,
            counts.concat(),
            self.requests as f64 / self.calls.max(1) as f64,
            self.attempts,
        )
    }
}

/// Tried by passing an answer that broke off on as a complete one, and by asking a resting target twice: the test failed
/// each time.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes minutes: `bench/faults` runs it"]
async fn a_healthy_target_answers_whatever_the_others_do() {
    let named = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let count = named("COFOUNDER_FAULTS").unwrap_or(200);
    let first = named("COFOUNDER_FAULTS_FIRST").unwrap_or(0);
    let begun = Instant::now();
    let plans = (first..first + count).map(Plan::of);
    let tolls: Vec<(&str, Toll)> = stream::iter(plans)
        .map(|plan| async move { (plan.fault(), Box::pin(stage::play(plan)).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut all = Toll::default();
    tolls.iter().for_each(|(_, toll)| all.add(toll));
    print(&tolls, &all, begun);
    check(&all);
}

#[expect(clippy::print_stdout, reason = "the table is what `bench/faults` is run for")]
fn print(tolls: &[(&str, Toll)], all: &Toll, begun: Instant) {
    let names = Verdict::ALL.map(|verdict| format!("{:>7}", verdict.name()));
    println!(
        "{:<28}{:>5}{:>7}{}{:>9}{:>6}{:>8}",
        "the first target's fault",
        "runs",
        "calls",
        names.concat(),
        "req/call",
        "most",
        "probes"
    );
    for fault in FAULTS {
        let mut sum = Toll::default();
        tolls.iter().filter(|(name, _)| *name == fault.name).for_each(|(_, toll)| sum.add(toll));
        if sum.scenarios > 0 {
            println!("{}", sum.row(fault.name));
        }
    }
    println!("{}", all.row("all"));
    println!("{} calls are not in the ledger; {:.0} s", all.unwritten, begun.elapsed().as_secs_f64());
    all.notes.iter().for_each(|note| println!("{note}"));
}

fn check(all: &Toll) {
    assert!(all.calls > 0);
    for verdict in [Verdict::Wrong, Verdict::Bytes, Verdict::Complete, Verdict::Silent] {
        assert_eq!(all.count(verdict), 0, "{}: {:#?}", verdict.name(), all.notes);
    }
    let failed = all.count(Verdict::Failed);
    assert!(failed * 200 < all.calls, "{failed} of {} calls failed: {:#?}", all.calls, all.notes);
    assert!(all.probes.is_none_or(|probes| probes <= 1), "{:#?}", all.notes);
    assert_eq!(all.unwritten, 0, "{:#?}", all.notes);
}
