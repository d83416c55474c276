//! The audit log: each change with who made it, in the same transaction, and for good.

use cofounder_domain::{PersonId, Role, Status, TokenId};
use cofounder_storage::{
    Act, Actor, ActorKind, AuditFilter, AuditLine, LinkPurpose, NewPerson, StorageError, Terms,
};

use crate::{
    Bench,
    accounts::{account, take},
    brief,
    links::{link, said},
    on_both_databases,
    people::{self, email, new_session, renamed},
    schedules::rule,
    tokens,
};

on_both_databases! {
    every_change_leaves_a_line_of_who_made_it,
    who_comes_by_a_link_is_known_from_then_on,
    a_change_that_was_refused_leaves_none,
    lines_are_found_by_who_what_and_which_the_newest_first,
    a_line_is_never_changed_and_never_gone,
    nobody_changes_what_is_not_any_more_what_they_saw,
}

async fn all(bench: &Bench) -> Vec<AuditLine> {
    bench.db.audit(100, None, &AuditFilter::default()).await.unwrap().items
}

fn person(bench: &Bench, name: &str) -> Act {
    let actor = Actor::Person(PersonId::new(bench.db.now()), name.to_owned());
    Act { address: "192.0.2.1".to_owned(), request: "r-1".to_owned(), ..Act::of(actor) }
}

/// The doors of tasks, tokens, schedules, people, sessions, links and budgets, each with the line that it leaves.
async fn every_change_leaves_a_line_of_who_made_it(bench: Bench) {
    let act = person(&bench, "Ada");
    let by = bench.db.by(&act);
    let task = by.create_task(&brief(), &[], &Terms::default()).await.unwrap().id;
    by.move_task(task, Status::OnHold, "later").await.unwrap();
    by.release_task(task).await.unwrap();
    by.move_task(task, Status::Cancelled, "no more").await.unwrap();
    by.retry_task(task, None).await.unwrap();
    let token = by.create_token(&tokens::new(&bench, "ci")).await.unwrap().id;
    by.revoke_token(token).await.unwrap();
    by.add_schedule(&rule("weekly", None)).await.unwrap();
    by.remove_schedule("weekly").await.unwrap();
    let new = NewPerson { email: email("bo"), name: "bo".into(), role: Role::Owner, password_hash: None };
    let bo = by.create_person(&new).await.unwrap();
    by.change_person(bo.id, &renamed("Bob"), None).await.unwrap();
    let session = by.create_session(bo.id, 2, &new_session(&bench, "s")).await.unwrap().id;
    by.revoke_session(bo.id, session).await.unwrap();
    by.create_session(bo.id, 2, &new_session(&bench, "t")).await.unwrap();
    by.revoke_sessions(bo.id, None).await.unwrap();
    let guest = cofounder_storage::NewLink {
        email: Some(email("guest")),
        ..link(&bench, "l", LinkPurpose::Invitation)
    };
    by.create_link(&guest).await.unwrap();
    by.withdraw_links(LinkPurpose::Invitation, guest.email.as_ref()).await.unwrap();
    take(&bench.db, &account("site:1"), "ended", 10).await;
    by.reconcile(&account("site:1"), "ended").await.unwrap();
    let lines = all(&bench).await;
    let told: Vec<&str> = lines.iter().rev().map(|line| line.action.as_str()).collect();
    let expected = "task.create task.hold task.release task.cancel task.retry token.create token.revoke schedule.create
        schedule.delete person.create person.change session.begin session.end session.begin session.end link.invitation
        link.withdraw budget.reconcile";
    assert_eq!(told, expected.split_whitespace().collect::<Vec<_>>());
    for line in &lines {
        assert_eq!((line.actor, line.actor_name.as_str()), (ActorKind::Person, "Ada"), "{line:?}");
        assert_eq!((line.address.as_str(), line.request.as_str()), ("192.0.2.1", "r-1"), "{line:?}");
        assert_eq!(line.at, bench.db.now());
    }
    let change = lines.iter().find(|line| line.action == "person.change").unwrap();
    assert_eq!((change.kind.as_str(), &change.object), ("person", &bo.id.to_string()));
    assert_eq!(change.detail, "name bo → Bob");
}

async fn who_comes_by_a_link_is_known_from_then_on(bench: Bench) {
    bench.db.by(&Act::OPERATOR).create_link(&link(&bench, "l", LinkPurpose::Owner)).await.unwrap();
    let act = Act::VISITOR;
    let visitor = bench.db.by(&act);
    let session = new_session(&bench, "s");
    let (ada, _) = visitor.accept_link("l", &said("Ada"), &session).await.unwrap().unwrap();
    let line = all(&bench).await.swap_remove(0);
    assert_eq!((line.action.as_str(), line.actor), ("link.accept", ActorKind::Person));
    assert_eq!((line.actor_id, line.actor_name), (Some(ada.id.to_string()), "Ada".to_owned()));
    visitor.create_session(ada.id, 1, &new_session(&bench, "t")).await.unwrap();
    let line = all(&bench).await.swap_remove(0);
    assert_eq!((line.action.as_str(), line.actor_id), ("session.begin", Some(ada.id.to_string())));
}

async fn a_change_that_was_refused_leaves_none(bench: Bench) {
    let task = bench.task().await.id;
    let before = all(&bench).await;
    let act = person(&bench, "Ada");
    let by = bench.db.by(&act);
    by.move_task(task, Status::Published, "x").await.unwrap_err();
    by.release_task(task).await.unwrap_err();
    by.retry_task(task, None).await.unwrap_err();
    by.revoke_token(TokenId::new(bench.db.now())).await.unwrap_err();
    by.remove_schedule("none").await.unwrap_err();
    by.approve(task, None, |_| Vec::new()).await.unwrap_err();
    assert_eq!(all(&bench).await, before);
    // What is done already is not done again.
    let token = by.create_token(&tokens::new(&bench, "ci")).await.unwrap().id;
    by.revoke_token(token).await.unwrap();
    let before = all(&bench).await;
    by.revoke_token(token).await.unwrap();
    assert_eq!(all(&bench).await, before);
}

async fn lines_are_found_by_who_what_and_which_the_newest_first(bench: Bench) {
    let (ada, bo) = (person(&bench, "Ada"), person(&bench, "Bo"));
    let one = bench.db.by(&ada).create_task(&brief(), &[], &Terms::default()).await.unwrap().id;
    let two = bench.db.by(&bo).create_task(&brief(), &[], &Terms::default()).await.unwrap().id;
    bench.db.by(&bo).move_task(one, Status::OnHold, "later").await.unwrap();
    let found = async |filter: AuditFilter| {
        let lines = bench.db.audit(100, None, &filter).await.unwrap().items;
        lines
            .into_iter()
            .map(|line| format!("{} {} {}", line.actor_name, line.action, line.object))
            .collect::<Vec<_>>()
    };
    let (first, second) = (format!("Ada task.create {one}"), format!("Bo task.create {two}"));
    let third = format!("Bo task.hold {one}");
    let all = AuditFilter::default();
    assert_eq!(found(all.clone()).await, [third.as_str(), &second, &first]);
    let Actor::Person(id, _) = bo.actor else { panic!() };
    assert_eq!(
        found(AuditFilter { actor: Some(id.to_string()), ..all.clone() }).await,
        [third.as_str(), &second]
    );
    assert_eq!(
        found(AuditFilter { object: Some(one.to_string()), ..all.clone() }).await,
        [third.as_str(), &first]
    );
    assert_eq!(
        found(AuditFilter { action: Some("task.create".into()), ..all.clone() }).await,
        [second.as_str(), &first]
    );
    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let page = bench.db.audit(1, cursor.as_deref(), &all).await.unwrap();
        pages.extend(page.items.into_iter().map(|line| line.action));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, ["task.hold", "task.create", "task.create"]);
    assert!(matches!(bench.db.audit(1, Some("x"), &all).await, Err(StorageError::Cursor(_))));
}

async fn a_line_is_never_changed_and_never_gone(bench: Bench) {
    bench.task().await;
    let before = all(&bench).await;
    for text in ["UPDATE audit_log SET actor_name = 'x'", "DELETE FROM audit_log"] {
        let told = bench.raw(text).await.unwrap_err().to_string();
        assert!(told.contains("the audit log is not changed"), "{told}");
    }
    assert_eq!(all(&bench).await, before);
}

async fn nobody_changes_what_is_not_any_more_what_they_saw(bench: Bench) {
    let task = bench.task().await;
    let seen = u64::try_from(task.events).unwrap();
    let stale = Act::OPERATOR.seeing(seen + 1);
    let by = bench.db.by(&stale);
    let told = [
        by.move_task(task.id, Status::OnHold, "x").await.unwrap_err(),
        by.release_task(task.id).await.unwrap_err(),
        by.retry_task(task.id, None).await.unwrap_err(),
        by.approve(task.id, None, |_| Vec::new()).await.unwrap_err(),
    ];
    for error in told {
        assert!(matches!(error, StorageError::Changed { what: "task", .. }), "{error}");
    }
    assert_eq!(bench.db.task(task.id).await.unwrap(), task);
    let either = Act { seen: Some(vec![seen + 1, seen]), ..Act::OPERATOR };
    bench.db.by(&either).move_task(task.id, Status::OnHold, "x").await.unwrap();
    let ada = people::person(&bench, "ada", Role::Owner).await;
    let error = bench.db.by(&stale).change_person(ada.id, &renamed("A"), None).await.unwrap_err();
    assert!(matches!(error, StorageError::Changed { what: "person", .. }), "{error}");
}
