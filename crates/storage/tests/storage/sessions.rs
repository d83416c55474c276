//! Sessions, as the database keeps them.

use cofounder_domain::{PersonId, Role};
use cofounder_storage::{Act, NewSession, PersonChange, Replacement, Session, StorageError};
use std::time::Duration;
use tokio::task::JoinSet;

use crate::{
    Bench, on_both_databases,
    people::{DAY, hash, new_session, person, session, valid},
};

on_both_databases! {
    a_session_is_found_by_its_hash_with_all_that_was_said_of_it,
    sessions_are_listed_the_newest_first_while_they_are_valid,
    a_session_is_ended_by_its_own_person_alone,
    all_but_one_are_ended,
    of_many_who_replace_a_session_one_does,
    the_last_use_is_written_once_a_minute_and_never_past_the_end,
    what_has_ended_is_swept,
}

const SECOND: Duration = Duration::from_secs(1);

async fn found(bench: &Bench, secret: &str) -> Session {
    bench.db.session_by_hash(&format!("hash of {secret}")).await.unwrap().unwrap().session
}

async fn a_session_is_found_by_its_hash_with_all_that_was_said_of_it(bench: Bench) {
    let (ada, now) = (person(&bench, "ada", Role::Editor).await, bench.db.now());
    let made = session(&bench, &ada, "one").await;
    assert_eq!((made.person, made.created_at, made.last_seen_at), (ada.id, now, now));
    assert_eq!((made.idle_until, made.expires_at), (now + 14 * DAY, now + 90 * DAY));
    assert_eq!((made.address.as_str(), made.agent.as_str(), made.revoked_at), ("192.0.2.7", "Firefox", None));
    let found = bench.db.session_by_hash("hash of one").await.unwrap().unwrap();
    assert_eq!((found.session, found.name.as_str(), found.role), (made, "ada", Role::Editor));
    assert!(!found.disabled);
    assert_eq!(bench.db.session_by_hash("one").await.unwrap(), None);
    let same = bench.db.by(&Act::OPERATOR).create_session(ada.id, 1, &new_session(&bench, "one")).await;
    assert!(same.is_err(), "one hash, one session");
    let short = NewSession { idle_until: now + 99 * DAY, ..new_session(&bench, "two") };
    assert_eq!(
        bench.db.by(&Act::OPERATOR).create_session(ada.id, 1, &short).await.unwrap().idle_until,
        now + 90 * DAY
    );
    let nobody = bench
        .db
        .by(&Act::OPERATOR)
        .create_session(PersonId::new(now), 1, &new_session(&bench, "three"))
        .await;
    assert!(matches!(nobody, Err(StorageError::NotFound { what: "person", .. })), "{nobody:?}");
}

/// Tried by leaving out each of the two conditions: the test failed each time.
async fn sessions_are_listed_the_newest_first_while_they_are_valid(bench: Bench) {
    let (ada, bo) = (person(&bench, "ada", Role::Owner).await, person(&bench, "bo", Role::Viewer).await);
    let mut made = Vec::new();
    for number in 0..5 {
        bench.clock.advance(DAY);
        made.insert(0, session(&bench, &ada, &number.to_string()).await);
    }
    session(&bench, &bo, "his").await;
    let first = bench.db.sessions(ada.id, 3, None).await.unwrap();
    assert_eq!(first.items, made[..3]);
    let rest = bench.db.sessions(ada.id, 3, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((rest.items.as_slice(), rest.next_cursor), (&made[3..], None));
    assert!(matches!(bench.db.sessions(ada.id, 3, Some("x")).await, Err(StorageError::Cursor(_))));
    bench.db.by(&Act::OPERATOR).revoke_session(ada.id, made[0].id).await.unwrap();
    bench.clock.advance(11 * DAY);
    assert_eq!(valid(&bench, ada.id).await, made[1..3], "the others were idle for too long");
}

/// Tried by leaving the person out of the condition: the test failed.
async fn a_session_is_ended_by_its_own_person_alone(bench: Bench) {
    let (ada, bo) = (person(&bench, "ada", Role::Owner).await, person(&bench, "bo", Role::Viewer).await);
    let hers = session(&bench, &ada, "hers").await;
    let error = bench.db.by(&Act::OPERATOR).revoke_session(bo.id, hers.id).await.unwrap_err();
    assert!(matches!(error, StorageError::NotFound { what: "session", .. }), "{error}");
    let instead = Replacement { old: hers.id, new: new_session(&bench, "his") };
    let change = PersonChange { role: Some(Role::Editor), ..PersonChange::default() };
    let error = bench.db.by(&Act::OPERATOR).change_person(bo.id, &change, Some(&instead)).await.unwrap_err();
    assert!(matches!(error, StorageError::NotFound { what: "session", .. }), "{error}");
    assert_eq!(found(&bench, "hers").await, hers);
    let ended = bench.db.by(&Act::OPERATOR).revoke_session(ada.id, hers.id).await.unwrap();
    assert_eq!(ended.revoked_at, Some(bench.db.now()));
    bench.clock.advance(DAY);
    assert_eq!(bench.db.by(&Act::OPERATOR).revoke_session(ada.id, hers.id).await.unwrap(), ended);
}

async fn all_but_one_are_ended(bench: Bench) {
    let (ada, bo) = (person(&bench, "ada", Role::Owner).await, person(&bench, "bo", Role::Viewer).await);
    let mut made = Vec::new();
    for secret in ["1", "2", "3"] {
        made.push(session(&bench, &ada, secret).await);
    }
    let his = session(&bench, &bo, "his").await;
    assert_eq!(bench.db.by(&Act::OPERATOR).revoke_sessions(ada.id, Some(made[1].id)).await.unwrap(), 2);
    assert_eq!(valid(&bench, ada.id).await, [made[1].clone()]);
    assert_eq!(bench.db.by(&Act::OPERATOR).revoke_sessions(ada.id, None).await.unwrap(), 1);
    assert_eq!((valid(&bench, ada.id).await, valid(&bench, bo.id).await), (vec![], vec![his]));
}

/// Tried by leaving `revoked_at IS NULL` out of `replace`: the test failed.
async fn of_many_who_replace_a_session_one_does(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    let (old, programs) = (session(&bench, &ada, "old").await, [bench.db.clone(), bench.another().await]);
    let mut all = JoinSet::new();
    for number in 0..10 {
        let (db, new) = (programs[number % 2].clone(), new_session(&bench, &number.to_string()));
        let instead = Replacement { old: old.id, new };
        let password_hash = Some(hash(&number.to_string()));
        let change = PersonChange { password_hash, ..PersonChange::default() };
        all.spawn(
            async move { db.by(&Act::OPERATOR).change_person(old.person, &change, Some(&instead)).await },
        );
    }
    let done: Vec<_> = all.join_all().await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(valid(&bench, ada.id).await, [done[0].session.clone().unwrap()]);
}

/// Tried by leaving out each of the three conditions and the smaller of the two ends: the test failed each time.
async fn the_last_use_is_written_once_a_minute_and_never_past_the_end(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    let (one, two) = (session(&bench, &ada, "1").await, session(&bench, &ada, "2").await);
    let (begun, ended) = (bench.db.now(), session(&bench, &ada, "3").await);
    bench.db.by(&Act::OPERATOR).revoke_session(ada.id, ended.id).await.unwrap();
    bench.db.touch_sessions(&[]).await.unwrap();
    let early = begun + 59 * SECOND;
    bench.db.touch_sessions(&[(one.id, early, early + DAY)]).await.unwrap();
    assert_eq!(found(&bench, "1").await, one, "within the minute");
    let later = begun + 60 * SECOND;
    let seen =
        [(one.id, early, early + DAY), (one.id, later, later + 14 * DAY), (ended.id, later, later + DAY)];
    bench.db.touch_sessions(&seen).await.unwrap();
    let after = found(&bench, "1").await;
    assert_eq!((after.last_seen_at, after.idle_until), (later, later + 14 * DAY));
    assert_eq!((found(&bench, "2").await, found(&bench, "3").await.last_seen_at), (two.clone(), begun));
    let last = begun + 10 * DAY;
    bench.db.touch_sessions(&[(two.id, last, last + 99 * DAY)]).await.unwrap();
    assert_eq!(found(&bench, "2").await.idle_until, two.expires_at);
    bench.clock.advance(20 * DAY);
    bench.db.touch_sessions(&[(one.id, last, last + 14 * DAY)]).await.unwrap();
    assert_eq!(found(&bench, "1").await, after, "who comes too late does not begin it again");
}

async fn what_has_ended_is_swept(bench: Bench) {
    let ada = person(&bench, "ada", Role::Owner).await;
    let idle = session(&bench, &ada, "1").await;
    bench.clock.advance(DAY);
    let valid_one = session(&bench, &ada, "2").await;
    bench.clock.advance(13 * DAY);
    assert_eq!(bench.db.sweep_sign_ins(idle.idle_until, 9).await.unwrap(), 0, "not before it ends");
    assert_eq!(bench.db.sweep_sign_ins(idle.idle_until + SECOND, 9).await.unwrap(), 1);
    assert_eq!(bench.db.session_by_hash("hash of 1").await.unwrap(), None);
    assert_eq!(found(&bench, "2").await, valid_one);
    for secret in ["3", "4", "5"] {
        session(&bench, &ada, secret).await;
    }
    bench.clock.advance(99 * DAY);
    assert_eq!(bench.db.sweep_sign_ins(bench.db.now(), 3).await.unwrap(), 3, "at most so many");
    assert_eq!(bench.db.sweep_sign_ins(bench.db.now(), 3).await.unwrap(), 1);
}
