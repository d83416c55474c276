//! Tokens that are made, and orders that none are made from.

use cofounder_auth::{DEFAULT_LIFETIME, LifetimeError, MAX_LIFETIME, Order, OrderError, Scope};
use cofounder_domain::{FaultKind, NanoUsd, content_hash};
use cofounder_storage::Act;
use std::{sync::atomic::Ordering, time::Duration};

use crate::{Bench, on_both_databases, order, text};

on_both_databases! {
    of_a_token_only_its_hash_is_kept_and_its_text_is_never_printed,
    a_token_is_what_was_ordered,
    audit_p04_no_order_makes_a_token_without_an_end,
    orders_that_make_no_sense_make_nothing,
    an_order_that_the_database_does_not_take_makes_nothing,
}

/// Tried by storing the text in place of its hash: the test failed.
async fn of_a_token_only_its_hash_is_kept_and_its_text_is_never_printed(bench: Bench) {
    let (one, two) = (bench.issue(&order()).await, bench.issue(&order()).await);
    assert!(text(&one).starts_with("cof_") && text(&one).len() == 47, "{}", text(&one));
    assert_ne!(text(&one), text(&two));
    let random = &text(&one)[4..];
    assert!(!format!("{one:?} {:?}", bench.tokens).contains(random));
    assert_eq!(bench.db.token_by_hash(text(&one)).await.unwrap(), None);
    let kept = bench.db.token_by_hash(&content_hash(text(&one).as_bytes())).await.unwrap().unwrap();
    assert_eq!(kept, one.token);
    bench.tokens.verify(text(&one)).await.unwrap();
    assert!(!format!("{:?}", bench.tokens).contains(random), "nor after it was shown");
}

async fn a_token_is_what_was_ordered(bench: Bench) {
    let order = Order {
        name: "  Über CI \u{2003}".to_owned(),
        scopes: vec![Scope::Viewer, Scope::Gateway, Scope::Viewer],
        lifetime: Duration::from_secs(60),
        budget_day: Some(NanoUsd::new(1)),
        budget_month: Some(NanoUsd::new(2)),
        requests_per_minute: Some(3),
        tokens_per_minute: Some(4),
    };
    let issued = bench.issue(&order).await;
    assert_eq!(issued.token.expires_at, bench.db.now() + order.lifetime);
    let identity = bench.tokens.verify(text(&issued)).await.unwrap();
    assert_eq!((identity.token(), identity.name.as_str()), (Some(issued.token.id), "Über CI"));
    assert_eq!(identity.scopes, [Scope::Viewer, Scope::Gateway]);
    assert!(identity.allows(Scope::Viewer) && identity.allows(Scope::Gateway));
    assert!(!identity.allows(Scope::Writer) && !identity.allows(Scope::Admin));
    assert_eq!((identity.budget_day, identity.budget_month), (order.budget_day, order.budget_month));
    assert_eq!((identity.requests_per_minute, identity.tokens_per_minute), (Some(3), Some(4)));
    assert_eq!(identity.expires_at, issued.token.expires_at);
}

/// A lifetime is no option, and the database refuses a token without an end: see the storage's test of this name.
async fn audit_p04_no_order_makes_a_token_without_an_end(bench: Bench) {
    let usual = bench.issue(&order()).await.token;
    assert_eq!(usual.expires_at, bench.db.now() + DEFAULT_LIFETIME);
    let longest = bench.issue(&Order { lifetime: MAX_LIFETIME, ..order() }).await.token;
    assert_eq!(longest.expires_at, bench.db.now() + MAX_LIFETIME);
    let too_long = [MAX_LIFETIME + Duration::from_nanos(1), Duration::MAX];
    for lifetime in too_long {
        let error = bench.tokens.issue(&Act::OPERATOR, &Order { lifetime, ..order() }).await.unwrap_err();
        assert!(matches!(error, OrderError::Lifetime(LifetimeError::TooLong)), "{error}");
    }
    for lifetime in [Duration::ZERO, Duration::from_nanos(1)] {
        let error = bench.tokens.issue(&Act::OPERATOR, &Order { lifetime, ..order() }).await.unwrap_err();
        assert!(matches!(error, OrderError::Lifetime(LifetimeError::Nothing)), "{error}");
    }
    assert_eq!(bench.db.tokens(9, None).await.unwrap().items.len(), 2);
}

async fn orders_that_make_no_sense_make_nothing(bench: Bench) {
    let named = |name: &str| Order { name: name.to_owned(), ..order() };
    let wrong = [
        named(""),
        named(" \t\n"),
        named(&"n".repeat(101)),
        named("a\nb"),
        named("a\u{1b}[31mb"),
        named("a\0b"),
        Order { scopes: vec![], ..order() },
        Order { lifetime: Duration::ZERO, ..order() },
    ];
    for order in wrong {
        let error = bench.tokens.issue(&Act::OPERATOR, &order).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::InvalidInput, "{error}");
        assert!(error.to_string().ends_with("Nothing was made"), "{error}");
    }
    assert_eq!(bench.line.asked(), 0, "the database is not asked");
    assert_eq!(bench.db.tokens(9, None).await.unwrap().items, []);
    bench.issue(&named(&format!(" {} ", "ü".repeat(100)))).await;
}

async fn an_order_that_the_database_does_not_take_makes_nothing(bench: Bench) {
    bench.line.away.store(true, Ordering::SeqCst);
    let error = bench.tokens.issue(&Act::OPERATOR, &order()).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Unavailable);
    assert_eq!(bench.db.tokens(9, None).await.unwrap().items, []);
}
