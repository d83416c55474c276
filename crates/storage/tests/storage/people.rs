//! People who sign in: an owner stays, and what changes of a person ends what was open to them.

use cofounder_domain::{Email, PersonId, Role};
use cofounder_storage::{
    Act, Actor, Database, LinkPurpose, NewLink, NewPerson, NewSession, PasswordHash, Person, PersonChange,
    Replacement, Session, StorageError,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

use crate::{Bench, on_both_databases};

on_both_databases! {
    a_person_is_found_with_all_that_was_said_of_them,
    no_two_have_one_address,
    people_are_listed_the_newest_first,
    the_last_owner_who_can_sign_in_stays_one,
    of_two_owners_who_demote_each_other_at_the_same_time_one_stays,
    a_change_of_what_has_changed_since_is_refused,
    a_new_role_a_new_password_and_being_disabled_end_all_sessions,
    a_new_name_ends_none,
    a_named_session_goes_on_as_a_new_one_and_no_longer_than_it_would_have,
    a_session_that_has_ended_is_replaced_by_none_and_then_nothing_changes,
    no_session_is_begun_unseen_while_all_are_ended,
    links_that_could_undo_a_change_are_gone,
    a_password_is_rehashed_only_if_it_is_still_the_same,
    the_database_takes_no_role_that_is_none_and_no_session_without_an_end,
}

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn email(name: &str) -> Email {
    format!("{name}@example.org").parse().unwrap()
}

pub(crate) fn hash(text: &str) -> PasswordHash {
    PasswordHash::new(text.to_owned())
}

pub(crate) async fn person(bench: &Bench, name: &str, role: Role) -> Person {
    let password_hash = Some(hash(name));
    bench
        .db
        .by(&Act::OPERATOR)
        .create_person(&NewPerson { email: email(name), name: name.to_owned(), role, password_hash })
        .await
        .unwrap()
}

pub(crate) fn new_session(bench: &Bench, secret: &str) -> NewSession {
    NewSession {
        hash: format!("hash of {secret}"),
        idle_until: bench.db.now() + 14 * DAY,
        expires_at: bench.db.now() + 90 * DAY,
        address: "192.0.2.7".to_owned(),
        agent: "Firefox".to_owned(),
    }
}

pub(crate) async fn session(bench: &Bench, of: &Person, secret: &str) -> Session {
    let version = bench.db.person(of.id).await.unwrap().version;
    bench.db.by(&Act::OPERATOR).create_session(of.id, version, &new_session(bench, secret)).await.unwrap()
}

/// The sessions of a person that are valid.
pub(crate) async fn valid(bench: &Bench, of: PersonId) -> Vec<Session> {
    bench.db.sessions(of, 99, None).await.unwrap().items
}

fn role(role: Role) -> PersonChange {
    PersonChange { role: Some(role), ..PersonChange::default() }
}

fn disabled(disabled: bool) -> PersonChange {
    PersonChange { disabled: Some(disabled), ..PersonChange::default() }
}

pub(crate) fn renamed(name: &str) -> PersonChange {
    PersonChange { name: Some(name.to_owned()), ..PersonChange::default() }
}

async fn a_person_is_found_with_all_that_was_said_of_them(bench: Bench) {
    assert!(!bench.db.has_owner().await.unwrap());
    let (ada, now) = (person(&bench, "ada", Role::Owner).await, bench.db.now());
    assert_eq!((ada.email.as_str(), ada.name.as_str(), ada.role), ("ada@example.org", "ada", Role::Owner));
    assert_eq!((ada.has_password, ada.disabled_at, ada.version), (true, None, 1));
    assert_eq!((ada.created_at, ada.updated_at), (now, now));
    assert_eq!(bench.db.person(ada.id).await.unwrap(), ada);
    let found = bench.db.credentials(&email("ada")).await.unwrap().unwrap();
    assert_eq!((&found.person, &found.password_hash), (&ada, &Some(hash("ada"))));
    assert!(!format!("{found:?} {}", serde_json::to_string(&ada).unwrap()).contains("PasswordHash(\""));
    assert_eq!(bench.db.credentials(&email("eve")).await.unwrap(), None);
    assert!(bench.db.has_owner().await.unwrap());
    let nobody = bench.db.person(PersonId::new(now)).await;
    assert!(matches!(nobody, Err(StorageError::NotFound { what: "person", .. })), "{nobody:?}");
    let new =
        NewPerson { email: email("bo"), name: "Bo".to_owned(), role: Role::Viewer, password_hash: None };
    assert!(!bench.db.by(&Act::OPERATOR).create_person(&new).await.unwrap().has_password);
}

async fn no_two_have_one_address(bench: Bench) {
    person(&bench, "ada", Role::Owner).await;
    let again = NewPerson {
        email: " ADA@example.ORG".parse().unwrap(),
        name: "Other".to_owned(),
        role: Role::Viewer,
        password_hash: None,
    };
    let error = bench.db.by(&Act::OPERATOR).create_person(&again).await.unwrap_err();
    assert!(matches!(error, StorageError::Conflict(_)), "{error}");
    assert_eq!(bench.db.people(9, None).await.unwrap().items.len(), 1);
}

async fn people_are_listed_the_newest_first(bench: Bench) {
    let mut made = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        bench.clock.advance(DAY);
        made.insert(0, person(&bench, name, Role::Writer).await);
    }
    let first = bench.db.people(3, None).await.unwrap();
    assert_eq!(first.items, made[..3]);
    let rest = bench.db.people(3, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((rest.items.as_slice(), rest.next_cursor), (&made[3..], None));
    assert!(matches!(bench.db.people(3, Some("x")).await, Err(StorageError::Cursor(_))));
}

/// Tried by leaving `keep_an_owner` out, and by counting owners who are disabled: the test failed each time.
async fn the_last_owner_who_can_sign_in_stays_one(bench: Bench) {
    let (ada, bo) = (person(&bench, "ada", Role::Owner).await, person(&bench, "bo", Role::Owner).await);
    bench.db.by(&Act::OPERATOR).change_person(bo.id, &disabled(true), None).await.unwrap();
    for change in
        [role(Role::Editor), disabled(true), PersonChange { disabled: Some(true), ..role(Role::Owner) }]
    {
        let error = bench.db.by(&Act::OPERATOR).change_person(ada.id, &change, None).await.unwrap_err();
        assert!(matches!(error, StorageError::Conflict(_)), "{error}");
        assert!(error.to_string().contains("last owner"), "{error}");
        assert_eq!(bench.db.person(ada.id).await.unwrap(), ada);
    }
    bench.db.by(&Act::OPERATOR).change_person(ada.id, &renamed("Ada"), None).await.unwrap();
    bench.db.by(&Act::OPERATOR).change_person(bo.id, &disabled(false), None).await.unwrap();
    let after =
        bench.db.by(&Act::OPERATOR).change_person(ada.id, &role(Role::Viewer), None).await.unwrap().person;
    assert_eq!((after.role, after.version), (Role::Viewer, 3));
    bench.db.by(&Act::OPERATOR).change_person(bo.id, &disabled(true), None).await.unwrap_err();
}

/// Tried by leaving `alone` out of `change_person`: the test failed on PostgreSQL, where both were demoted.
async fn of_two_owners_who_demote_each_other_at_the_same_time_one_stays(bench: Bench) {
    let programs = [bench.db.clone(), bench.another().await];
    for round in 0..8 {
        let names = [format!("a{round}"), format!("b{round}")];
        let two =
            [person(&bench, &names[0], Role::Owner).await, person(&bench, &names[1], Role::Owner).await];
        let owners = async || {
            let all = bench.db.people(99, None).await.unwrap().items;
            all.into_iter().filter(|p| p.role == Role::Owner && p.disabled_at.is_none()).collect::<Vec<_>>()
        };
        for other in owners().await.iter().filter(|p| !two.contains(p)) {
            bench.db.by(&Act::OPERATOR).change_person(other.id, &role(Role::Editor), None).await.unwrap();
        }
        let mut both = JoinSet::new();
        for (db, person) in programs.iter().zip(&two) {
            let change = if round % 2 == 0 { role(Role::Editor) } else { disabled(true) };
            let (db, id): (Arc<Database>, _) = (db.clone(), person.id);
            both.spawn(async move { db.by(&Act::OPERATOR).change_person(id, &change, None).await });
        }
        let done = both.join_all().await;
        assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
        assert_eq!(owners().await.len(), 1);
    }
}

/// Tried by leaving the comparison out: the test failed.
async fn a_change_of_what_has_changed_since_is_refused(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    bench.clock.advance(DAY);
    let changed = bench
        .db
        .by(&Act::OPERATOR.seeing(1))
        .change_person(ada.id, &renamed("Ada"), None)
        .await
        .unwrap()
        .person;
    let expected = Person { name: "Ada".to_owned(), updated_at: bench.db.now(), version: 2, ..ada.clone() };
    assert_eq!(changed, expected);
    let error = bench
        .db
        .by(&Act::OPERATOR.seeing(1))
        .change_person(ada.id, &renamed("Other"), None)
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::Changed { what: "person", .. }), "{error}");
    assert_eq!(bench.db.person(ada.id).await.unwrap(), changed);
    bench.clock.advance(DAY);
    let same = bench
        .db
        .by(&Act::OPERATOR.seeing(2))
        .change_person(ada.id, &renamed("Ada"), None)
        .await
        .unwrap()
        .person;
    assert_eq!(same, changed, "what is so already changes nothing");
    let error =
        bench.db.by(&Act::OPERATOR).create_session(ada.id, 1, &new_session(&bench, "old")).await.unwrap_err();
    assert!(matches!(error, StorageError::Changed { .. }), "{error}");
}

/// Tried by leaving out each of the three: the test failed each time.
async fn a_new_role_a_new_password_and_being_disabled_end_all_sessions(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    let bo = person(&bench, "bo", Role::Writer).await;
    let other = session(&bench, &ada, "ada's").await;
    let password = PersonChange { password_hash: Some(hash("new")), ..PersonChange::default() };
    for (number, change) in [role(Role::Viewer), password, disabled(true)].into_iter().enumerate() {
        let secrets = [format!("one {number}"), format!("two {number}")];
        session(&bench, &bo, &secrets[0]).await;
        session(&bench, &bo, &secrets[1]).await;
        let changed = bench.db.by(&Act::OPERATOR).change_person(bo.id, &change, None).await.unwrap();
        assert!(changed.signed_out && changed.session.is_none());
        assert_eq!(valid(&bench, bo.id).await, []);
        for secret in secrets {
            let found = bench.db.session_by_hash(&format!("hash of {secret}")).await.unwrap().unwrap();
            assert_eq!(found.session.revoked_at, Some(bench.db.now()));
        }
    }
    let version = bench.db.person(bo.id).await.unwrap().version;
    let error = bench
        .db
        .by(&Act::OPERATOR)
        .create_session(bo.id, version, &new_session(&bench, "three"))
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::Conflict(_)), "{error}");
    assert_eq!(valid(&bench, ada.id).await, [other], "nobody else's");
}

async fn a_new_name_ends_none(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    let kept = session(&bench, &ada, "one").await;
    let changed = bench.db.by(&Act::OPERATOR).change_person(ada.id, &renamed("Ada"), None).await.unwrap();
    assert!(!changed.signed_out);
    bench.db.by(&Act::OPERATOR).change_person(ada.id, &role(Role::Owner), None).await.unwrap();
    bench.db.by(&Act::OPERATOR).change_person(ada.id, &disabled(false), None).await.unwrap();
    assert_eq!(valid(&bench, ada.id).await, [kept]);
}

/// Tried by giving the new session its own end: the test failed.
async fn a_named_session_goes_on_as_a_new_one_and_no_longer_than_it_would_have(bench: Bench) {
    let bo = person(&bench, "bo", Role::Writer).await;
    let (old, _) = (session(&bench, &bo, "one").await, session(&bench, &bo, "two").await);
    bench.clock.advance(10 * DAY);
    let instead = Replacement { old: old.id, new: new_session(&bench, "three") };
    let changed =
        bench.db.by(&Act::OPERATOR).change_person(bo.id, &role(Role::Editor), Some(&instead)).await.unwrap();
    let new = changed.session.unwrap();
    assert_eq!(valid(&bench, bo.id).await, std::slice::from_ref(&new));
    assert_eq!((new.expires_at, new.idle_until), (old.expires_at, instead.new.idle_until));
    let found = bench.db.session_by_hash("hash of three").await.unwrap().unwrap();
    assert_eq!((found.role, found.session), (Role::Editor, new.clone()));
    assert!(bench.db.session_by_hash("hash of one").await.unwrap().unwrap().session.revoked_at.is_some());
    let instead = Replacement { old: new.id, new: new_session(&bench, "four") };
    let changed =
        bench.db.by(&Act::OPERATOR).change_person(bo.id, &disabled(true), Some(&instead)).await.unwrap();
    assert_eq!((changed.session, valid(&bench, bo.id).await), (None, vec![]), "who cannot sign in has none");
}

async fn a_session_that_has_ended_is_replaced_by_none_and_then_nothing_changes(bench: Bench) {
    let (ada, bo) = (person(&bench, "ada", Role::Owner).await, person(&bench, "bo", Role::Writer).await);
    let (hers, revoked) = (session(&bench, &ada, "ada's").await, session(&bench, &bo, "one").await);
    bench.db.by(&Act::OPERATOR).revoke_session(bo.id, revoked.id).await.unwrap();
    let idle = session(&bench, &bo, "two").await;
    bench.clock.advance(14 * DAY);
    for old in [hers.id, revoked.id, idle.id] {
        let instead = Replacement { old, new: new_session(&bench, "three") };
        let error = bench
            .db
            .by(&Act::OPERATOR)
            .change_person(bo.id, &role(Role::Editor), Some(&instead))
            .await
            .unwrap_err();
        assert!(matches!(error, StorageError::NotFound { what: "session", .. }), "{error}");
    }
    assert_eq!(bench.db.person(bo.id).await.unwrap(), bo);
    assert_eq!(bench.db.session_by_hash("hash of three").await.unwrap(), None);
}

/// Tried by leaving the lock on the person out of `create_session`: the test failed on PostgreSQL.
async fn no_session_is_begun_unseen_while_all_are_ended(bench: Bench) {
    let programs = [bench.db.clone(), bench.another().await];
    for round in 0..12 {
        let bo = person(&bench, &format!("bo{round}"), Role::Writer).await;
        session(&bench, &bo, &format!("old {round}")).await;
        let mut all = JoinSet::new();
        for number in 0..10 {
            let new = new_session(&bench, &format!("{round} {number}"));
            let (db, bo) = (programs[number % 2].clone(), bo.id);
            all.spawn(async move {
                match number {
                    3 => drop(
                        db.by(&Act::OPERATOR).change_person(bo, &role(Role::Editor), None).await.unwrap(),
                    ),
                    _ => drop(db.by(&Act::OPERATOR).create_session(bo, 1, &new).await),
                }
            });
        }
        all.join_all().await;
        assert_eq!(valid(&bench, bo.id).await, [], "round {round}");
    }
}

/// Tried by leaving the deletion out of `sign_out`: the test failed.
async fn links_that_could_undo_a_change_are_gone(bench: Bench) {
    let (ada, bo) = (person(&bench, "ada", Role::Owner).await, person(&bench, "bo", Role::Owner).await);
    let doing = |person: &Person| Act::of(Actor::Person(person.id, person.name.clone()));
    let link = |text: &str, purpose, email| NewLink {
        hash: text.to_owned(),
        purpose,
        email: Some(email),
        role: Some(Role::Owner),
        expires_at: bench.db.now() + DAY,
    };
    let links = [
        (link("bo's", LinkPurpose::Password, email("bo")), Act::OPERATOR),
        (link("by bo", LinkPurpose::Invitation, email("eve")), doing(&bo)),
        (link("by ada", LinkPurpose::Invitation, email("carl")), doing(&ada)),
    ];
    for (link, act) in &links {
        bench.db.by(act).create_link(link).await.unwrap();
    }
    bench.db.by(&Act::OPERATOR).change_person(bo.id, &renamed("Bo"), None).await.unwrap();
    assert!(bench.db.open_link("bo's").await.unwrap().is_some());
    bench.db.by(&Act::OPERATOR).change_person(bo.id, &role(Role::Viewer), None).await.unwrap();
    assert_eq!(bench.db.open_link("bo's").await.unwrap(), None);
    assert_eq!(bench.db.open_link("by bo").await.unwrap(), None);
    assert!(bench.db.open_link("by ada").await.unwrap().is_some());
}

/// Tried by leaving the comparison out: the test failed.
async fn a_password_is_rehashed_only_if_it_is_still_the_same(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    let kept = async || bench.db.credentials(&email("ada")).await.unwrap().unwrap();
    bench.db.rehash_password(ada.id, &hash("another"), &hash("stale")).await.unwrap();
    assert_eq!(kept().await.password_hash, Some(hash("ada")));
    bench.db.rehash_password(ada.id, &hash("ada"), &hash("ada, dearer")).await.unwrap();
    assert_eq!(kept().await.password_hash, Some(hash("ada, dearer")));
    assert_eq!(kept().await.person, ada, "nothing that others can see");
}

async fn the_database_takes_no_role_that_is_none_and_no_session_without_an_end(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    session(&bench, &ada, "one").await;
    let wrong = [
        "UPDATE people SET role = 'admin'",
        "UPDATE people SET role = NULL",
        "UPDATE sessions SET expires_at = NULL",
        "UPDATE sessions SET idle_until = NULL",
        "UPDATE sessions SET idle_until = expires_at + 1",
        "INSERT INTO one_time_links (hash, site_id, purpose, created_at, expires_at) VALUES ('h', '00000000-0000-0000-0000-000000000000', 'other', 1, 2)",
        "INSERT INTO one_time_links (hash, site_id, purpose, email, created_at, expires_at) VALUES ('h', '00000000-0000-0000-0000-000000000000', 'invitation', 'a@b', 1, 2)",
        "INSERT INTO one_time_links (hash, site_id, purpose, created_at, expires_at) VALUES ('h', '00000000-0000-0000-0000-000000000000', 'password', 1, 2)",
    ];
    for text in wrong {
        assert!(bench.raw(text).await.is_err(), "{text}");
    }
    bench.raw("UPDATE sessions SET idle_until = expires_at").await.unwrap();
}
