//! Accounts: no cap is passed, and what is used is what the slices hold, whatever happens to them.

use cofounder_domain::NanoUsd;
use cofounder_storage::{Account, AccountState, Act, Database, PoolSettings, Spend, Taken};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinSet;

use crate::{Bench, on_both_databases};

on_both_databases! {
    a_thousand_takes_at_the_same_time_from_two_programs_never_pass_a_cap,
    what_is_used_is_the_sum_of_the_slices_after_anything,
    what_is_used_is_the_sum_of_the_slices_after_anything_at_the_same_time,
    a_slice_is_what_the_cap_leaves_and_at_least_what_is_needed,
    accounts_are_found_by_their_scope_and_period,
}

pub(crate) fn account(scope: &str) -> Account {
    Account { scope: scope.to_owned(), period: "day:2026-01-02".to_owned() }
}

pub(crate) const fn money(nano: u64) -> NanoUsd {
    NanoUsd::new(nano)
}

pub(crate) fn spend(account: &Account, nano: u64) -> Spend {
    Spend { account: account.clone(), amount: money(nano) }
}

/// Takes exactly this much.
pub(crate) async fn take(db: &Database, account: &Account, owner: &str, nano: u64) {
    let taken = db.take_slice(account, owner, money(nano), money(nano), money(u64::MAX)).await.unwrap();
    assert_eq!(taken, Taken::Money(money(nano)));
}

/// Checks that the accounts hold what their slices do; tells what each slice holds.
async fn books(bench: &Bench) -> Vec<String> {
    let text = "SELECT s.scope || ' ' || s.owner || ' ' || s.amount || ' ' || s.spent AS line FROM slices s
                  WHERE EXISTS (SELECT 1 FROM accounts a WHERE a.scope = s.scope AND a.period = s.period)
                UNION ALL SELECT 'wrong: ' || a.scope || ' ' || a.used FROM accounts a WHERE a.used <>
                  (SELECT coalesce(sum(s.amount), 0) FROM slices s WHERE s.scope = a.scope AND s.period = a.period)
                ORDER BY 1";
    bench.lines(text).await
}

/// Many wait long for a connection here and for each other's writing, above all where the disk is slow, which is not
/// what is tested.
async fn patient(bench: &Bench) -> Arc<Database> {
    let long = Duration::from_secs(600);
    let settings = PoolSettings { acquire: long, statement: long, ..PoolSettings::default() };
    Arc::new(Database::open(bench.db.location(), settings, bench.clock.clone()).await.unwrap())
}

/// Tried by leaving out the lock of the account's row and the condition of its change: the test failed on PostgreSQL;
/// and by granting `wanted` when less is left: it failed everywhere.
async fn a_thousand_takes_at_the_same_time_from_two_programs_never_pass_a_cap(bench: Bench) {
    let programs = [patient(&bench).await, patient(&bench).await];
    let (site, cap) = (account("site:1"), money(2000));
    let mut takes = JoinSet::new();
    for number in 0..1000 {
        let (db, site) = (programs[number % 2].clone(), site.clone());
        let owner = format!("owner-{}", number % 2);
        takes.spawn(async move { db.take_slice(&site, &owner, money(7), money(3), cap).await.unwrap() });
    }
    let (mut taken, mut refused) = (Vec::new(), 0);
    while let Some(done) = takes.join_next().await {
        match done.unwrap() {
            Taken::Money(money) => taken.push(money),
            Taken::Refused { used } => {
                assert_eq!(used, cap);
                refused += 1;
            }
        }
    }
    assert_eq!(taken.iter().copied().sum::<NanoUsd>(), cap, "to the nano-dollar");
    assert_eq!((taken.len(), refused), (286, 714));
    assert_eq!(bench.db.account(&site).await.unwrap(), AccountState { used: cap, spent: money(0) });
    assert_eq!(books(&bench).await.len(), 2);
}

async fn a_slice_is_what_the_cap_leaves_and_at_least_what_is_needed(bench: Bench) {
    let (site, db) = (account("site:1"), &bench.db);
    let take = async |wanted, least, cap| {
        db.take_slice(&site, "me", money(wanted), money(least), money(cap)).await.unwrap()
    };
    let refused = |used| Taken::Refused { used: money(used) };
    assert_eq!(take(5, 1, 0).await, refused(0));
    assert_eq!(take(0, 0, 10).await, refused(0), "nothing is no slice");
    assert_eq!(books(&bench).await, Vec::<String>::new(), "who is refused leaves no trace");
    assert_eq!(take(6, 1, 10).await, Taken::Money(money(6)));
    assert_eq!(take(6, 5, 10).await, refused(6));
    assert_eq!(take(6, 4, 10).await, Taken::Money(money(4)));
    assert_eq!(take(6, 1, 10).await, refused(10));
    assert_eq!(take(6, 1, 3).await, refused(10), "a cap that was lowered");
    assert_eq!(take(5, 5, u64::MAX).await, Taken::Money(money(5)));
    let left = i64::MAX.unsigned_abs() - 15;
    assert_eq!(take(u64::MAX, 1, u64::MAX).await, Taken::Money(money(left)), "all that can be counted");
    assert_eq!(take(1, 1, u64::MAX).await, refused(left + 15));
    let other = Account { period: "day:2026-01-03".to_owned(), ..site.clone() };
    assert_eq!(db.account(&other).await.unwrap(), AccountState::default(), "a new day begins at nothing");
}

async fn accounts_are_found_by_their_scope_and_period(bench: Bench) {
    let month = Account { period: "month:2026-01".to_owned(), ..account("site:1") };
    for (account, nano) in
        [(account("site:1"), 3), (month, 4), (account("task:1"), 5), (account("token:x"), 6)]
    {
        take(&bench.db, &account, "me", nano).await;
        take(&bench.db, &account, "you", 10).await;
    }
    bench.db.record_calls("me", &[], &[spend(&account("task:1"), 2)]).await.unwrap();
    let found = async |prefix: &str, periods: &[&str], limit| {
        let periods: Vec<String> = periods.iter().map(|&p| p.to_owned()).collect();
        let found = bench.db.accounts(prefix, &periods, limit).await.unwrap();
        let told = |(account, state): (Account, AccountState)| {
            format!("{} {} {} {}", account.scope, account.period, state.used.nano(), state.spent.nano())
        };
        found.into_iter().map(told).collect::<Vec<_>>()
    };
    let (day, month) = ("day:2026-01-02", "month:2026-01");
    let all = [
        "site:1 day:2026-01-02 13 0",
        "site:1 month:2026-01 14 0",
        "task:1 day:2026-01-02 15 2",
        "token:x day:2026-01-02 16 0",
    ];
    assert_eq!(found("", &[day, month], 99).await, all);
    assert_eq!(found("", &[day, month], 2).await, all[..2]);
    assert_eq!(found("t", &[day, month], 99).await, all[2..]);
    assert_eq!(found("site:1", &[month], 99).await, all[1..2]);
    assert_eq!(found("site:%", &[day], 99).await, Vec::<String>::new());
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

const OWNERS: [&str; 3] = ["a", "b", "c"];
const CAP: u64 = 500;

/// One random change.
enum Change {
    Take(u64),
    GiveBack(u64),
    Spend(u64),
    Reconcile,
}

fn change(chance: &mut Chance) -> (Account, &'static str, Change) {
    let account = account(&format!("site:{}", chance.below(3)));
    let owner = OWNERS[usize::try_from(chance.below(3)).unwrap()];
    let amount = 1 + chance.below(60);
    let change = match chance.below(7) {
        0..=2 => Change::Take(amount),
        3 => Change::GiveBack(amount),
        4 | 5 => Change::Spend(amount),
        _ => Change::Reconcile,
    };
    (account, owner, change)
}

async fn carry_out(db: &Database, account: &Account, owner: &str, change: &Change) -> u64 {
    match change {
        Change::Take(amount) => {
            match db.take_slice(account, owner, money(*amount), money(5), money(CAP)).await.unwrap() {
                Taken::Money(money) => money.nano(),
                Taken::Refused { .. } => 0,
            }
        }
        Change::GiveBack(amount) => {
            db.give_back(owner, &[spend(account, *amount)]).await.unwrap();
            0
        }
        Change::Spend(amount) => {
            db.record_calls(owner, &[], &[spend(account, *amount)]).await.unwrap();
            0
        }
        Change::Reconcile => db.by(&Act::OPERATOR).reconcile(account, owner).await.unwrap().nano(),
    }
}

/// What the change comes to, by the rules alone.
fn expected(
    slices: &mut BTreeMap<(String, &str), (u64, u64)>,
    account: &Account,
    owner: &'static str,
    change: &Change,
) -> u64 {
    let of_account = slices.iter().filter(|((scope, _), _)| *scope == account.scope);
    let used: u64 = of_account.map(|(_, (amount, _))| amount).sum();
    let key = (account.scope.clone(), owner);
    let known = slices.contains_key(&key);
    let (amount, spent) = slices.get(&key).copied().unwrap_or_default();
    let (now, told) = match change {
        Change::Take(wanted) => {
            let granted = Some((*wanted).min(CAP.saturating_sub(used))).filter(|g| *g >= 5).unwrap_or(0);
            ((amount + granted, spent), granted)
        }
        Change::GiveBack(back) => ((amount.saturating_sub(*back).max(spent), spent), 0),
        Change::Spend(more) => ((amount.max(spent + more), spent + more), 0),
        Change::Reconcile => ((spent, spent), amount - spent),
    };
    if known || now != (0, 0) {
        slices.insert(key, now);
    }
    told
}

/// Tried by leaving `recount` out of `give_back`, then out of `overdraw`, then out of `reconcile`: the test failed each
/// time.
async fn what_is_used_is_the_sum_of_the_slices_after_anything(bench: Bench) {
    let (programs, mut chance) = ([bench.db.clone(), bench.another().await], Chance(7));
    let mut slices = BTreeMap::new();
    for number in 0..250 {
        let (account, owner, change) = change(&mut chance);
        let told = carry_out(&programs[number % 2], &account, owner, &change).await;
        assert_eq!(told, expected(&mut slices, &account, owner, &change), "change {number}");
        let states: Vec<String> =
            slices.iter().map(|((s, o), (amount, spent))| format!("{s} {o} {amount} {spent}")).collect();
        assert_eq!(books(&bench).await, states, "change {number}");
    }
    for number in 0..3 {
        let account = account(&format!("site:{number}"));
        let own = || slices.iter().filter(|((scope, _), _)| *scope == account.scope).map(|(_, slice)| slice);
        let state = bench.db.account(&account).await.unwrap();
        assert_eq!(state.used.nano(), own().map(|(amount, _)| amount).sum::<u64>());
        assert_eq!(state.spent.nano(), own().map(|(_, spent)| spent).sum::<u64>());
        assert!(state.used.nano() > 0, "something happened");
    }
}

async fn what_is_used_is_the_sum_of_the_slices_after_anything_at_the_same_time(bench: Bench) {
    let (programs, mut work) = ([patient(&bench).await, patient(&bench).await], JoinSet::new());
    for number in 0..12 {
        let (db, mut chance) = (programs[number % 2].clone(), Chance(number as u64));
        work.spawn(async move {
            for _ in 0..15 {
                let (account, owner, change) = change(&mut chance);
                carry_out(&db, &account, owner, &change).await;
                let several: Vec<Spend> =
                    (0..3).map(|n| spend(&self::account(&format!("site:{n}")), chance.below(4))).collect();
                db.record_calls(owner, &[], &several).await.unwrap();
            }
        });
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }
    assert_eq!(books(&bench).await.len(), 9);
}
