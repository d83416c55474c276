//! The journal of a run's calls, and what they spend.

use cofounder_domain::{CallId, FaultKind, NanoUsd, Status, StepPath};
use cofounder_storage::{
    Act, CallEnd, CallKind, CallStart, CallState, CallTokens, Claimed, Database, FailedCall, FinishedCall,
    LedgerFilter, Spend, StorageError,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use crate::{
    Bench,
    accounts::{account, money, spend, take},
    got, on_both_databases,
    slices::{all_or_nothing, held},
};

on_both_databases! {
    a_finished_call_is_found_by_its_key_and_an_unfinished_one_is_counted,
    what_a_call_took_is_all_in_the_ledger,
    a_call_that_ended_too_late_costs_all_the_same,
    a_call_ends_once_with_its_money_whichever_statement_fails,
    a_call_fails_once_with_its_money_whichever_statement_fails,
}

const TOKENS: CallTokens = CallTokens {
    input: 5,
    cached: 2,
    cache_write: 1,
    output: 3,
    reasoning: 2,
    measured: true,
    unpriced: false,
};

pub(crate) fn start<'a>(key: &'a str, run: Option<&'a Claimed>, request: &'a Value) -> CallStart<'a> {
    let (step, model, role) = ("outline", "a/b", "outline");
    CallStart { key, run, step, ordinal: 0, kind: CallKind::Chat, role, model, request, owner: "me" }
}

pub(crate) fn end(call_id: CallId, spends: &[Spend]) -> CallEnd<'_> {
    CallEnd {
        call_id,
        owner: "me",
        model: "a/c",
        tokens: TOKENS,
        cost: money(40),
        lost: money(2),
        first_token_ms: Some(3),
        ms: 7,
        attempts: r#"[{"target":"a/b"}]"#,
        route: r#"{"chosen":"a/b"}"#,
        spends,
    }
}

async fn claimed(bench: &Bench) -> Claimed {
    let task = bench.task().await.id;
    got(bench.db.claim(task, &bench.owner(), Duration::from_secs(9), 1).await.unwrap())
}

fn call_id(bench: &Bench) -> CallId {
    CallId::new(bench.db.now())
}

async fn a_finished_call_is_found_by_its_key_and_an_unfinished_one_is_counted(bench: Bench) {
    let (run, request, answer) = (claimed(&bench).await, json!({"q": 1}), json!("yes"));
    bench.db.begin_call(&start("k", Some(&run), &request)).await.unwrap();
    assert_eq!(bench.db.journalled_call("k").await.unwrap(), None);
    let entry = bench.db.begin_call(&start("k", Some(&run), &request)).await.unwrap();
    let done = FinishedCall { answer: &answer, end: end(call_id(&bench), &[]) };
    bench.db.finish_call(entry, Some(&run), &done).await.unwrap();
    let known = bench.db.journalled_call("k").await.unwrap().unwrap();
    assert_eq!((known.answer, known.model.as_str(), known.tokens), (answer, "a/c", TOKENS));
    assert_eq!((known.cost, known.first_token_ms, known.ms), (money(40), Some(3), 7));
    let entry = bench.db.begin_call(&start("l", Some(&run), &request)).await.unwrap();
    let failed = FailedCall {
        error: "no",
        fault: FaultKind::Unavailable,
        cut_off: false,
        end: end(call_id(&bench), &[]),
    };
    bench.db.fail_call(entry, Some(&run), &failed).await.unwrap();
    let spent = bench.db.spent(run.task).await.unwrap();
    assert_eq!((spent.calls, spent.unfinished, spent.tokens_in, spent.tokens_out), (1, 1, 10, 6));
    assert_eq!(spent.cost, money(84), "what is assumed for failed attempts is part of it");
    let by_step = bench.db.spent_by_step(run.task).await.unwrap();
    assert_eq!(by_step.get(&StepPath::new("outline")), Some(&spent));
    let calls = bench.db.calls(run.task).await.unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(NanoUsd::from_usd(calls[0].cost_usd), money(42));
    assert_eq!(bench.db.journalled_call("l").await.unwrap(), None, "a failure is no answer");
    assert_eq!(bench.db.model_of(run.task, "outline").await.unwrap().as_deref(), Some("a/c"));
    assert_eq!(bench.db.model_of(run.task, "draft").await.unwrap(), None);
}

async fn what_a_call_took_is_all_in_the_ledger(bench: Bench) {
    let (run, request, answer, site) = (claimed(&bench).await, json!({}), json!(1), account("site:1"));
    take(&bench.db, &site, "me", 100).await;
    let entry = bench.db.begin_call(&start("k", Some(&run), &request)).await.unwrap();
    let ledger = async || bench.db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items;
    let begun = ledger().await.remove(0);
    assert_eq!((begun.call_id, begun.state, begun.owner.as_str()), (None, None, "me"));
    let (call, spends) = (call_id(&bench), [spend(&site, 42)]);
    let failed =
        FailedCall { error: "no\0", fault: FaultKind::Unavailable, cut_off: false, end: end(call, &spends) };
    bench.db.fail_call(entry, Some(&run), &failed).await.unwrap();
    let line = ledger().await.remove(0);
    assert_eq!((line.call_id, line.state, line.task), (Some(call), Some(CallState::Failed), Some(run.task)));
    assert_eq!((line.error.as_deref(), line.fault), (Some("no\u{fffd}"), Some(FaultKind::Unavailable)));
    assert_eq!((line.kind, line.role.as_str(), line.step.as_str()), (CallKind::Chat, "outline", "outline"));
    assert_eq!((line.model.as_str(), line.tokens, line.token), ("a/c", TOKENS, None));
    assert_eq!((line.cost, line.lost, line.first_token_ms, line.ms), (money(40), money(2), Some(3), 7));
    assert_eq!((line.attempts, line.route), (json!([{"target": "a/b"}]), json!({"chosen": "a/b"})));
    assert_eq!(bench.db.account(&site).await.unwrap().spent, money(42));
    // A call of no task, such as a probe.
    let entry = bench.db.begin_call(&start("", None, &request)).await.unwrap();
    let done = FinishedCall { answer: &answer, end: end(call_id(&bench), &spends) };
    bench.db.finish_call(entry, None, &done).await.unwrap();
    assert_eq!(ledger().await[0].state, Some(CallState::Done));
    assert_eq!(bench.db.journalled_call("").await.unwrap(), None, "it is not replayed");
    assert_eq!(bench.db.account(&site).await.unwrap().spent, money(84));
}

/// Tried by ending only calls whose run is not outdated: the test failed.
async fn a_call_that_ended_too_late_costs_all_the_same(bench: Bench) {
    let (run, request, answer, site) = (claimed(&bench).await, json!({}), json!(1), account("site:1"));
    let first = bench.db.begin_call(&start("k", Some(&run), &request)).await.unwrap();
    let second = bench.db.begin_call(&start("l", Some(&run), &request)).await.unwrap();
    bench.db.by(&Act::OPERATOR).move_task(run.task, Status::Pending, "another shall").await.unwrap();
    let spends = [spend(&site, 42)];
    let done = FinishedCall { answer: &answer, end: end(call_id(&bench), &spends) };
    let failed = FailedCall {
        error: "no",
        fault: FaultKind::Unavailable,
        cut_off: false,
        end: end(call_id(&bench), &spends),
    };
    for _ in 0..2 {
        let stale = bench.db.finish_call(first, Some(&run), &done).await;
        assert!(matches!(stale, Err(StorageError::Stale)), "{stale:?}");
        bench.db.fail_call(second, Some(&run), &failed).await.unwrap();
        assert_eq!(bench.db.account(&site).await.unwrap().spent, money(84), "once");
    }
    assert_eq!(bench.db.journalled_call("k").await.unwrap(), None);
    let spent = bench.db.spent(run.task).await.unwrap();
    assert_eq!((spent.calls, spent.unfinished, spent.cost), (0, 1, money(84)));
    let late = bench.db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items.remove(1);
    assert_eq!((late.state, late.fault), (Some(CallState::Failed), Some(FaultKind::Conflict)));
    assert!(late.error.unwrap().contains("taken the task over"));
}

/// The calls that were begun, by number: the entry, the run, the call's id.
type Begun = Mutex<BTreeMap<usize, (i64, Claimed, CallId)>>;

async fn begin(bench: &Bench, begun: &Begun, number: usize) {
    let (run, request, key) = (claimed(bench).await, json!({}), number.to_string());
    take(&bench.db, &account(&format!("site:{number}")), "me", 30).await;
    let entry = bench.db.begin_call(&start(&key, Some(&run), &request)).await.unwrap();
    begun.lock().unwrap().insert(number, (entry, run, call_id(bench)));
}

async fn look(bench: &Bench, begun: &Begun, number: usize) -> Vec<String> {
    let entry = begun.lock().unwrap()[&number].0;
    let text = format!(
        "SELECT state || ' ' || cost || ' ' || coalesce(answer, error, '') AS line FROM model_calls WHERE id = {entry}"
    );
    let mut all = held(bench, number).await;
    all.extend(bench.lines(&text).await);
    all
}

/// Tried by ending a call whether or not it has ended already: the test failed.
async fn a_call_ends_once_with_its_money_whichever_statement_fails(bench: Bench) {
    let begun = Begun::default();
    let work = async |db: &Database, number: usize| {
        let (entry, run, call_id) = begun.lock().unwrap()[&number].clone();
        let (answer, spends) = (json!("yes"), [spend(&account(&format!("site:{number}")), 42)]);
        db.finish_call(entry, Some(&run), &FinishedCall { answer: &answer, end: end(call_id, &spends) }).await
    };
    let (begin, look) = (async |n| begin(&bench, &begun, n).await, async |n| look(&bench, &begun, n).await);
    all_or_nothing(&bench, true, begin, work, look).await;
}

async fn a_call_fails_once_with_its_money_whichever_statement_fails(bench: Bench) {
    let begun = Begun::default();
    let work = async |db: &Database, number: usize| {
        let (entry, run, call_id) = begun.lock().unwrap()[&number].clone();
        let spends = [spend(&account(&format!("site:{number}")), 7)];
        let failed = FailedCall {
            error: "no",
            fault: FaultKind::Unavailable,
            cut_off: false,
            end: end(call_id, &spends),
        };
        db.fail_call(entry, Some(&run), &failed).await
    };
    let (begin, look) = (async |n| begin(&bench, &begun, n).await, async |n| look(&bench, &begun, n).await);
    all_or_nothing(&bench, true, begin, work, look).await;
}
