//! How much is asked of a provider at once.

use crate::stand::{config, free, hello, router, section};
use cofounder_domain::FaultKind;
use cofounder_testkit::provider::{FakeProvider, Reply};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn no_more_requests_than_places() {
    let fake = FakeProvider::start().await.unwrap();
    fake.script(|_| Reply::Late(50, "late".to_owned()));
    let router = Arc::new(router(config(&section("acme", &fake, "limits = { concurrency = 2 }"))));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let router = Arc::clone(&router);
        calls.spawn(async move {
            router.chat(&free(&router), &hello(), "", None, &CancellationToken::new(), &mut |_| ()).await
        });
    }
    let mut most = 0;
    while !calls.is_empty() {
        most = most.max(fake.open());
        if let Ok(Some(answered)) = tokio::time::timeout(Duration::from_millis(5), calls.join_next()).await {
            answered.unwrap().unwrap();
        }
    }
    assert_eq!((most, fake.calls()), (2, 8));
}

/// One that is busy is passed over for one that is not; but a free one never for one that costs money.
#[tokio::test]
async fn a_busy_target_is_passed_over_for_another_unless_that_costs_money() {
    for (price, expected, patience) in
        [("", Ok("b/m"), 30_000), ("price = { input = 1.0, output = 1.0 }\n", Err(FaultKind::Limited), 300)]
    {
        let (a, b) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
        a.script(|_| Reply::Hang);
        let text = section("a", &a, "limits = { concurrency = 1 }") + &section("b", &b, "") + price;
        let router =
            Arc::new(router(config(&(text + "[router]\nallow_paid = true\nprefer = [\"a\", \"b\"]\n"))));
        let (cancel, other) = (CancellationToken::new(), Arc::clone(&router));
        let token = cancel.clone();
        let first =
            tokio::spawn(
                async move { other.chat(&free(&other), &hello(), "", None, &token, &mut |_| ()).await },
            );
        while a.open() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let deadline = Some(Instant::now() + Duration::from_millis(patience));
        let stop = CancellationToken::new();
        let outcome = router.chat(&free(&router), &hello(), "", deadline, &stop, &mut |_| ()).await;
        let outcome = outcome.map(|answered| answered.target.id()).map_err(|error| error.kind());
        assert_eq!(outcome.as_deref().map_err(|kind| *kind), expected);
        cancel.cancel();
        first.await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn a_full_provider_is_a_limit_when_the_deadline_comes_first_and_harms_nobody() {
    let fake = FakeProvider::start().await.unwrap();
    let router = router(config(&section("acme", &fake, "limits = { requests_per_minute = 1 }")));
    let ask = async |deadline| {
        router.chat(&free(&router), &hello(), "", deadline, &CancellationToken::new(), &mut |_| ()).await
    };
    ask(None).await.unwrap();
    let error = ask(Some(Instant::now() + Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Limited);
    assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(10)), "{error}");
    assert_eq!(fake.calls(), 1);
    assert_eq!(router.health()[0].targets[0].state, cofounder_providers::TargetState::Ready);
}
