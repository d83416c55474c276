//! Links that are used once: what each gives, and what becomes of one that cannot be used.

use cofounder_auth::{
    Guest, INVITATION_LIFETIME, LINK_LIFETIME, LinkError, MadeLink, PasswordError, Refusal, Role, Scope,
};
use cofounder_domain::FaultKind;
use cofounder_storage::{Act, Actor, LinkPurpose, StorageError};
use secrecy::ExposeSecret;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::task::JoinSet;

use crate::{Bench, PASSWORD, email, on_both_databases, secret, shown, visitor};

on_both_databases! {
    the_first_owner_comes_by_a_link_and_nobody_after_them,
    who_is_invited_is_what_the_invitation_says,
    a_link_to_a_new_password_ends_every_session,
    every_link_ends_by_itself,
    a_link_that_cannot_be_used_says_nothing_of_why_and_costs_nothing,
    what_a_guest_says_wrongly_uses_no_link_up,
    of_many_who_open_a_link_at_the_same_time_one_is_signed_in,
    of_a_link_only_its_hash_is_kept,
}

const MILLI: Duration = Duration::from_millis(1);

fn guest(name: &str) -> Guest {
    let (email, name) = (Some(format!(" {name}@Example.org")), Some(format!(" {name} ")));
    Guest { email, name, password: secret("words of a guest that nobody guesses") }
}

fn carried(made: &MadeLink) -> &str {
    made.secret.expose_secret()
}

/// Tried by making such links whether or not there is an owner: the test failed.
async fn the_first_owner_comes_by_a_link_and_nobody_after_them(bench: Bench) {
    let earlier = bench.links.for_owner(&Act::OPERATOR).await.unwrap();
    let made = bench.links.for_owner(&Act::OPERATOR).await.unwrap();
    assert_eq!(made.link.expires_at, bench.db.now() + LINK_LIFETIME);
    assert!(
        matches!(bench.links.look(carried(&earlier)).await, Err(LinkError::Invalid)),
        "the newest counts"
    );
    assert_eq!(bench.links.look(carried(&made)).await.unwrap().purpose, LinkPurpose::Owner);
    let welcome = bench.links.accept(carried(&made), &guest("ada"), &visitor()).await.unwrap();
    assert_eq!((welcome.person.role, &welcome.person.email), (Role::Owner, &email("ada")));
    assert_eq!(welcome.person.name, "ada");
    assert!(bench.sessions.verify(shown(&welcome.opened)).await.unwrap().allows(Scope::Admin));
    let error = bench.links.accept(carried(&made), &guest("eve"), &visitor()).await.unwrap_err();
    assert!(matches!(error, LinkError::Invalid), "{error}");
    let error = bench.links.for_owner(&Act::OPERATOR).await.unwrap_err();
    assert!(matches!(error, LinkError::Storage(StorageError::Conflict(_))), "{error}");
    let password = &guest("ada").password;
    bench.people.sign_in("ada@example.org", password, &visitor()).await.unwrap();
}

async fn who_is_invited_is_what_the_invitation_says(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let act = Act::of(Actor::Person(ada.id, ada.name.clone()));
    let made = bench.links.for_guest(&act, email("bo"), Role::Writer).await.unwrap();
    assert_eq!(made.link.expires_at, bench.db.now() + INVITATION_LIFETIME);
    let seen = bench.links.look(carried(&made)).await.unwrap();
    assert_eq!((seen.email, seen.role, seen.made_by), (Some(email("bo")), Some(Role::Writer), Some(ada.id)));
    let welcome = bench.links.accept(carried(&made), &guest("eve"), &visitor()).await.unwrap();
    assert_eq!((&welcome.person.email, welcome.person.role), (&email("bo"), Role::Writer));
    let identity = bench.sessions.verify(shown(&welcome.opened)).await.unwrap();
    assert_eq!((identity.scopes.as_slice(), identity.name.as_str()), (&[Scope::Writer][..], "eve"));
    let error = bench.links.for_guest(&act, email("bo"), Role::Owner).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Conflict, "{error}");
}

/// Tried by not forgetting here what was ended: the test failed.
async fn a_link_to_a_new_password_ends_every_session(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let old = bench.session(&ada).await;
    bench.sessions.verify(shown(&old)).await.unwrap();
    let made = bench.links.for_password(&Act::OPERATOR, email("ada")).await.unwrap();
    let new = Guest { email: None, name: None, ..guest("ada") };
    let welcome = bench.links.accept(carried(&made), &new, &visitor()).await.unwrap();
    assert_eq!((welcome.person.id, welcome.person.name.as_str()), (ada.id, "ada"));
    assert_eq!(bench.sessions.verify(shown(&old)).await.unwrap_err().refusal(), Some(Refusal::Revoked));
    bench.sessions.verify(shown(&welcome.opened)).await.unwrap();
    bench.people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap_err();
    bench.people.sign_in("ada@example.org", &new.password, &visitor()).await.unwrap();
    let error = bench.links.for_password(&Act::OPERATOR, email("nobody")).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Conflict, "{error}");
}

/// Tried by an hour more for each: the test failed.
async fn every_link_ends_by_itself(bench: Bench) {
    let owner = bench.links.for_owner(&Act::OPERATOR).await.unwrap();
    let bo = bench.person("bo", Role::Writer).await;
    let password = bench.links.for_password(&Act::OPERATOR, bo.email.clone()).await.unwrap();
    let invitation = bench.links.for_guest(&Act::OPERATOR, email("carl"), Role::Viewer).await.unwrap();
    let usable = async |made: &MadeLink| bench.links.look(carried(made)).await.is_ok();
    bench.clock.advance(Duration::from_secs(3600) - MILLI);
    assert!(usable(&owner).await && usable(&password).await && usable(&invitation).await);
    bench.clock.advance(MILLI);
    assert!(!usable(&owner).await && !usable(&password).await && usable(&invitation).await);
    bench.clock.advance(Duration::from_secs(7 * 86_400 - 3600) - MILLI);
    assert!(usable(&invitation).await);
    bench.clock.advance(MILLI);
    for made in [&owner, &password, &invitation] {
        let error = bench.links.accept(carried(made), &guest("eve"), &visitor()).await.unwrap_err();
        assert!(matches!(error, LinkError::Invalid), "{error}");
    }
    assert_eq!(bench.db.people(9, None).await.unwrap().items, [bo]);
}

/// Tried by hashing the password first: the test failed.
async fn a_link_that_cannot_be_used_says_nothing_of_why_and_costs_nothing(bench: Bench) {
    let used = bench.links.for_owner(&Act::OPERATOR).await.unwrap();
    bench.links.accept(carried(&used), &guest("ada"), &visitor()).await.unwrap();
    let voided = bench.links.for_guest(&Act::OPERATOR, email("bo"), Role::Viewer).await.unwrap();
    bench.links.for_guest(&Act::OPERATOR, email("bo"), Role::Viewer).await.unwrap();
    let before = bench.passwords.computed();
    let unknown = format!("col_{}", "a".repeat(43));
    let session = carried(&used).replace("col_", "cos_");
    let mut told = HashSet::new();
    for text in [carried(&used), carried(&voided), &unknown, &session, "col_", "", &"x".repeat(10_000_000)] {
        let error = bench.links.accept(text, &guest("eve"), &visitor()).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::NotFound);
        told.insert(error.to_string());
        told.insert(bench.links.look(text).await.unwrap_err().to_string());
    }
    assert_eq!((told.len(), bench.passwords.computed()), (1, before), "{told:?}");
}

async fn what_a_guest_says_wrongly_uses_no_link_up(bench: Bench) {
    let made = bench.links.for_owner(&Act::OPERATOR).await.unwrap();
    let wrong = [
        Guest { email: None, ..guest("ada") },
        Guest { email: Some("ada".to_owned()), ..guest("ada") },
        Guest { name: None, ..guest("ada") },
        Guest { name: Some("a\nb".to_owned()), ..guest("ada") },
        Guest { password: secret("short"), ..guest("ada") },
        Guest { password: secret("ada@example.org"), ..guest("ada") },
    ];
    for guest in wrong {
        let error = bench.links.accept(carried(&made), &guest, &visitor()).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::InvalidInput, "{error}");
        assert!(error.to_string().ends_with("The link can still be used"), "{error}");
    }
    assert_eq!(bench.passwords.computed(), 0);
    assert!(!matches!(LinkError::from(PasswordError::Busy), LinkError::Invalid));
    bench.links.accept(carried(&made), &guest("ada"), &visitor()).await.unwrap();
}

/// Tried by leaving out in storage that a link was used: the test failed.
async fn of_many_who_open_a_link_at_the_same_time_one_is_signed_in(bench: Bench) {
    let made = bench.links.for_owner(&Act::OPERATOR).await.unwrap();
    let (bench, text) = (Arc::new(bench), carried(&made).to_owned());
    let mut all = JoinSet::new();
    for number in 0..10 {
        let (bench, text) = (bench.clone(), text.clone());
        let guest = guest(&format!("guest{number}"));
        all.spawn(async move { bench.links.accept(&text, &guest, &visitor()).await });
    }
    let (done, refused): (Vec<_>, Vec<_>) = all.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 9));
    assert!(refused.iter().all(|one| matches!(one, Err(LinkError::Invalid))), "{refused:?}");
    assert_eq!(bench.db.people(9, None).await.unwrap().items.len(), 1);
}

/// Tried by storing the secret in place of its hash: the test failed.
async fn of_a_link_only_its_hash_is_kept(bench: Bench) {
    let made = bench.links.for_owner(&Act::OPERATOR).await.unwrap();
    assert!(carried(&made).starts_with("col_") && carried(&made).len() == 47, "{}", carried(&made));
    assert!(!format!("{made:?} {:?}", bench.links).contains(&carried(&made)[4..]));
    assert_eq!(bench.db.open_link(carried(&made)).await.unwrap(), None);
    let hash = cofounder_domain::content_hash(carried(&made).as_bytes());
    assert_eq!(bench.db.open_link(&hash).await.unwrap(), Some(made.link));
}
