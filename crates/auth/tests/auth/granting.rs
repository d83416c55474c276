//! Access tokens for programs that have a token.

use cofounder_auth::{
    ACCESS_LIFETIME, GrantError, Granted, Grants, Issued, Order, Refusal, Scope, Tokens, Visitor,
};
use secrecy::ExposeSecret;
use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{Bench, on_both_databases, order, secret, text, visitor_at};
use cofounder_storage::Act;

on_both_databases! {
    an_access_token_is_its_token_for_an_hour,
    an_access_token_may_no_more_than_its_token,
    a_token_that_is_taken_back_takes_its_access_tokens_along,
    who_is_wrong_learns_nothing_of_why_and_waits,
    a_program_that_asks_all_the_time_waits,
    of_an_access_token_only_its_hash_is_kept,
}

fn here() -> Visitor {
    visitor_at("192.0.2.1")
}

fn grants(bench: &Bench) -> (Arc<Tokens>, Grants) {
    let tokens = Arc::new(Tokens::new(bench.db.clone(), bench.clock.clone()));
    (tokens.clone(), Grants::new(bench.db.clone(), bench.clock.clone(), tokens))
}

async fn granted(grants: &Grants, of: &Issued, scope: Option<&str>) -> Result<Granted, GrantError> {
    grants.client_credentials((&of.token.id.to_string(), &of.secret), scope, &here()).await
}

/// Tried with access tokens that make further ones: the test failed.
async fn an_access_token_is_its_token_for_an_hour(bench: Bench) {
    let (tokens, grants) = grants(&bench);
    let issued = bench.issue(&Order { lifetime: Duration::from_secs(5400), ..order() }).await;
    let made = granted(&grants, &issued, None).await.unwrap();
    assert_eq!((made.lifetime, made.scopes.as_slice()), (ACCESS_LIFETIME, &[Scope::Gateway][..]));
    let identity = tokens.verify(made.secret.expose_secret()).await.unwrap();
    assert_eq!((identity.token(), identity.budget_day), (Some(issued.token.id), issued.token.budget_day));
    // It makes no further one.
    let again = grants.client_credentials((&issued.token.id.to_string(), &made.secret), None, &here()).await;
    assert!(matches!(again, Err(GrantError::Client)), "{again:?}");
    bench.clock.advance(ACCESS_LIFETIME);
    let over = tokens.verify(made.secret.expose_secret()).await.unwrap_err();
    assert_eq!(over.refusal(), Some(Refusal::Expired));
    let short = granted(&grants, &issued, None).await.unwrap();
    assert_eq!(short.lifetime, Duration::from_secs(1800), "no longer than the token");
}

/// Tried by taking whatever is asked for: the test failed.
async fn an_access_token_may_no_more_than_its_token(bench: Bench) {
    let (tokens, grants) = grants(&bench);
    let issued = bench.issue(&Order { scopes: vec![Scope::Writer], ..order() }).await;
    for scope in ["editor", "admin", "gateway", "writer editor", "writer  viewer", "", "Writer", "no-scope"] {
        let error = granted(&grants, &issued, Some(scope)).await.unwrap_err();
        assert!(matches!(error, GrantError::Scope), "{scope}: {error}");
    }
    let made = granted(&grants, &issued, Some("viewer viewer")).await.unwrap();
    let identity = tokens.verify(made.secret.expose_secret()).await.unwrap();
    assert_eq!(identity.scopes, [Scope::Viewer]);
    assert!(!identity.allows(Scope::Writer));
    // What somebody wrote into the database behind the program's back gives no more either.
    let more = granted(&grants, &issued, Some("writer")).await.unwrap();
    bench.raw("UPDATE access_tokens SET scopes = '[\"admin\"]'").await;
    assert_eq!(tokens.verify(more.secret.expose_secret()).await.unwrap().scopes, []);
}

/// Tried by not looking at the token: the test failed.
async fn a_token_that_is_taken_back_takes_its_access_tokens_along(bench: Bench) {
    let (tokens, grants) = grants(&bench);
    let issued = bench.issue(&order()).await;
    let made = granted(&grants, &issued, None).await.unwrap();
    tokens.verify(made.secret.expose_secret()).await.unwrap();
    tokens.revoke(&Act::OPERATOR, issued.token.id).await.unwrap();
    let refused = tokens.verify(made.secret.expose_secret()).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Revoked));
    assert!(matches!(granted(&grants, &issued, None).await, Err(GrantError::Client)));
}

/// Tried without a count: the test failed.
async fn who_is_wrong_learns_nothing_of_why_and_waits(bench: Bench) {
    let (_, grants) = grants(&bench);
    let (issued, other, revoked) =
        (bench.issue(&order()).await, bench.issue(&order()).await, bench.issue(&order()).await);
    bench.db.by(&Act::OPERATOR).revoke_token(revoked.token.id).await.unwrap();
    let id = issued.token.id.to_string();
    let mut told = HashSet::new();
    let wrong = [
        (id.clone(), text(&other).to_owned()),
        (id.clone(), String::new()),
        (id.clone(), format!("cof_{}", "a".repeat(43))),
        ("no id".to_owned(), text(&issued).to_owned()),
        (other.token.id.to_string(), text(&issued).to_owned()),
        (revoked.token.id.to_string(), text(&revoked).to_owned()),
        (id.clone(), "x".repeat(1_000_000)),
    ];
    for (id, text) in wrong {
        let error = grants.client_credentials((&id, &secret(&text)), None, &here()).await.unwrap_err();
        told.insert(error.to_string());
    }
    assert_eq!(told.len(), 1, "{told:?}");
    for _ in 0..50 {
        granted(&grants, &issued, Some("none")).await.unwrap_err();
    }
    for _ in 0..3 {
        grants.client_credentials((&id, &secret("")), None, &here()).await.unwrap_err();
    }
    let error = granted(&grants, &issued, None).await.unwrap_err();
    assert_eq!((error.wait(), error.word()), (Some(Duration::from_secs(60)), "temporarily_unavailable"));
    let there = visitor_at("198.51.100.1");
    grants.client_credentials((&id, &issued.secret), None, &there).await.unwrap();
}

/// Tried without a count: the test failed.
async fn a_program_that_asks_all_the_time_waits(bench: Bench) {
    let (_, grants) = grants(&bench);
    let issued = bench.issue(&order()).await;
    for _ in 0..30 {
        granted(&grants, &issued, None).await.unwrap();
    }
    let error = granted(&grants, &issued, None).await.unwrap_err();
    assert!(matches!(error, GrantError::Wait(_)), "{error}");
    granted(&grants, &bench.issue(&order()).await, None).await.unwrap();
    bench.clock.advance(Duration::from_secs(60));
    granted(&grants, &issued, None).await.unwrap();
}

async fn of_an_access_token_only_its_hash_is_kept(bench: Bench) {
    let (_, grants) = grants(&bench);
    let made = granted(&grants, &bench.issue(&order()).await, None).await.unwrap();
    let text = made.secret.expose_secret();
    assert!(text.starts_with("coa_") && text.len() == 47 && !format!("{made:?}").contains(&text[4..]));
    assert_eq!(bench.db.access_token_by_hash(text).await.unwrap(), None);
    let hash = cofounder_domain::content_hash(text.as_bytes());
    assert!(bench.db.access_token_by_hash(&hash).await.unwrap().is_some());
}
