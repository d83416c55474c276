//! Caps that many callers and several processes want to pass at the same time.

use cofounder_domain::NanoUsd;
use cofounder_metering::{Budgets, CallError, Meter};
use cofounder_storage::Act;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::bench::{Bench, EACH, HELLO, PRICE, client};

/// What a call may cost at the most.
fn worst() -> NanoUsd {
    PRICE.worst(HELLO.len() as u64 + 64, 100)
}

async fn storm(meters: &[Arc<Meter>], calls: usize) -> (u64, u64) {
    let (granted, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let asking: Vec<_> = (0..calls)
        .map(|n| {
            let (meter, granted, refused) =
                (meters[n % meters.len()].clone(), granted.clone(), refused.clone());
            tokio::spawn(async move {
                match meter.ask(client(HELLO, None)).await {
                    Ok(_) => granted.fetch_add(1, Ordering::Relaxed),
                    Err(CallError::Budget { .. }) => refused.fetch_add(1, Ordering::Relaxed),
                    Err(other) => panic!("{other}"),
                };
            })
        })
        .collect();
    for call in asking {
        call.await.unwrap();
    }
    (granted.load(Ordering::Relaxed), refused.load(Ordering::Relaxed))
}

/// A thousand calls at once through two processes, against a cap that a part of them fills.
async fn a_cap_is_not_passed(bench: Bench, budgets: Budgets, cap: NanoUsd) {
    let (other, _owner) = bench.another(budgets).await;
    let (granted, refused) = storm(&[bench.meter.clone(), other.clone()], 1_000).await;
    assert_eq!((granted + refused, bench.fake.calls() as u64), (1_000, granted));
    let spent = NanoUsd::new(granted * EACH.nano());
    assert!(spent <= cap && refused > 0, "{spent} of {cap}");
    bench.meter.close().await.unwrap();
    other.close().await.unwrap();
    assert_eq!(bench.used_today().await, spent, "nothing stays set aside");
    // What storms left over can be used, down to less than one call may cost.
    let (last, _owner) = bench.another(budgets).await;
    while last.ask(client(HELLO, None)).await.is_ok() {}
    last.close().await.unwrap();
    let spent = bench.spent_today().await;
    assert_eq!((bench.used_today().await, spent.nano()), (spent, bench.fake.calls() as u64 * EACH.nano()));
    assert!(spent <= cap && spent + worst() > cap, "{spent} of {cap}");
}

fn cap() -> (Budgets, NanoUsd) {
    // What 300 calls cost, and at most 17 at once may cost.
    let cap = NanoUsd::new(300 * EACH.nano());
    (Budgets { day: Some(cap), ..Budgets::default() }, cap)
}

/// Tried by taking slices without looking at the cap: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_of_two_processes_do_not_pass_a_cap_on_sqlite() {
    let (budgets, cap) = cap();
    a_cap_is_not_passed(Bench::new(budgets).await, budgets, cap).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_of_two_processes_do_not_pass_a_cap_on_postgres() {
    let (budgets, cap) = cap();
    if let Some(bench) = Bench::postgres(budgets).await {
        a_cap_is_not_passed(bench, budgets, cap).await;
    }
}

/// A process that dies leaves its slice used, and the difference to the ledger is what was not settled.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_its_slice_used_until_it_is_reconciled() {
    let budgets = Budgets { day: Some(NanoUsd::from_usd(1.0)), ..Budgets::default() };
    let bench = Bench::new(budgets).await;
    let (other, owner) = bench.another(budgets).await;
    other.ask(client(HELLO, None)).await.unwrap();
    other.flush().await;
    let name = owner.id().to_owned();
    // Gone without a word: nothing is given back.
    drop((other, owner));
    let open = bench.db.open_slices().await.unwrap();
    assert_eq!((open.len(), open[0].owner.as_str(), open[0].spent), (1, name.as_str(), EACH));
    assert!(open[0].amount > EACH && bench.owner.is_gone(&name));
    assert_eq!(bench.used_today().await, open[0].amount);
    let back = bench.db.by(&Act::OPERATOR).reconcile(&open[0].account, &name).await.unwrap();
    assert_eq!(back, open[0].amount.saturating_sub(EACH));
    assert_eq!(bench.used_today().await, EACH);
}

/// What one process does not use, another can have after a while.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_lies_idle_goes_back() {
    let cap = NanoUsd::new(worst().nano() * 2);
    let budgets = Budgets { day: Some(cap), ..Budgets::default() };
    let bench = Bench::new(budgets).await;
    bench.meter.ask(client(HELLO, None)).await.unwrap();
    let waited = async {
        while bench.used_today().await != EACH {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waited).await.expect("it is given back");
}
