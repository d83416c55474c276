//! People who sign in with a password, and those who try.

use cofounder_auth::{
    Change, ChangeError, PasswordError, PasswordSettings, Passwords, People, Refusal, Role, Scope,
    SignInError, Who,
};
use cofounder_domain::FaultKind;
use cofounder_storage::{Act, NewPerson, StorageError};
use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::task::JoinSet;

use crate::{Bench, CHEAP, PASSWORD, email, on_both_databases, secret, shown, visitor, visitor_at};

on_both_databases! {
    who_knows_their_password_is_signed_in_as_what_they_are,
    who_is_not_signed_in_learns_nothing_of_who_is_here,
    ten_thousand_wrong_passwords_cost_ten_computations_and_keep_nobody_out_elsewhere,
    what_nobody_could_compare_is_not_counted_as_wrong,
    a_hash_of_other_parameters_is_made_anew_when_its_person_signs_in,
    a_new_password_wants_the_present_one_and_leaves_one_session,
    a_new_password_that_is_none_changes_nothing,
    a_new_role_ends_sessions_here_at_once,
    a_change_that_is_not_allowed_ends_nothing,
}

const DAY: Duration = Duration::from_secs(86_400);

async fn who_knows_their_password_is_signed_in_as_what_they_are(bench: Bench) {
    for (role, scope) in
        [(Role::Owner, Scope::Admin), (Role::Editor, Scope::Editor), (Role::Viewer, Scope::Viewer)]
    {
        let ada = bench.person(role.as_str(), role).await;
        let typed = format!("  {}@Example.ORG ", role.as_str().to_uppercase());
        let welcome = bench.people.sign_in(&typed, &secret(PASSWORD), &visitor()).await.unwrap();
        assert_eq!(welcome.person, ada);
        let identity = bench.sessions.verify(shown(&welcome.opened)).await.unwrap();
        let session = welcome.opened.session;
        assert_eq!(identity.who, Who::Person { person: ada.id, session: session.id });
        assert_eq!((identity.name.as_str(), identity.scopes.as_slice()), (role.as_str(), &[scope][..]));
        assert_eq!((identity.person(), identity.token()), (Some((ada.id, session.id)), None));
        assert_eq!((session.address.as_str(), session.agent.as_str()), ("198.51.100.7", "Firefox"));
        assert_eq!(bench.sessions.list(ada.id, 9, None).await.unwrap().items, [session]);
    }
}

/// Computations are counted, not timed. Tried by answering at once where there is nobody, by answering at once to who is
/// disabled, and by telling them something else: the test failed each time.
async fn who_is_not_signed_in_learns_nothing_of_who_is_here(bench: Bench) {
    bench.person("ada", Role::Owner).await;
    let bo = bench.person("bo", Role::Editor).await;
    let no_password =
        NewPerson { email: email("carl"), name: "Carl".to_owned(), role: Role::Viewer, password_hash: None };
    bench.db.by(&Act::OPERATOR).create_person(&no_password).await.unwrap();
    let disabled = Change { disabled: Some(true), ..Change::default() };
    bench.people.change(&Act::OPERATOR, bo.id, &disabled, None).await.unwrap();
    let mut told = HashSet::new();
    let tries = [
        ("ada", "wrong"),
        ("nobody", PASSWORD),
        ("carl", PASSWORD),
        ("carl", ""),
        ("bo", PASSWORD),
        ("bo", "wrong"),
    ];
    for (name, password) in tries {
        let before = bench.passwords.computed();
        let error =
            bench.people.sign_in(email(name).as_str(), &secret(password), &visitor()).await.unwrap_err();
        assert!(matches!(error, SignInError::Wrong), "{name}: {error}");
        assert_eq!(bench.passwords.computed() - before, 1, "{name}");
        told.insert((error.to_string(), error.kind()));
    }
    for wrong in ["", "ada", "ada@@example.org", "ada@example.org\0"] {
        let error =
            bench.people.sign_in(wrong, &secret(PASSWORD), &visitor_at("203.0.113.1")).await.unwrap_err();
        told.insert((error.to_string(), error.kind()));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told.iter().next().unwrap().1, FaultKind::Unauthorised);
    // Waiting does not tell, either: nobody's address is counted as a person's is.
    for name in ["ada", "nobody"] {
        let mut wrong = 0;
        for place in 0..9 {
            let from = visitor_at(&format!("10.{}.{place}.1", name.len()));
            for _ in 0..10 {
                let done = bench.people.sign_in(email(name).as_str(), &secret("wrong"), &from).await;
                wrong += usize::from(matches!(done, Err(SignInError::Wrong)));
            }
        }
        assert_eq!(wrong, 29, "{name}: one was tried above");
    }
}

/// Tried by counting a try only after it was compared, and by counting nothing: the test failed each time.
async fn ten_thousand_wrong_passwords_cost_ten_computations_and_keep_nobody_out_elsewhere(bench: Bench) {
    bench.person("ada", Role::Owner).await;
    let (bench, before) = (Arc::new(bench), 1);
    let mut all = JoinSet::new();
    for number in 0..10_000 {
        let bench = bench.clone();
        all.spawn(async move {
            let from = visitor_at(&format!("192.0.2.{}", number % 256));
            bench.people.sign_in("ada@example.org", &secret(&format!("wrong {number}")), &from).await
        });
    }
    let done = all.join_all().await;
    let wrong = done.iter().filter(|one| matches!(one, Err(SignInError::Wrong))).count();
    let waits = done.iter().filter_map(|one| match one {
        Err(SignInError::Wait(wait)) => Some(*wait),
        _ => None,
    });
    let waits: Vec<_> = waits.collect();
    assert_eq!((wrong, waits.len()), (10, 9_990));
    assert!(waits.iter().all(|wait| *wait == Duration::from_mins(1)));
    assert_eq!(bench.passwords.computed() - before, 10);
    let sign_in = async |from: &str| {
        bench.people.sign_in("ada@example.org", &secret(PASSWORD), &visitor_at(from)).await
    };
    let error = sign_in("192.0.2.1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (FaultKind::Limited, "too many wrong passwords. Try again in 60 s")
    );
    sign_in("198.51.100.7").await.unwrap();
    bench.clock.advance(Duration::from_mins(1));
    sign_in("192.0.2.1").await.unwrap();
}

/// Tried by leaving out what is given back: the test failed.
async fn what_nobody_could_compare_is_not_counted_as_wrong(bench: Bench) {
    bench.person("ada", Role::Owner).await;
    bench.line.away.store(true, Ordering::SeqCst);
    for _ in 0..50 {
        let error = bench.people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::Unavailable, "{error}");
    }
    bench.line.away.store(false, Ordering::SeqCst);
    bench.people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap();
}

/// Tried by leaving it as it is: the test failed.
async fn a_hash_of_other_parameters_is_made_anew_when_its_person_signs_in(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let dearer = Arc::new(Passwords::new(PasswordSettings { passes: 2, ..CHEAP }).unwrap());
    let people = People::new(bench.db.clone(), bench.clock.clone(), dearer.clone(), bench.sessions.clone());
    let kept = async || bench.db.credentials(&ada.email).await.unwrap().unwrap().password_hash.unwrap();
    people.sign_in("ada@example.org", &secret("wrong"), &visitor()).await.unwrap_err();
    assert!(kept().await.expose().contains("t=1"));
    let welcome = people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap();
    assert!(kept().await.expose().contains("t=2"), "{}", kept().await.expose());
    bench.sessions.verify(shown(&welcome.opened)).await.unwrap();
    let before = dearer.computed();
    people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap();
    assert_eq!(dearer.computed() - before, 1, "once is enough");
}

/// Tried by leaving the comparison out, by ending no session, and by not forgetting them here: the test failed each time.
async fn a_new_password_wants_the_present_one_and_leaves_one_session(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let (here, there) = (bench.session(&ada).await, bench.session(&ada).await);
    bench.sessions.verify(shown(&there)).await.unwrap();
    let (old, new) = (secret(PASSWORD), secret("other words that nobody guesses"));
    let at = (ada.id, here.session.id);
    let error = bench.people.change_password(at, (&new, &new), &visitor()).await.unwrap_err();
    assert!(matches!(error, SignInError::Wrong), "{error}");
    let welcome = bench.people.change_password(at, (&old, &new), &visitor()).await.unwrap();
    for secret in [shown(&here), shown(&there)] {
        assert_eq!(bench.sessions.verify(secret).await.unwrap_err().refusal(), Some(Refusal::Revoked));
    }
    bench.sessions.verify(shown(&welcome.opened)).await.unwrap();
    assert_eq!(bench.sessions.list(ada.id, 9, None).await.unwrap().items, [welcome.opened.session]);
    bench.people.sign_in("ada@example.org", &old, &visitor()).await.unwrap_err();
    bench.people.sign_in("ada@example.org", &new, &visitor()).await.unwrap();
    // Whoever took a session over cannot guess on for ever.
    let mut wrong = 0;
    for _ in 0..50 {
        let at = (ada.id, here.session.id);
        let error = bench.people.change_password(at, (&old, &new), &visitor()).await.unwrap_err();
        wrong += usize::from(matches!(error, SignInError::Wrong));
    }
    assert_eq!(wrong, 8, "two were tried above");
}

async fn a_new_password_that_is_none_changes_nothing(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let here = bench.session(&ada).await;
    let at = (ada.id, here.session.id);
    for (new, expected) in [("short", PasswordError::TooShort), ("ADA@example.org", PasswordError::TooSimple)]
    {
        let error = bench
            .people
            .change_password(at, (&secret(PASSWORD), &secret(new)), &visitor())
            .await
            .unwrap_err();
        assert!(matches!(&error, SignInError::Password(found) if *found == expected), "{error}");
        assert_eq!(error.kind(), FaultKind::InvalidInput);
    }
    bench.sessions.verify(shown(&here)).await.unwrap();
    assert_eq!(bench.db.person(ada.id).await.unwrap(), ada);
    bench.sessions.revoke(&Act::OPERATOR, ada.id, here.session.id).await.unwrap();
    let new = secret("other words that nobody guesses");
    let error = bench.people.change_password(at, (&secret(PASSWORD), &new), &visitor()).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound, "a session that has ended changes nothing: {error}");
    bench.people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap();
}

/// Tried by not forgetting them here: the test failed.
async fn a_new_role_ends_sessions_here_at_once(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let bo = bench.person("bo", Role::Owner).await;
    let (hers, his) = (bench.session(&ada).await, bench.session(&bo).await);
    for secret in [shown(&hers), shown(&his)] {
        assert!(bench.sessions.verify(secret).await.unwrap().allows(Scope::Admin));
    }
    let demoted = Change { role: Some(Role::Viewer), ..Change::default() };
    let (after, none) = bench.people.change(&Act::OPERATOR.seeing(1), bo.id, &demoted, None).await.unwrap();
    assert_eq!((after.role, none.is_none()), (Role::Viewer, true));
    assert_eq!(bench.sessions.verify(shown(&his)).await.unwrap_err().refusal(), Some(Refusal::Revoked));
    assert!(bench.sessions.verify(shown(&hers)).await.unwrap().allows(Scope::Admin), "nobody else's");
    // Who changes themselves stays signed in, by a new secret.
    bench
        .people
        .change(&Act::OPERATOR, bo.id, &Change { role: Some(Role::Owner), ..Change::default() }, None)
        .await
        .unwrap();
    let here = visitor();
    let (_, opened) =
        bench.people.change(&Act::OPERATOR, ada.id, &demoted, Some((hers.session.id, &here))).await.unwrap();
    assert_eq!(bench.sessions.verify(shown(&hers)).await.unwrap_err().refusal(), Some(Refusal::Revoked));
    let identity = bench.sessions.verify(shown(&opened.unwrap())).await.unwrap();
    assert_eq!(identity.scopes, [Scope::Viewer]);
}

async fn a_change_that_is_not_allowed_ends_nothing(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let hers = bench.session(&ada).await;
    bench.clock.advance(DAY);
    let demoted = Change { role: Some(Role::Viewer), ..Change::default() };
    let error = bench.people.change(&Act::OPERATOR, ada.id, &demoted, None).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Conflict, "{error}");
    let named = |name: &str| Change { name: Some(name.to_owned()), ..Change::default() };
    for wrong in ["", " ", "a\nb", &"n".repeat(101)] {
        let error = bench.people.change(&Act::OPERATOR, ada.id, &named(wrong), None).await.unwrap_err();
        assert!(matches!(error, ChangeError::BadName), "{error}");
    }
    let error = bench.people.change(&Act::OPERATOR.seeing(7), ada.id, &named("Ada"), None).await.unwrap_err();
    assert!(matches!(error, ChangeError::Storage(StorageError::Changed { .. })), "{error}");
    bench.sessions.verify(shown(&hers)).await.unwrap();
    let (after, none) =
        bench.people.change(&Act::OPERATOR.seeing(1), ada.id, &named(" Ada "), None).await.unwrap();
    assert_eq!((after.name.as_str(), none.is_none()), ("Ada", true));
    bench.sessions.verify(shown(&hers)).await.unwrap();
}
