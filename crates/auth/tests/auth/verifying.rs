//! Who is let in and who is not.

use cofounder_auth::{AuthError, Order, Refusal, Scope};
use cofounder_domain::{FaultKind, NanoUsd};
use cofounder_storage::{Act, NewToken};
use std::{collections::HashSet, time::Duration};

use crate::{Bench, on_both_databases, order, text};

on_both_databases! {
    audit_p04_a_token_is_refused_from_the_instant_on_at_which_it_expires,
    what_is_no_token_is_refused_without_asking_the_database,
    who_is_refused_learns_nothing_of_why,
    a_scope_that_only_a_newer_version_knows_gives_no_right,
}

const MILLI: Duration = Duration::from_millis(1);

async fn refusal(bench: &Bench, text: &str) -> Option<Refusal> {
    match bench.tokens.verify(text).await {
        Ok(_) => None,
        Err(error) => Some(error.refusal().unwrap()),
    }
}

/// Tried by refusing only after that instant, then by looking at the time only when the database is asked: the test
/// failed each time.
async fn audit_p04_a_token_is_refused_from_the_instant_on_at_which_it_expires(bench: Bench) {
    let lifetime = Duration::from_secs(3600);
    let (remembered, new) = (
        bench.issue(&Order { lifetime, ..order() }).await,
        bench.issue(&Order { lifetime, ..order() }).await,
    );
    bench.clock.advance(lifetime - MILLI);
    assert_eq!(refusal(&bench, text(&remembered)).await, None);
    bench.clock.advance(MILLI);
    assert_eq!(refusal(&bench, text(&remembered)).await, Some(Refusal::Expired), "though it is remembered");
    assert_eq!(refusal(&bench, text(&new)).await, Some(Refusal::Expired));
    bench.clock.advance(lifetime);
    assert_eq!(refusal(&bench, text(&new)).await, Some(Refusal::Expired));
}

/// Tried by leaving out the look at the shape: the test failed.
async fn what_is_no_token_is_refused_without_asking_the_database(bench: Bench) {
    let issued = bench.issue(&order()).await;
    let real = text(&issued);
    let wrong = [
        String::new(),
        "cof_".to_owned(),
        "Bearer".to_owned(),
        real[..46].to_owned(),
        format!("{real}x"),
        format!("{real}\0"),
        format!(" {real}"),
        format!("Bearer {real}"),
        real.replace("cof_", "COF_"),
        format!("cof_{}", "é".repeat(43)),
        "x".repeat(10_000_000),
        "' OR 1=1 --".to_owned(),
    ];
    for text in &wrong {
        assert_eq!(refusal(&bench, text).await, Some(Refusal::Malformed));
    }
    assert_eq!(bench.line.asked(), 0);
    assert_eq!(refusal(&bench, real).await, None);
    assert_eq!(bench.line.asked(), 1);
}

async fn who_is_refused_learns_nothing_of_why(bench: Bench) {
    let lifetime = Duration::from_secs(60);
    let [revoked, expired] = [bench.issue(&order()).await, bench.issue(&Order { lifetime, ..order() }).await];
    bench.tokens.revoke(&Act::OPERATOR, revoked.token.id).await.unwrap();
    bench.clock.advance(lifetime);
    let mut changed = text(&expired).to_owned();
    changed.replace_range(10..11, if &changed[10..11] == "a" { "b" } else { "a" });
    let shown = [
        (text(&revoked), Refusal::Revoked),
        (text(&expired), Refusal::Expired),
        (changed.as_str(), Refusal::Unknown),
        ("cof_", Refusal::Malformed),
    ];
    let mut told = HashSet::new();
    for (text, reason) in shown {
        for _ in 0..2 {
            let error = bench.tokens.verify(text).await.unwrap_err();
            assert_eq!((error.refusal(), error.kind()), (Some(reason), FaultKind::Unauthorised));
            assert!(!matches!(error, AuthError::Unknown(_)));
            told.insert(error.to_string());
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
}

async fn a_scope_that_only_a_newer_version_knows_gives_no_right(bench: Bench) {
    let text = format!("cof_{}", "a".repeat(43));
    let token = NewToken {
        name: "newer".to_owned(),
        hash: cofounder_domain::content_hash(text.as_bytes()),
        scopes: vec!["viewer".to_owned(), "owner".to_owned()],
        budget_day: Some(NanoUsd::ZERO),
        budget_month: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        expires_at: bench.db.now() + Duration::from_secs(60),
    };
    bench.db.by(&Act::OPERATOR).create_token(&token).await.unwrap();
    let identity = bench.tokens.verify(&text).await.unwrap();
    assert_eq!(identity.scopes, [Scope::Viewer]);
    assert!(Scope::ALL.into_iter().all(|needed| identity.allows(needed) == (needed == Scope::Viewer)));
}
