//! What is remembered of tokens for a second, and what is written down later.

use cofounder_auth::{AuthError, Refusal, Tokens};
use cofounder_domain::{FaultKind, Timestamp};
use cofounder_storage::Act;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{Bench, a_second, on_both_databases, order, text};

on_both_databases! {
    a_busy_token_costs_one_question_a_second,
    those_who_ask_at_the_same_time_share_one_question,
    a_revocation_is_felt_here_at_once_and_elsewhere_within_a_second,
    when_the_database_is_away_nobody_is_let_in_after_a_second,
    tokens_that_are_not_there_are_remembered_too,
    the_last_use_is_written_when_somebody_says_so_and_not_lost_when_that_fails,
}

/// Tried by remembering nothing: the test failed.
async fn a_busy_token_costs_one_question_a_second(bench: Bench) {
    let issued = bench.issue(&order()).await;
    for _ in 0..1000 {
        bench.tokens.verify(text(&issued)).await.unwrap();
    }
    // A machine that stands still for a while may cost one more.
    assert!((1..=2).contains(&bench.line.asked()));
    a_second().await;
    bench.tokens.verify(text(&issued)).await.unwrap();
    assert_eq!(bench.line.asked(), 1);
}

/// Tried by letting each ask for itself: the test failed.
async fn those_who_ask_at_the_same_time_share_one_question(bench: Bench) {
    let (issued, bench) = (bench.issue(&order()).await, Arc::new(bench));
    let text = Arc::new(text(&issued).to_owned());
    let all: Vec<_> = (0..200)
        .map(|_| {
            let (bench, text) = (bench.clone(), text.clone());
            tokio::spawn(async move { bench.tokens.verify(&text).await.unwrap().token() })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), Some(issued.token.id));
    }
    assert!((1..=2).contains(&bench.line.asked()));
    // Whoever goes away while it is being asked leaves the question to the others.
    a_second().await;
    for wait in 0..50 {
        let soon = Duration::from_micros(wait * 20);
        drop(tokio::time::timeout(soon, bench.tokens.verify(&text)).await);
    }
    bench.tokens.verify(&text).await.unwrap();
}

/// Tried by remembering for ten seconds, then by not forgetting what was revoked here: the test failed each time.
async fn a_revocation_is_felt_here_at_once_and_elsewhere_within_a_second(bench: Bench) {
    let other = Tokens::new(bench.db.clone(), bench.clock.clone());
    let issued = bench.issue(&order()).await;
    bench.tokens.verify(text(&issued)).await.unwrap();
    other.verify(text(&issued)).await.unwrap();
    bench.tokens.revoke(&Act::OPERATOR, issued.token.id).await.unwrap();
    let refused = async |tokens: &Tokens| tokens.verify(text(&issued)).await.unwrap_err().refusal();
    assert_eq!(refused(&bench.tokens).await, Some(Refusal::Revoked));
    a_second().await;
    assert_eq!(refused(&other).await, Some(Refusal::Revoked));
    let nobody = cofounder_domain::TokenId::new(bench.db.now());
    assert_eq!(bench.tokens.revoke(&Act::OPERATOR, nobody).await.unwrap_err().kind(), FaultKind::NotFound);
}

/// Tried by remembering for ten seconds: the test failed.
async fn when_the_database_is_away_nobody_is_let_in_after_a_second(bench: Bench) {
    let (issued, another) = (bench.issue(&order()).await, bench.issue(&order()).await);
    bench.tokens.verify(text(&issued)).await.unwrap();
    bench.line.away.store(true, Ordering::SeqCst);
    let error = bench.tokens.verify(text(&another)).await.unwrap_err();
    assert!(matches!(error, AuthError::Unknown(_)), "{error}");
    a_second().await;
    for _ in 0..3 {
        let error = bench.tokens.verify(text(&issued)).await.unwrap_err();
        assert_eq!((error.kind(), error.refusal()), (FaultKind::Unavailable, None));
    }
    bench.line.away.store(false, Ordering::SeqCst);
    bench.tokens.verify(text(&issued)).await.unwrap();
    bench.tokens.verify(text(&another)).await.unwrap();
}

async fn tokens_that_are_not_there_are_remembered_too(bench: Bench) {
    let unknown = format!("cof_{}", "a".repeat(43));
    for _ in 0..1000 {
        let error = bench.tokens.verify(&unknown).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Unknown));
    }
    assert!((1..=2).contains(&bench.line.asked()));
}

async fn the_last_use_is_written_when_somebody_says_so_and_not_lost_when_that_fails(bench: Bench) {
    let (used, unused) = (bench.issue(&order()).await, bench.issue(&order()).await);
    let last = async |of: &cofounder_auth::Issued| -> Option<Timestamp> {
        let all = bench.db.tokens(9, None).await.unwrap().items;
        all.into_iter().find(|token| token.id == of.token.id).unwrap().last_used_at
    };
    bench.tokens.flush_used().await.unwrap();
    let mut now = bench.db.now();
    for _ in 0..3 {
        bench.clock.advance(Duration::from_millis(7));
        now = bench.db.now();
        bench.tokens.verify(text(&used)).await.unwrap();
    }
    bench.line.asked();
    assert_eq!(last(&used).await, None, "nobody waits for it");
    bench.line.away.store(true, Ordering::SeqCst);
    bench.tokens.flush_used().await.unwrap_err();
    bench.line.away.store(false, Ordering::SeqCst);
    bench.tokens.flush_used().await.unwrap();
    assert_eq!((last(&used).await, last(&unused).await), (Some(now), None));
    bench.line.asked();
    bench.tokens.flush_used().await.unwrap();
    assert_eq!(bench.line.asked(), 0, "nothing to write asks nothing");
}
