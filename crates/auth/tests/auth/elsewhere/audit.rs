//! What is kept of a provider's tokens: nothing, and they are used in the time that they have.

use super::*;
use crate::on_both_databases;
use cofounder_auth::Mistrust;
use cofounder_storage::Location;
use serde_json::{Value, json};

on_both_databases! {
    audit_s04_a_providers_tokens_are_used_within_their_time,
    audit_s04_a_providers_tokens_are_not_kept,
}

/// Tried without looking at `expires_in`: the test failed.
async fn audit_s04_a_providers_tokens_are_used_within_their_time(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let lies = |expires_in: Value| Lies {
        // Nothing but the user info endpoint names the address, so that the access token is needed.
        claims: Some(Box::new(|claims| drop(claims.as_object_mut().unwrap().remove("email")))),
        tokens: Some(Box::new(move |tokens| tokens["expires_in"] = expires_in.clone())),
        ..Lies::default()
    };
    for expires_in in [json!(0), json!(-1), json!("0"), json!("soon"), json!(-1e300)] {
        for provider in ["acme", "github"] {
            doors.provider.lie(lies(expires_in.clone()));
            let error = doors.sign_in(provider).await.unwrap_err();
            assert!(
                matches!(error, ElsewhereError::Mistrusted { why: Mistrust::AccessExpired, .. }),
                "{expires_in}: {error}"
            );
        }
    }
    assert_eq!(
        doors.provider.count("GET /userinfo") + doors.provider.count("GET /api/user"),
        0,
        "it is not used"
    );
    let other_kind =
        || Lies { tokens: Some(Box::new(|tokens| tokens["token_type"] = "mac".into())), ..Lies::default() };
    for provider in ["acme", "github"] {
        doors.provider.lie(other_kind());
        let error = doors.sign_in(provider).await.unwrap_err();
        assert!(matches!(error, ElsewhereError::Mistrusted { why: Mistrust::TokenType, .. }), "{error}");
    }
    for (expires_in, subject) in [(json!(60), 1), (json!("60"), 2), (Value::Null, 3)] {
        doors.provider.lie(lies(expires_in));
        doors.account(subject, &format!("guest{subject}"));
        doors.sign_in("acme").await.unwrap();
    }
}

async fn audit_s04_a_providers_tokens_are_not_kept(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    for (subject, provider) in [(1, "acme"), (2, "github")] {
        doors.account(subject, provider);
        let welcome = doors.sign_in(provider).await.unwrap();
        assert!(!format!("{welcome:?}").contains("-token-"), "{welcome:?}");
    }
    let away = doors.away("acme", None).await;
    let kept = everything(&doors.bench).await;
    assert!(kept.contains("acme@example.org"), "what is kept is looked at");
    for secret in [
        "access-token-",
        "refresh-token-",
        "code-",
        "eyJ",
        CLIENT_SECRET,
        &away.cookie,
        &away.brought("state"),
    ] {
        assert!(!kept.contains(secret), "{secret} is kept");
    }
    assert!(!format!("{:?}", doors.elsewhere).contains(CLIENT_SECRET));
}

/// Every row of the tables that signing in writes.
async fn everything(bench: &Bench) -> String {
    let url = match bench.db.location() {
        Location::Sqlite(path) => format!("sqlite://{}", path.display()),
        Location::Postgres(url) => url.clone(),
    };
    let raw = sea_orm::Database::connect(url).await.unwrap();
    let mut all = String::new();
    for table in ["people", "identities", "sessions", "sign_in_states", "one_time_links", "tokens"] {
        let text = format!("SELECT * FROM {table}");
        let statement =
            sea_orm::Statement::from_string(sea_orm::ConnectionTrait::get_database_backend(&raw), text);
        for row in sea_orm::ConnectionTrait::query_all_raw(&raw, statement).await.unwrap() {
            for column in row.column_names() {
                all += &row.try_get::<Option<String>>("", &column).ok().flatten().unwrap_or_default();
                all.push('\n');
            }
        }
    }
    raw.close().await.unwrap();
    all
}
