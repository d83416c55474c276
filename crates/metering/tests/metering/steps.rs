//! Steps' calls: their journal and their money.

use cofounder_domain::{FaultKind, NanoUsd, StepPath};
use cofounder_metering::Budgets;
use cofounder_testkit::provider::Reply;
use std::time::Duration;

use crate::bench::{Bench, EACH, PRICE, daily};

/// Tried by leaving out the look into the journal: the test failed.
#[tokio::test]
async fn the_same_question_is_asked_once_and_another_one_again() {
    let bench = Bench::new(Budgets::default()).await;
    bench.fake.reply([Reply::text("one"), Reply::text("two"), Reply::text("three")]);
    let first = bench.ask(0, "q").await.unwrap();
    let again = bench.ask(0, "q").await.unwrap();
    assert_eq!((again.text.as_str(), again.replayed, again.cost), ("one", true, first.cost));
    assert_eq!(bench.ask(1, "q").await.unwrap().text, "two", "another ordinal is another question");
    assert_eq!(bench.ask(0, "r").await.unwrap().text, "three");
    assert_eq!(bench.fake.calls(), 3);
    let keys: std::collections::HashSet<_> =
        bench.fake.seen().iter().map(|s| s.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 3);
    let took = bench.tally.of(&StepPath::new("outline"));
    assert_eq!((took.calls, took.replayed), (3, 1));
}

#[tokio::test]
async fn a_call_is_paid_by_its_tokens_and_the_ledger_has_it() {
    let bench = Bench::new(Budgets::default()).await;
    bench.fake.reply([Reply::text("four words are here")]);
    let answer = bench.ask(0, "q").await.unwrap();
    assert_eq!(answer.cost, PRICE.cost(answer.usage.tokens()));
    assert!(answer.cost > NanoUsd::ZERO && answer.usage.is_counted());
    let calls = bench.db.calls(bench.task).await.unwrap();
    assert_eq!((calls.len(), calls[0].model.as_str()), (1, "acme/large"));
    assert_eq!(bench.db.spent(bench.task).await.unwrap().cost, answer.cost);
}

/// Tried by settling with the worst case, by which the second call was refused, and by setting aside what a prompt of
/// the likely length costs: the test failed each time.
#[tokio::test]
async fn a_budget_refuses_before_the_call_and_gives_back_what_was_not_spent() {
    // The worst case of a call is about 17 + 100 tokens: 0.0022 dollars.
    let bench = Bench::new(daily(0.0025)).await;
    bench.fake.reply([Reply::text("short"), Reply::text("short")]);
    bench.ask(0, "q").await.unwrap();
    bench.ask(1, "q").await.unwrap();
    // One nano-dollar less than its worst case: what it is likely to cost would fit.
    let less = NanoUsd::new(PRICE.worst(17, 100).nano() - 1);
    let poor = Bench::new(Budgets { day: Some(less), ..Budgets::default() }).await;
    let error = poor.ask(0, "q").await.unwrap_err();
    assert_eq!((error.kind(), poor.fake.calls()), (FaultKind::Budget, 0));
    assert!(error.to_string().contains("budget.day_usd"), "{error}");
    assert_eq!(poor.used_today().await, NanoUsd::ZERO);
}

#[tokio::test]
async fn a_failed_call_costs_nothing_and_is_asked_again() {
    let bench = Bench::new(daily(0.01)).await;
    bench.fake.reply([Reply::error(400, "no", None), Reply::text("yes")]);
    assert_eq!(bench.ask(0, "q").await.unwrap_err().kind(), FaultKind::InvalidInput);
    assert_eq!(bench.spent_today().await, NanoUsd::ZERO);
    assert_eq!(bench.ask(0, "q").await.unwrap().text, "yes");
    assert_eq!(bench.db.spent(bench.task).await.unwrap().calls, 1);
}

/// Tried by giving back at the end what is still set aside: the test failed.
#[tokio::test]
async fn a_call_that_was_dropped_counts_as_unfinished_and_its_money_as_spent() {
    let bench = Bench::new(daily(0.01)).await;
    bench.fake.reply([Reply::Hang]);
    let gone = tokio::time::timeout(Duration::from_millis(300), bench.ask(0, "q")).await;
    assert!(gone.is_err());
    assert_eq!(bench.db.spent(bench.task).await.unwrap().unfinished, 1);
    bench.meter.close().await.unwrap();
    assert_eq!(
        bench.used_today().await,
        PRICE.worst(17, 100),
        "it may have cost as much, and nothing else is kept"
    );
}

/// Tried by counting a lost attempt as nothing: the test failed.
#[tokio::test]
async fn an_attempt_that_may_be_charged_is_paid_for_beside_the_answer() {
    let bench = Bench::new(daily(1.0)).await;
    bench.fake.reply([Reply::CutBody, Reply::text("there")]);
    let answer = bench.ask(0, "q").await.unwrap();
    // The prompt is at most 1 byte and 16 tokens of format; the answer has 100 tokens at the most.
    let lost = PRICE.worst(17, 100);
    assert_eq!(bench.db.spent(bench.task).await.unwrap().cost, answer.cost + lost);
    assert_eq!(bench.spent_today().await, answer.cost + lost);
}

/// Tried by making the second request without setting more aside: the test failed.
#[tokio::test]
async fn a_second_try_that_the_budget_does_not_cover_is_not_made() {
    let worst = PRICE.worst(17, 100);
    // Once and a half: enough for one request, not for two of which the first may be charged.
    let bench =
        Bench::new(Budgets { day: Some(NanoUsd::new(worst.nano() * 3 / 2)), ..Budgets::default() }).await;
    bench.fake.reply([Reply::CutBody, Reply::text("there")]);
    let error = bench.ask(0, "q").await.unwrap_err();
    assert_eq!(bench.fake.calls(), 1, "{error}");
    assert_eq!(bench.spent_today().await, worst);
}

#[tokio::test]
async fn a_tasks_budget_holds_over_all_its_calls() {
    let worst = PRICE.worst(17, 100);
    let budgets = Budgets { task: Some(NanoUsd::new(worst.nano() + EACH.nano())), ..Budgets::default() };
    let bench = Bench::new(budgets).await;
    bench.ask(0, "q").await.unwrap();
    bench.ask(1, "q").await.unwrap();
    let error = bench.ask(2, "q").await.unwrap_err();
    assert!(error.to_string().contains("budget.task_usd"), "{error}");
    assert_eq!(bench.fake.calls(), 2);
}

#[tokio::test]
async fn a_call_that_may_cost_more_than_any_may_is_not_made() {
    let budgets = Budgets { call: Some(NanoUsd::new(PRICE.worst(17, 100).nano() - 1)), ..Budgets::default() };
    let bench = Bench::new(budgets).await;
    let error = bench.ask(0, "q").await.unwrap_err();
    assert!(error.to_string().contains("budget.call_usd"), "{error}");
    assert_eq!(bench.fake.calls(), 0);
}
