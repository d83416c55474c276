//! Who may come in by a provider, and as what.

use super::*;
use crate::on_both_databases;
use cofounder_auth::{Change, SettingsError};
use cofounder_domain::FaultKind;
use cofounder_storage::Act;

on_both_databases! {
    somebody_on_the_list_joins_once_and_is_known_from_then_on,
    a_guest_joins_with_the_role_of_the_invitation,
    who_is_not_invited_does_not_come_in,
    an_address_that_is_not_verified_brings_nobody_in,
    who_is_known_by_their_account_needs_no_address,
    who_cannot_sign_in_does_not,
    an_address_that_only_the_user_info_names_is_taken,
}

async fn somebody_on_the_list_joins_once_and_is_known_from_then_on(bench: Bench) {
    let doors = Doors::with(bench, &["@EXAMPLE.org"]).await;
    for (number, provider) in ["acme", "github"].into_iter().enumerate() {
        doors.account(7, provider);
        let first = doors.sign_in(provider).await.unwrap();
        assert_eq!(
            (first.person.email.as_str(), first.person.role),
            (email(provider).as_str(), Role::Viewer)
        );
        assert_eq!((first.person.name.as_str(), first.person.has_password), (provider, false));
        assert!(is_signed_in(&doors.bench, first.person.id, &first.opened).await);
        // Their address changes hands there, their name changes; they stay who they are.
        doors.account(7, "somebody-else");
        let again = doors.sign_in(provider).await.unwrap();
        assert_eq!(again.person, first.person);
        assert_eq!(doors.bench.db.people(9, None).await.unwrap().items.len(), number + 1);
        let linked = doors.bench.db.identities(first.person.id).await.unwrap();
        assert_eq!((linked[0].subject.as_str(), linked[0].issuer.as_str()), ("7", doors.provider.url()));
    }
    let finished = doors.back("acme", &doors.away("acme", None).await).await.unwrap();
    assert_eq!(finished.return_to, to("/tasks"));
}

async fn a_guest_joins_with_the_role_of_the_invitation(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    doors.bench.links.for_guest(&Act::OPERATOR, email("bo"), Role::Editor).await.unwrap();
    doors.account(7, "bo");
    assert_eq!(doors.sign_in("acme").await.unwrap().person.role, Role::Editor);
    assert_eq!(
        doors.bench.links.for_guest(&Act::OPERATOR, email("bo"), Role::Owner).await.unwrap_err().kind(),
        FaultKind::Conflict
    );
}

/// Tried by comparing the ends of domains: the test failed.
async fn who_is_not_invited_does_not_come_in(bench: Bench) {
    let doors =
        Doors::with(bench, &["@ample.org", "ada@example.org", "@sub.example.org", "@example.org.evil"]).await;
    doors.bench.links.for_guest(&Act::OPERATOR, email("carl"), Role::Editor).await.unwrap();
    doors.account(7, "bo");
    for provider in ["acme", "github"] {
        let error = doors.sign_in(provider).await.unwrap_err();
        assert!(matches!(error, ElsewhereError::NotInvited(_)), "{error}");
        assert!(error.to_string().contains("bo@example.org is not invited"), "{error}");
    }
    doors.empty().await;
    doors.account(8, "ada");
    doors.sign_in("acme").await.unwrap();
}

/// Tried by taking GitHub's primary address whether or not it is verified: the test failed.
async fn an_address_that_is_not_verified_brings_nobody_in(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let unverified =
        Account { subject: 7, email: "bo@example.org".to_owned(), verified: false, name: "Bo".to_owned() };
    doors.provider.account(unverified);
    for provider in ["acme", "github"] {
        let error = doors.sign_in(provider).await.unwrap_err();
        assert!(matches!(error, ElsewhereError::Unverified(_)), "{error}");
    }
    doors.account(7, "bo");
    for value in ["false", "null", "0", "\"yes\"", "\"false\"", "[true]", "missing"] {
        // What is no JSON stands for a claim that is not there.
        let parsed = serde_json::from_str(value).ok();
        let claims = move |claims: &mut serde_json::Value| match &parsed {
            Some(value) => claims["email_verified"] = serde_json::Value::clone(value),
            None => drop(claims.as_object_mut().unwrap().remove("email_verified")),
        };
        let error = doors.refused(Lies { claims: Some(Box::new(claims)), ..Lies::default() }).await;
        assert!(matches!(error, ElsewhereError::Unverified(_)), "{value}: {error}");
    }
    for address in ["", "bo", "bo@example.org\r\nBcc: x@example.org", "a@b@example.org"] {
        let claims = move |claims: &mut serde_json::Value| claims["email"] = address.into();
        let error = doors.refused(Lies { claims: Some(Box::new(claims)), ..Lies::default() }).await;
        assert!(matches!(error, ElsewhereError::Unverified(_)), "{address}: {error}");
    }
}

async fn who_is_known_by_their_account_needs_no_address(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let joined = doors.sign_in("acme").await.unwrap();
    doors.provider.account(Account {
        subject: 42,
        email: String::new(),
        verified: false,
        name: String::new(),
    });
    assert_eq!(doors.sign_in("acme").await.unwrap().person, joined.person);
}

async fn who_cannot_sign_in_does_not(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let joined = doors.sign_in("acme").await.unwrap();
    let off = Change { disabled: Some(true), ..Change::default() };
    doors.bench.people.change(&Act::OPERATOR, joined.person.id, &off, None).await.unwrap();
    let error = doors.sign_in("acme").await.unwrap_err();
    assert!(matches!(error, ElsewhereError::Disabled), "{error}");
}

/// Tried by taking what the endpoint says of anybody: the test failed.
async fn an_address_that_only_the_user_info_names_is_taken(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let nothing = || {
        let claims = |claims: &mut serde_json::Value| {
            for name in ["email", "email_verified", "name"] {
                claims.as_object_mut().unwrap().remove(name);
            }
        };
        Lies { claims: Some(Box::new(claims)), ..Lies::default() }
    };
    let of_another = Lies { user: Some(Box::new(|user| user["sub"] = "43".into())), ..nothing() };
    let error = doors.refused(of_another).await;
    assert!(matches!(error, ElsewhereError::Mistrusted { .. }), "{error}");
    doors.provider.lie(nothing());
    assert_eq!(doors.sign_in("acme").await.unwrap().person.email, email("ada"));
}

#[test]
fn what_cannot_work_is_refused_before_anybody_is_sent_there() {
    let admission = |text: &str| Admission::new(&[text.to_owned()], Role::Viewer);
    for text in ["", "@", "example.org", "@a@b", "a@", "a b@c"] {
        assert_eq!(admission(text).unwrap_err(), SettingsError::Allowed(text.to_owned()));
    }
    assert_eq!(Admission::new(&[], Role::Owner).unwrap_err(), SettingsError::DefaultRole);
    let at = |url: &str| ProviderKind::Issuer(url.parse().unwrap());
    let tenant = |tenant: &str| ProviderKind::Microsoft { tenant: tenant.to_owned(), base_url: None };
    let good = settings("acme-2", at("https://id.example.org/realm"));
    let wrong = [
        ProviderSettings { name: "Acme".to_owned(), ..good.clone() },
        ProviderSettings { name: "token".to_owned(), ..good.clone() },
        ProviderSettings { name: "a/b".to_owned(), ..good.clone() },
        ProviderSettings { client_id: " ".to_owned(), ..good.clone() },
        ProviderSettings { client_secret: None, ..github("https://github.example.org") },
        settings("acme", at("http://id.example.org")),
        settings("acme", at("https://user:password@id.example.org")),
        settings("acme", at("https://id.example.org?x=1")),
        settings("acme", at("https://id.example.org#x")),
        settings("microsoft", tenant("")),
        settings("microsoft", tenant("../common")),
    ];
    let bench = tokio::runtime::Runtime::new().unwrap().block_on(Bench::sqlite());
    let made =
        |settings: ProviderSettings| Elsewhere::new(parts(&bench, vec![settings], Admission::default()));
    made(good).unwrap();
    for settings in wrong {
        let told = made(settings.clone()).err().map(|error| error.to_string());
        assert!(told.is_some(), "{settings:?}");
    }
}
