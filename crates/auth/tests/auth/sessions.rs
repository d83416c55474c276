//! Sessions: whose they are, until when, and that none is anybody's but who was given it.

use cofounder_auth::{AuthError, Change, Refusal, Role, Scope, Sessions, Visitor};
use cofounder_domain::{FaultKind, content_hash};
use cofounder_storage::Act;
use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use crate::{Bench, PASSWORD, a_second, on_both_databases, order, secret, shown, text, visitor};

on_both_databases! {
    of_a_session_only_its_hash_is_kept_and_its_secret_is_never_printed,
    audit_p04_a_session_that_a_browser_brings_along_is_never_taken_over,
    a_session_is_no_token_and_a_token_is_no_session,
    a_session_that_was_ended_is_refused_here_at_once_and_elsewhere_within_a_second,
    a_session_is_ended_and_renewed_by_its_own_person_alone,
    a_renewed_session_has_a_new_secret_and_its_old_end,
    a_session_ends_when_nobody_uses_it,
    a_session_ends_however_much_it_is_used,
    its_last_use_is_written_once_a_minute,
    who_is_signed_out_learns_nothing_of_why,
    what_cannot_be_checked_lets_nobody_in,
    what_a_browser_calls_itself_is_cut,
}

const MILLI: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

async fn refusal(sessions: &Sessions, secret: &str) -> Option<Refusal> {
    match sessions.verify(secret).await {
        Ok(_) => None,
        Err(error) => Some(error.refusal().unwrap()),
    }
}

/// Tried by storing the secret in place of its hash: the test failed.
async fn of_a_session_only_its_hash_is_kept_and_its_secret_is_never_printed(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let (one, two) = (bench.session(&ada).await, bench.session(&ada).await);
    assert!(shown(&one).starts_with("cos_") && shown(&one).len() == 47, "{}", shown(&one));
    assert_ne!(shown(&one), shown(&two));
    bench.sessions.verify(shown(&one)).await.unwrap();
    let random = &shown(&one)[4..];
    assert!(!format!("{one:?} {:?} {:?}", bench.sessions, bench.people).contains(random));
    assert_eq!(bench.db.session_by_hash(shown(&one)).await.unwrap(), None);
    let kept = bench.db.session_by_hash(&content_hash(shown(&one).as_bytes())).await.unwrap().unwrap();
    assert_eq!(kept.session, one.session);
}

/// Session fixation: what somebody puts into a browser before its person signs in stays worth nothing.
async fn audit_p04_a_session_that_a_browser_brings_along_is_never_taken_over(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let planted = format!("cos_{}", "a".repeat(43));
    assert_eq!(refusal(&bench.sessions, &planted).await, Some(Refusal::Unknown));
    let welcome = bench.people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap();
    assert_ne!(shown(&welcome.opened), planted);
    assert_eq!(refusal(&bench.elsewhere(), &planted).await, Some(Refusal::Unknown));
    assert_eq!(
        refusal(&bench.elsewhere(), &welcome.opened.session.id.to_string()).await,
        Some(Refusal::Malformed)
    );
    // Nor does a session that somebody else had there become hers.
    let bo = bench.person("bo", Role::Viewer).await;
    let his = bench.session(&bo).await;
    bench.people.sign_in("ada@example.org", &secret(PASSWORD), &visitor()).await.unwrap();
    let identity = bench.sessions.verify(shown(&his)).await.unwrap();
    assert_eq!(identity.person(), Some((bo.id, his.session.id)));
    assert_eq!(bench.sessions.list(ada.id, 9, None).await.unwrap().items.len(), 2);
}

/// Tried by one prefix for both: the test failed.
async fn a_session_is_no_token_and_a_token_is_no_session(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let (session, token) = (bench.session(&ada).await, bench.issue(&order()).await);
    assert_eq!(refusal(&bench.sessions, text(&token)).await, Some(Refusal::Malformed));
    assert_eq!(bench.tokens.verify(shown(&session)).await.unwrap_err().refusal(), Some(Refusal::Malformed));
    assert_eq!(bench.line.asked(), 0, "the database is not asked");
    assert_eq!(bench.tokens.verify(text(&token)).await.unwrap().token(), Some(token.token.id));
    assert_eq!(
        bench.sessions.verify(shown(&session)).await.unwrap().person(),
        Some((ada.id, session.session.id))
    );
}

/// Tried by not forgetting what was ended here, then by looking only for whether it is there: the test failed each time.
async fn a_session_that_was_ended_is_refused_here_at_once_and_elsewhere_within_a_second(bench: Bench) {
    let (ada, elsewhere) = (bench.person("ada", Role::Owner).await, bench.elsewhere());
    let (one, two, three) = (bench.session(&ada).await, bench.session(&ada).await, bench.session(&ada).await);
    for opened in [&one, &two, &three] {
        bench.sessions.verify(shown(opened)).await.unwrap();
        elsewhere.verify(shown(opened)).await.unwrap();
    }
    bench.sessions.revoke(&Act::OPERATOR, ada.id, one.session.id).await.unwrap();
    assert_eq!(refusal(&bench.sessions, shown(&one)).await, Some(Refusal::Revoked));
    assert_eq!(bench.sessions.revoke_others(&Act::OPERATOR, ada.id, two.session.id).await.unwrap(), 1);
    assert_eq!(refusal(&bench.sessions, shown(&three)).await, Some(Refusal::Revoked));
    assert_eq!(refusal(&bench.sessions, shown(&two)).await, None);
    a_second().await;
    for (opened, expected) in [(&one, Some(Refusal::Revoked)), (&two, None), (&three, Some(Refusal::Revoked))]
    {
        assert_eq!(refusal(&elsewhere, shown(opened)).await, expected);
    }
    bench.clock.advance(100 * DAY);
    bench.db.sweep_sign_ins(bench.db.now(), 9).await.unwrap();
    assert_eq!(
        refusal(&bench.elsewhere(), shown(&one)).await,
        Some(Refusal::Unknown),
        "nor does it come back"
    );
}

async fn a_session_is_ended_and_renewed_by_its_own_person_alone(bench: Bench) {
    let (ada, bo) = (bench.person("ada", Role::Owner).await, bench.person("bo", Role::Viewer).await);
    let hers = bench.session(&ada).await;
    let error = bench.sessions.revoke(&Act::OPERATOR, bo.id, hers.session.id).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound, "{error}");
    let (visitor, change) = (visitor(), Change { role: Some(Role::Editor), ..Change::default() });
    let here = Some((hers.session.id, &visitor));
    let error = bench.people.change(&Act::OPERATOR, bo.id, &change, here).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound, "{error}");
    assert_eq!(bench.sessions.revoke_others(&Act::OPERATOR, bo.id, hers.session.id).await.unwrap(), 0);
    assert_eq!(refusal(&bench.sessions, shown(&hers)).await, None);
}

/// Tried by leaving the old one, and by not forgetting it here: the test failed each time.
async fn a_renewed_session_has_a_new_secret_and_its_old_end(bench: Bench) {
    let ada = bench.person("ada", Role::Writer).await;
    let old = bench.session(&ada).await;
    bench.sessions.verify(shown(&old)).await.unwrap();
    bench.clock.advance(DAY);
    let (visitor, here) = (visitor(), old.session.id);
    let to = async |role| {
        let change = Change { role: Some(role), ..Change::default() };
        bench.people.change(&Act::OPERATOR, ada.id, &change, Some((here, &visitor))).await
    };
    let new = to(Role::Editor).await.unwrap().1.unwrap();
    assert_ne!(shown(&new), shown(&old));
    assert_eq!(refusal(&bench.sessions, shown(&old)).await, Some(Refusal::Revoked));
    assert_eq!(refusal(&bench.sessions, shown(&new)).await, None);
    assert_eq!(new.session.expires_at, old.session.expires_at);
    let error = to(Role::Viewer).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound, "once: {error}");
}

/// Tried by leaving out when it was last used: the test failed.
async fn a_session_ends_when_nobody_uses_it(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let (used, unused) = (bench.session(&ada).await, bench.session(&ada).await);
    bench.clock.advance(14 * DAY - MILLI);
    assert_eq!(refusal(&bench.sessions, shown(&used)).await, None);
    bench.sessions.flush_seen().await.unwrap();
    a_second().await;
    bench.clock.advance(MILLI);
    assert_eq!(refusal(&bench.sessions, shown(&unused)).await, Some(Refusal::Expired));
    assert_eq!(refusal(&bench.sessions, shown(&used)).await, None);
    bench.clock.advance(14 * DAY - 2 * MILLI);
    assert_eq!(refusal(&bench.sessions, shown(&used)).await, None, "of the use before");
    bench.clock.advance(MILLI);
    assert_eq!(
        refusal(&bench.sessions, shown(&used)).await,
        Some(Refusal::Expired),
        "though it is remembered"
    );
    bench.sessions.flush_seen().await.unwrap();
    assert_eq!(
        refusal(&bench.elsewhere(), shown(&used)).await,
        Some(Refusal::Expired),
        "and does not begin again"
    );
}

/// Tried by letting a use move the last end as well: the test failed.
async fn a_session_ends_however_much_it_is_used(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let opened = bench.session(&ada).await;
    for _ in 0..8 {
        bench.clock.advance(10 * DAY);
        assert_eq!(refusal(&bench.elsewhere(), shown(&opened)).await, None);
        let sessions = bench.elsewhere();
        sessions.verify(shown(&opened)).await.unwrap();
        sessions.flush_seen().await.unwrap();
    }
    bench.clock.advance(10 * DAY - MILLI);
    assert_eq!(refusal(&bench.elsewhere(), shown(&opened)).await, None);
    bench.clock.advance(MILLI);
    assert_eq!(refusal(&bench.elsewhere(), shown(&opened)).await, Some(Refusal::Expired));
    assert_eq!(bench.sessions.list(ada.id, 9, None).await.unwrap().items, []);
}

/// Tried by noting every use: the test failed.
async fn its_last_use_is_written_once_a_minute(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let opened = bench.session(&ada).await;
    let flushed = async |after: Duration| {
        bench.clock.advance(after);
        bench.sessions.verify(shown(&opened)).await.unwrap();
        bench.line.asked();
        bench.sessions.flush_seen().await.unwrap();
        bench.line.asked() > 0
    };
    let last = async || bench.sessions.list(ada.id, 9, None).await.unwrap().items[0].last_seen_at;
    let begun = bench.db.now();
    assert!(!flushed(Duration::from_secs(59)).await);
    assert_eq!(last().await, begun);
    assert!(flushed(Duration::from_secs(1)).await);
    assert_eq!(last().await, bench.db.now());
    a_second().await;
    assert!(!flushed(Duration::from_secs(59)).await);
    bench.clock.advance(Duration::from_secs(1));
    bench.sessions.verify(shown(&opened)).await.unwrap();
    bench.line.away.store(true, Ordering::SeqCst);
    bench.sessions.flush_seen().await.unwrap_err();
    bench.line.away.store(false, Ordering::SeqCst);
    bench.sessions.flush_seen().await.unwrap();
    assert_eq!(last().await, bench.db.now(), "what failed is done the next time");
}

async fn who_is_signed_out_learns_nothing_of_why(bench: Bench) {
    let (ada, bo) = (bench.person("ada", Role::Owner).await, bench.person("bo", Role::Viewer).await);
    let (revoked, expired, his) =
        (bench.session(&ada).await, bench.session(&ada).await, bench.session(&bo).await);
    bench.sessions.revoke(&Act::OPERATOR, ada.id, revoked.session.id).await.unwrap();
    // A person who was disabled by an older program, which ended no session.
    let disabled = "UPDATE people SET disabled_at = 1 WHERE email = 'bo@example.org'";
    bench.raw(disabled).await;
    assert_eq!(refusal(&bench.sessions, shown(&his)).await, Some(Refusal::Disabled));
    bench.clock.advance(14 * DAY);
    let unknown = format!("cos_{}", "a".repeat(43));
    let shown = [
        (shown(&revoked), Refusal::Revoked),
        (shown(&expired), Refusal::Expired),
        (shown(&his), Refusal::Disabled),
        (unknown.as_str(), Refusal::Unknown),
        ("cos_", Refusal::Malformed),
        ("", Refusal::Malformed),
    ];
    let mut told = HashSet::new();
    for (secret, reason) in shown {
        let error = bench.sessions.verify(secret).await.unwrap_err();
        assert_eq!((error.refusal(), error.kind()), (Some(reason), FaultKind::Unauthorised));
        assert!(matches!(error, AuthError::SignedOut(_)));
        told.insert(error.to_string());
    }
    assert_eq!(told.len(), 1, "{told:?}");
}

async fn what_cannot_be_checked_lets_nobody_in(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let opened = bench.session(&ada).await;
    for _ in 0..1000 {
        assert!(bench.sessions.verify(shown(&opened)).await.unwrap().allows(Scope::Admin));
    }
    assert!((1..=2).contains(&bench.line.asked()), "a busy one costs one question a second");
    bench.line.away.store(true, Ordering::SeqCst);
    a_second().await;
    let error = bench.sessions.verify(shown(&opened)).await.unwrap_err();
    assert!(matches!(error, AuthError::Unknown(_)), "{error}");
    let error = bench.sessions.begin(&ada, &visitor()).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Unavailable);
    bench.line.away.store(false, Ordering::SeqCst);
    bench.sessions.verify(shown(&opened)).await.unwrap();
    assert_eq!(bench.sessions.list(ada.id, 9, None).await.unwrap().items.len(), 1);
}

async fn what_a_browser_calls_itself_is_cut(bench: Bench) {
    let ada = bench.person("ada", Role::Owner).await;
    let agent = format!("Fire\r\n\u{1b}[31mfox{}", "ü".repeat(10_000));
    let visitor = Visitor::new("::ffff:192.0.2.1".parse().unwrap(), &agent);
    let session = bench.sessions.begin(&ada, &visitor).await.unwrap().session;
    assert_eq!((session.address.as_str(), session.agent.chars().count()), ("192.0.2.1", 200));
    assert!(session.agent.starts_with("Fire[31mfoxü"), "{}", session.agent);
}
