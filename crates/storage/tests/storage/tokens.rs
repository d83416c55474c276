//! Tokens for programs, as the database keeps them.

use cofounder_domain::{NanoUsd, TokenId};
use cofounder_storage::{Act, NewToken, StorageError, Token};
use std::time::Duration;

use crate::{Bench, on_both_databases};

on_both_databases! {
    a_token_is_found_by_its_hash_with_all_that_was_said_of_it,
    audit_p04_the_database_takes_no_token_without_an_end,
    a_token_is_revoked_once_and_stays_so,
    tokens_are_listed_the_newest_first_and_found_by_the_beginning_of_their_id,
    the_last_use_only_moves_forward,
}

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn new(bench: &Bench, name: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        hash: format!("hash of {name}"),
        scopes: vec!["writer".to_owned(), "gateway".to_owned()],
        budget_day: Some(NanoUsd::new(5)),
        budget_month: None,
        requests_per_minute: Some(60),
        tokens_per_minute: None,
        expires_at: bench.db.now() + DAY,
    }
}

async fn found(bench: &Bench, name: &str) -> Token {
    bench.db.token_by_hash(&format!("hash of {name}")).await.unwrap().unwrap()
}

async fn a_token_is_found_by_its_hash_with_all_that_was_said_of_it(bench: Bench) {
    let (order, now) = (new(&bench, "ci"), bench.db.now());
    let made = bench.db.by(&Act::OPERATOR).create_token(&order).await.unwrap();
    assert_eq!((made.name.as_str(), &made.scopes), ("ci", &order.scopes));
    assert_eq!((made.budget_day, made.budget_month), (order.budget_day, None));
    assert_eq!((made.requests_per_minute, made.tokens_per_minute), (Some(60), None));
    assert_eq!((made.created_at, made.expires_at), (now, now + DAY));
    assert_eq!((made.revoked_at, made.last_used_at), (None, None));
    assert_eq!(found(&bench, "ci").await, made);
    assert_eq!(bench.db.token_by_hash("another").await.unwrap(), None);
    let same = NewToken { hash: order.hash.clone(), ..new(&bench, "other") };
    bench.db.by(&Act::OPERATOR).create_token(&same).await.unwrap_err();
    bench
        .db
        .by(&Act::OPERATOR)
        .create_token(&NewToken { hash: "another".to_owned(), ..order })
        .await
        .unwrap();
}

/// Tried by letting the column be nothing: the test failed.
async fn audit_p04_the_database_takes_no_token_without_an_end(bench: Bench) {
    let row = |end: &str| {
        format!(
            "INSERT INTO tokens (id, site_id, name, hash, scopes, created_at, expires_at)
             VALUES ('x', '00000000-0000-0000-0000-000000000000', 'n', 'h', '[]', 1, {end})"
        )
    };
    bench.raw(&row("NULL")).await.unwrap_err();
    bench.raw(&row("2")).await.unwrap();
    bench.raw("UPDATE tokens SET expires_at = NULL").await.unwrap_err();
}

async fn a_token_is_revoked_once_and_stays_so(bench: Bench) {
    let made = bench.db.by(&Act::OPERATOR).create_token(&new(&bench, "ci")).await.unwrap();
    bench.clock.advance(DAY);
    let revoked = bench.db.by(&Act::OPERATOR).revoke_token(made.id).await.unwrap();
    assert_eq!(revoked, Token { revoked_at: Some(bench.db.now()), ..made });
    bench.clock.advance(DAY);
    assert_eq!(bench.db.by(&Act::OPERATOR).revoke_token(revoked.id).await.unwrap(), revoked);
    assert_eq!(found(&bench, "ci").await, revoked);
    let nobody = bench.db.by(&Act::OPERATOR).revoke_token(TokenId::new(bench.db.now())).await;
    assert!(matches!(nobody, Err(StorageError::NotFound { what: "token", .. })), "{nobody:?}");
}

async fn tokens_are_listed_the_newest_first_and_found_by_the_beginning_of_their_id(bench: Bench) {
    let mut made = Vec::new();
    for number in 0..5 {
        bench.clock.advance(DAY);
        made.insert(
            0,
            bench.db.by(&Act::OPERATOR).create_token(&new(&bench, &number.to_string())).await.unwrap(),
        );
    }
    let first = bench.db.tokens(3, None).await.unwrap();
    assert_eq!(first.items, made[..3]);
    let rest = bench.db.tokens(3, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((rest.items.as_slice(), rest.next_cursor), (&made[3..], None));
    let wrong = bench.db.tokens(3, Some("x")).await;
    assert!(matches!(wrong, Err(StorageError::Cursor(_))), "{wrong:?}");
    let id = made[2].id.to_string();
    assert_eq!(bench.db.find_token(&id[..20]).await.unwrap(), made[2].id);
    assert!(matches!(bench.db.find_token("0").await, Err(StorageError::Conflict(_))));
    assert!(matches!(bench.db.find_token("").await, Err(StorageError::NotFound { .. })));
}

/// Tried by leaving the comparison out: the test failed.
async fn the_last_use_only_moves_forward(bench: Bench) {
    let (one, two) = (
        bench.db.by(&Act::OPERATOR).create_token(&new(&bench, "1")).await.unwrap().id,
        bench.db.by(&Act::OPERATOR).create_token(&new(&bench, "2")).await.unwrap().id,
    );
    let (now, later) = (bench.db.now(), bench.db.now() + DAY);
    bench.db.touch_tokens(&[]).await.unwrap();
    bench.db.touch_tokens(&[(one, now), (two, later), (two, now), (TokenId::new(now), now)]).await.unwrap();
    assert_eq!(found(&bench, "1").await.last_used_at, Some(now));
    assert_eq!(found(&bench, "2").await.last_used_at, Some(later));
    bench.db.touch_tokens(&[(one, later), (two, now)]).await.unwrap();
    assert_eq!(found(&bench, "1").await.last_used_at, Some(later));
    assert_eq!(found(&bench, "2").await.last_used_at, Some(later));
}
