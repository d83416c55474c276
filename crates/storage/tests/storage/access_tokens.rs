//! Access tokens: what a token opens, for a while, and no longer than the token.

use cofounder_domain::TokenId;
use cofounder_storage::{Act, NewAccessToken, NewToken, OPEN_ACCESS_TOKENS, StorageError, Token};
use std::time::Duration;

use crate::{Bench, on_both_databases};

on_both_databases! {
    an_access_token_is_its_token_and_ends_no_later,
    none_is_made_of_a_token_that_is_not_valid,
    of_many_the_oldest_go,
}

const HOUR: Duration = Duration::from_secs(3600);

async fn token(bench: &Bench, name: &str) -> Token {
    let new = NewToken {
        name: name.to_owned(),
        hash: format!("hash of {name}"),
        scopes: vec!["writer".to_owned(), "gateway".to_owned()],
        budget_day: None,
        budget_month: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        expires_at: bench.db.now() + 2 * HOUR,
    };
    bench.db.by(&Act::OPERATOR).create_token(&new).await.unwrap()
}

fn access(bench: &Bench, hash: &str) -> NewAccessToken {
    NewAccessToken {
        hash: hash.to_owned(),
        scopes: vec!["writer".to_owned()],
        expires_at: bench.db.now() + HOUR,
    }
}

/// Tried with the end that was asked for: the test failed.
async fn an_access_token_is_its_token_and_ends_no_later(bench: Bench) {
    let parent = token(&bench, "ci").await;
    bench.db.by(&Act::OPERATOR).create_access_token(parent.id, &access(&bench, "a")).await.unwrap();
    let found = bench.db.access_token_by_hash("a").await.unwrap().unwrap();
    assert_eq!((&found.token, found.scopes.as_slice()), (&parent, &["writer".to_owned()][..]));
    assert_eq!(found.expires_at, bench.db.now() + HOUR);
    assert_eq!(bench.db.access_token_by_hash("hash of ci").await.unwrap(), None);
    bench.clock.advance(HOUR + HOUR / 2);
    bench.db.by(&Act::OPERATOR).create_access_token(parent.id, &access(&bench, "b")).await.unwrap();
    let late = bench.db.access_token_by_hash("b").await.unwrap().unwrap();
    assert_eq!(late.expires_at, parent.expires_at);
    assert_eq!(bench.db.access_token_by_hash("a").await.unwrap(), None, "what has ended is gone");
    bench.db.by(&Act::OPERATOR).revoke_token(parent.id).await.unwrap();
    let found = bench.db.access_token_by_hash("b").await.unwrap().unwrap();
    assert!(found.token.revoked_at.is_some());
}

/// Tried without the look at whether it was taken back: the test failed.
async fn none_is_made_of_a_token_that_is_not_valid(bench: Bench) {
    let (revoked, ended) = (token(&bench, "1").await, token(&bench, "2").await);
    bench.db.by(&Act::OPERATOR).revoke_token(revoked.id).await.unwrap();
    let error =
        bench.db.by(&Act::OPERATOR).create_access_token(revoked.id, &access(&bench, "a")).await.unwrap_err();
    assert!(matches!(error, StorageError::Conflict(_)), "{error}");
    bench.clock.advance(2 * HOUR);
    let error =
        bench.db.by(&Act::OPERATOR).create_access_token(ended.id, &access(&bench, "b")).await.unwrap_err();
    assert!(matches!(error, StorageError::Conflict(_)), "{error}");
    let nothing = bench
        .db
        .by(&Act::OPERATOR)
        .create_access_token(TokenId::new(bench.db.now()), &access(&bench, "c"))
        .await;
    assert!(matches!(nothing, Err(StorageError::NotFound { what: "token", .. })), "{nothing:?}");
    assert_eq!(bench.lines("SELECT hash AS line FROM access_tokens").await, Vec::<String>::new());
}

async fn of_many_the_oldest_go(bench: Bench) {
    let (parent, other) = (token(&bench, "1").await, token(&bench, "2").await);
    bench.db.by(&Act::OPERATOR).create_access_token(other.id, &access(&bench, "other")).await.unwrap();
    for number in 0..OPEN_ACCESS_TOKENS + 2 {
        bench.clock.advance(Duration::from_millis(1));
        bench
            .db
            .by(&Act::OPERATOR)
            .create_access_token(parent.id, &access(&bench, &number.to_string()))
            .await
            .unwrap();
    }
    let left = bench.lines("SELECT hash AS line FROM access_tokens ORDER BY created_at").await;
    assert_eq!(u64::try_from(left.len()).unwrap(), OPEN_ACCESS_TOKENS + 1);
    assert_eq!(left[..2], ["other", "2"]);
    bench.raw("DELETE FROM tokens").await.unwrap();
    assert_eq!(bench.lines("SELECT hash AS line FROM access_tokens").await, Vec::<String>::new());
}
