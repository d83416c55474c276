//! Accounts are linked by the person who is signed in, and by nobody else.

use super::*;
use crate::on_both_databases;
use cofounder_domain::FaultKind;

on_both_databases! {
    an_account_with_the_address_of_a_person_is_not_theirs,
    who_is_signed_in_links_an_account_and_signs_in_with_it,
    nobody_links_for_another_or_after_signing_out,
    an_account_is_linked_to_one_person,
}

async fn an_account_with_the_address_of_a_person_is_not_theirs(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let ada = doors.bench.person("ada", Role::Owner).await;
    for provider in ["acme", "github"] {
        let error = doors.sign_in(provider).await.unwrap_err();
        assert!(matches!(error, ElsewhereError::NotLinked(_)), "{error}");
        assert!(error.to_string().contains("sign in as before, and link the account then"), "{error}");
        assert_eq!(error.kind(), FaultKind::Conflict);
    }
    assert_eq!(doors.bench.db.identities(ada.id).await.unwrap(), []);
    assert_eq!(doors.bench.sessions.list(ada.id, 9, None).await.unwrap().items, []);
}

async fn who_is_signed_in_links_an_account_and_signs_in_with_it(bench: Bench) {
    let doors = Doors::new(bench).await;
    let ada = doors.bench.person("ada", Role::Owner).await;
    doors.provider.account(Account {
        subject: 9,
        email: "a@elsewhere.example".to_owned(),
        verified: false,
        name: String::new(),
    });
    for provider in ["acme", "github"] {
        let away = doors.away(provider, Some(ada.id)).await;
        let finished = doors
            .elsewhere
            .finish(provider, &away.returned(), Some(&away.cookie), Some(ada.id), &visitor())
            .await;
        let Outcome::Linked(linked) = finished.unwrap().outcome else { panic!("it is no sign-in") };
        assert_eq!((linked.person, linked.subject.as_str(), linked.email), (ada.id, "9", None));
        assert_eq!(doors.sign_in(provider).await.unwrap().person, ada);
    }
}

/// Tried by linking whatever a state says: the test failed.
async fn nobody_links_for_another_or_after_signing_out(bench: Bench) {
    let doors = Doors::new(bench).await;
    let (ada, bo) =
        (doors.bench.person("ada", Role::Owner).await, doors.bench.person("bo", Role::Writer).await);
    for now in [None, Some(bo.id)] {
        let away = doors.away("acme", Some(ada.id)).await;
        let error = doors
            .elsewhere
            .finish("acme", &away.returned(), Some(&away.cookie), now, &visitor())
            .await
            .unwrap_err();
        assert!(matches!(error, ElsewhereError::NotSignedIn), "{error}");
    }
    for person in [ada, bo] {
        assert_eq!(doors.bench.db.identities(person.id).await.unwrap(), []);
    }
}

async fn an_account_is_linked_to_one_person(bench: Bench) {
    let doors = Doors::new(bench).await;
    let link = async |person: PersonId| {
        let away = doors.away("acme", Some(person)).await;
        doors.elsewhere.finish("acme", &away.returned(), Some(&away.cookie), Some(person), &visitor()).await
    };
    let (ada, bo) =
        (doors.bench.person("ada", Role::Owner).await, doors.bench.person("bo", Role::Writer).await);
    link(ada.id).await.unwrap();
    let error = link(bo.id).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Conflict, "{error}");
    assert_eq!(doors.sign_in("acme").await.unwrap().person.id, ada.id);
}
