//! Slices: they go back whole or not at all, and what a process that ended left is found.

use cofounder_domain::NanoUsd;
use cofounder_storage::{AccountState, Act, Database, Failure, Moment, OpenSlice, StorageError};
use std::time::Duration;

use crate::{
    Bench,
    accounts::{account, money, spend, take},
    failures::{Once, Recorder},
    on_both_databases,
};

on_both_databases! {
    what_is_given_back_is_never_more_than_what_is_not_spent,
    what_an_ended_process_left_is_found_and_goes_back_once,
    an_overdraft_is_shown_and_not_hidden,
    a_slice_is_taken_or_not_whichever_statement_fails,
    money_goes_back_or_not_whichever_statement_fails,
}

async fn state(db: &Database, scope: &str) -> (u64, u64) {
    let AccountState { used, spent } = db.account(&account(scope)).await.unwrap();
    (used.nano(), spent.nano())
}

/// Tried by giving back without looking at what is spent: the test failed.
async fn what_is_given_back_is_never_more_than_what_is_not_spent(bench: Bench) {
    let (db, site, task) = (&bench.db, account("site:1"), account("task:1"));
    take(db, &site, "me", 10).await;
    take(db, &task, "me", 10).await;
    take(db, &site, "you", 10).await;
    db.record_calls("me", &[], &[spend(&site, 4)]).await.unwrap();
    db.give_back("me", &[spend(&site, 1), spend(&task, 3), spend(&site, 1), spend(&task, 0)]).await.unwrap();
    assert_eq!((state(db, "site:1").await, state(db, "task:1").await), ((18, 4), (7, 0)));
    db.give_back("me", &[spend(&site, 99), spend(&task, 99), spend(&account("site:none"), 5)]).await.unwrap();
    assert_eq!((state(db, "site:1").await, state(db, "task:1").await), ((14, 4), (0, 0)));
    db.give_back("me", &[]).await.unwrap();
    db.give_back("nobody", &[spend(&site, 99)]).await.unwrap();
    assert_eq!(state(db, "site:1").await, (14, 4), "what another has is not mine to give");
}

async fn what_an_ended_process_left_is_found_and_goes_back_once(bench: Bench) {
    let (db, site) = (&bench.db, account("site:1"));
    take(db, &site, "ended", 10).await;
    take(db, &site, "living", 10).await;
    bench.clock.advance(Duration::from_secs(60));
    db.record_calls("ended", &[], &[spend(&site, 4)]).await.unwrap();
    let open = |owner: &str, spent, updated_at| OpenSlice {
        account: site.clone(),
        owner: owner.to_owned(),
        amount: money(10),
        spent: money(spent),
        updated_at,
    };
    let (now, before) = (db.now(), db.now() - Duration::from_secs(60));
    assert_eq!(db.open_slices().await.unwrap(), [open("ended", 4, now), open("living", 0, before)]);
    // Several that look at the same time give it back once.
    let handles = [bench.db.clone(), bench.another().await, bench.another().await];
    let site = &site;
    let act = &Act::OPERATOR;
    let [one, two, three] = handles.each_ref().map(async |db| db.by(act).reconcile(site, "ended").await);
    let all = tokio::join!(one, two, three);
    let back: NanoUsd = [all.0, all.1, all.2].into_iter().map(Result::unwrap).sum();
    assert_eq!(back, money(6));
    assert_eq!(state(db, "site:1").await, (14, 4));
    assert_eq!(db.open_slices().await.unwrap(), [open("living", 0, before)]);
    assert_eq!(db.by(&Act::OPERATOR).reconcile(site, "nobody").await.unwrap(), NanoUsd::ZERO);
    assert_eq!(db.by(&Act::OPERATOR).reconcile(&account("site:none"), "ended").await.unwrap(), NanoUsd::ZERO);
}

/// Tried by letting `spend` pass over what the slices do not hold: the test failed.
async fn an_overdraft_is_shown_and_not_hidden(bench: Bench) {
    let (db, site, new) = (&bench.db, account("site:1"), account("task:new"));
    take(db, &site, "me", 10).await;
    take(db, &site, "you", 5).await;
    db.record_calls("me", &[], &[spend(&site, 8)]).await.unwrap();
    assert_eq!(state(db, "site:1").await, (15, 8));
    db.record_calls("me", &[], &[spend(&site, 5), spend(&new, 2), spend(&new, 1)]).await.unwrap();
    assert_eq!(state(db, "site:1").await, (18, 13), "three more than was taken");
    assert_eq!(state(db, "task:new").await, (3, 3), "nobody had taken any");
    let capped = db.take_slice(&site, "you", money(1), money(1), money(17)).await.unwrap();
    assert_eq!(capped, cofounder_storage::Taken::Refused { used: money(18) });
}

/// Fails each statement of `work` in turn, before it is sent and when it has been answered, as if another change had
/// come first and as if the connection were lost. Each time `work` is given a number, for which `begin` makes what it
/// needs, and `look` tells the same of every number before and after. `repeat` is work that may be done twice.
pub(crate) async fn all_or_nothing(
    bench: &Bench,
    repeat: bool,
    begin: impl AsyncFn(usize),
    work: impl AsyncFn(&Database, usize) -> Result<(), StorageError>,
    look: impl AsyncFn(usize) -> Vec<String>,
) {
    begin(0).await;
    let before = look(0).await;
    let recorder = Recorder::failing(0);
    work(&Database::clone(&bench.db).with_faults(recorder.clone()), 0).await.unwrap();
    // Where the database itself undoes changes, there may be more than one try.
    let statements = recorder.statements().iter().rev().position(|text| text == "BEGIN").unwrap() + 1;
    let after = look(0).await;
    assert_ne!(before, after, "it does something");
    assert!(statements >= 3, "BEGIN, something, COMMIT");
    let (mut number, mut struck) = (0, 0);
    for nth in 0..statements {
        for (moment, failure) in [
            (Moment::Before, Failure::Lost),
            (Moment::After, Failure::Lost),
            (Moment::Before, Failure::Contended),
            (Moment::After, Failure::Contended),
        ] {
            number += 1;
            begin(number).await;
            let once = Once::new(nth, moment, failure);
            let done = work(&Database::clone(&bench.db).with_faults(once.clone()), number).await;
            struck += usize::from(once.struck().is_some());
            let committed = once.struck().as_deref() == Some("COMMIT") && moment == Moment::After;
            let expected = if done.is_ok() || committed { &after } else { &before };
            assert_eq!(&look(number).await, expected, "statement {nth}, {moment:?}, {failure:?}: {done:?}");
            if done.is_ok() || (committed && !repeat) {
                continue;
            }
            work(&bench.db, number).await.unwrap();
            assert_eq!(look(number).await, after, "once more after statement {nth}, {moment:?}, {failure:?}");
        }
    }
    // Nothing answers BEGIN, and what the database undoes by itself is not answered either.
    assert!(struck >= 3 * statements, "{struck} failures of {statements} statements");
}

/// What the account `site:NUMBER` and its slices hold.
pub(crate) async fn held(bench: &Bench, number: usize) -> Vec<String> {
    let text = format!(
        "SELECT 'account ' || used AS line FROM accounts WHERE scope = 'site:{number}' UNION ALL
         SELECT owner || ' ' || amount || ' ' || spent AS line FROM slices WHERE scope = 'site:{number}' ORDER BY 1"
    );
    bench.lines(&text).await
}

fn site(number: usize) -> cofounder_storage::Account {
    account(&format!("site:{number}"))
}

/// Tried by taking the slice outside the transaction: the test failed.
async fn a_slice_is_taken_or_not_whichever_statement_fails(bench: Bench) {
    let db = &bench.db;
    let work = async |faulty: &Database, number| {
        faulty.take_slice(&site(number), "me", money(5), money(5), money(100)).await.map(drop)
    };
    all_or_nothing(&bench, false, async |_| {}, work, async |n| held(&bench, n).await).await;
    let begin = async |number: usize| take(db, &site(number + 1000), "me", 3).await;
    let more = async |faulty: &Database, number: usize| work(faulty, number + 1000).await;
    all_or_nothing(&bench, false, begin, more, async |n| held(&bench, n + 1000).await).await;
}

async fn money_goes_back_or_not_whichever_statement_fails(bench: Bench) {
    let begin = async |number| {
        take(&bench.db, &site(number), "me", 9).await;
        bench.db.record_calls("me", &[], &[spend(&site(number), 2)]).await.unwrap();
    };
    let give = async |faulty: &Database, number| faulty.give_back("me", &[spend(&site(number), 5)]).await;
    all_or_nothing(&bench, false, begin, give, async |n| held(&bench, n).await).await;
    let find = async |faulty: &Database, number| {
        faulty.by(&Act::OPERATOR).reconcile(&site(number), "me").await.map(drop)
    };
    let begin = async |number: usize| begin(number + 1000).await;
    let find = async |faulty: &Database, number: usize| find(faulty, number + 1000).await;
    all_or_nothing(&bench, true, begin, find, async |n| held(&bench, n + 1000).await).await;
}
