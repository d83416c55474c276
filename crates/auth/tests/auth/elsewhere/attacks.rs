//! Browsers that bring back what is not theirs, and providers that answer for another.

use super::*;
use crate::{on_both_databases, visitor_at};

on_both_databases! {
    audit_s09_a_state_is_good_once_in_its_browser_at_its_provider_for_ten_minutes,
    audit_s09_a_code_is_exchanged_once_and_by_who_began,
    audit_s09_whoever_does_not_finish_waits,
    a_browser_goes_back_to_the_one_address_that_is_configured,
    who_answers_for_another_is_refused,
    who_says_no_is_not_signed_in,
    a_browser_has_several_sign_ins_open_at_once,
}

async fn not_begun(doors: &Doors, provider: &str, returned: &Returned, browser: Option<&str>) {
    let done = doors.elsewhere.finish(provider, returned, browser, None, &doors.visitor()).await;
    assert!(matches!(done, Err(ElsewhereError::NotBegun)), "{done:?}");
}

/// Tried by not looking at the provider: the test failed. For the browser, the end and the use see storage's test of
/// the same.
async fn audit_s09_a_state_is_good_once_in_its_browser_at_its_provider_for_ten_minutes(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let (mine, yours) = (doors.away("acme", None).await, doors.away("acme", None).await);
    // Another's state in my browser, mine in another's, and none at all: nothing is asked of the provider.
    not_begun(&doors, "acme", &yours.returned(), Some(&mine.cookie)).await;
    not_begun(&doors, "acme", &mine.returned(), Some(&yours.cookie)).await;
    for browser in [None, Some(""), Some("coe_"), Some(mine.returned().state.unwrap().as_str())] {
        not_begun(&doors, "acme", &mine.returned(), browser).await;
    }
    for state in [None, Some(String::new()), Some("x".repeat(10_000)), Some(mine.cookie.clone())] {
        not_begun(&doors, "acme", &Returned { state, ..mine.returned() }, Some(&mine.cookie)).await;
    }
    assert_eq!(doors.provider.count("POST /token"), 0);
    // At another provider it is used up.
    not_begun(&doors, "other", &mine.returned(), Some(&mine.cookie)).await;
    not_begun(&doors, "acme", &mine.returned(), Some(&mine.cookie)).await;
    // Once.
    doors.back("acme", &yours).await.unwrap();
    not_begun(&doors, "acme", &yours.returned(), Some(&yours.cookie)).await;
    // Ten minutes.
    let (early, late) = (doors.away("acme", None).await, doors.away("acme", None).await);
    doors.bench.clock.advance(Duration::from_millis(599_999));
    doors.back("acme", &early).await.unwrap();
    doors.bench.clock.advance(Duration::from_millis(1));
    not_begun(&doors, "acme", &late.returned(), Some(&late.cookie)).await;
    assert_eq!(doors.provider.count("POST /token"), 2);
}

/// Tried with the verifier itself as the challenge: the test failed.
async fn audit_s09_a_code_is_exchanged_once_and_by_who_began(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    for provider in ["acme", "github"] {
        let first = doors.away(provider, None).await;
        assert_eq!(first.brought("code_challenge_method"), "S256");
        assert_eq!(first.brought("code_challenge").len(), 43);
        // A code that another browser was given, in a sign-in of my own: its challenge is another's.
        let mut second = doors.away(provider, None).await;
        second.back.insert("code".to_owned(), first.back["code"].clone());
        let error = doors.back(provider, &second).await.unwrap_err();
        assert!(
            matches!(&error, ElsewhereError::Declined { word, .. } if word == "invalid_grant"),
            "{error}"
        );
        // A code that was used.
        let third = doors.away(provider, None).await;
        // Whatever comes of it, the provider has seen the code.
        drop(doors.back(provider, &third).await);
        let mut fourth = doors.away(provider, None).await;
        fourth.back.insert("code".to_owned(), third.back["code"].clone());
        let error = doors.back(provider, &fourth).await.unwrap_err();
        assert!(matches!(error, ElsewhereError::Declined { .. }), "{error}");
    }
    let all: Vec<_> = (0..4).map(|_| doors.away("acme", None)).collect();
    let all = futures(all).await;
    let said: std::collections::HashSet<String> = all
        .iter()
        .flat_map(|away| ["state", "nonce", "code_challenge"].map(|name| away.brought(name)))
        .collect();
    assert_eq!(said.len(), 12, "each is new each time");
}

async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut done = Vec::new();
    for one in all {
        done.push(one.await);
    }
    done
}

/// Tried by counting nothing, then by not giving back: the test failed each time.
async fn audit_s09_whoever_does_not_finish_waits(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let (here, there) = (visitor_at("192.0.2.1"), visitor_at("198.51.100.1"));
    let guess = async |visitor| {
        let returned = Returned { state: Some(format!("cot_{}", "a".repeat(43))), ..Returned::default() };
        doors
            .elsewhere
            .finish("acme", &returned, Some(&format!("coe_{}", "a".repeat(43))), None, visitor)
            .await
    };
    let mut guesses = 0;
    let wait = loop {
        match guess(&here).await.unwrap_err() {
            ElsewhereError::NotBegun if guesses < 1_000 => guesses += 1,
            error => break error.wait().unwrap_or_default(),
        }
    };
    assert_eq!((guesses, wait), (40, Duration::from_secs(60)));
    let begun = doors.elsewhere.begin("acme", None, &to("/"), None, &visitor_at("192.0.2.99")).await;
    assert!(matches!(begun, Err(ElsewhereError::Wait(_))), "{begun:?}");
    assert!(matches!(guess(&there).await, Err(ElsewhereError::NotBegun)), "elsewhere nobody waits");
    doors.bench.clock.advance(Duration::from_secs(60));
    assert!(matches!(guess(&here).await, Err(ElsewhereError::NotBegun)));
    // Who finishes never waits.
    for _ in 0..50 {
        let begun = doors.elsewhere.begin("acme", None, &to("/"), None, &there).await.unwrap();
        let cookie = begun.browser.expose_secret().to_owned();
        let away =
            Away { back: doors.provider.consent(begun.redirect.as_str()), redirect: begun.redirect, cookie };
        doors.elsewhere.finish("acme", &away.returned(), Some(&away.cookie), None, &there).await.unwrap();
    }
}

async fn a_browser_goes_back_to_the_one_address_that_is_configured(bench: Bench) {
    let doors = Doors::new(bench).await;
    for provider in ["acme", "github", "other"] {
        let away = doors.away(provider, None).await;
        assert_eq!(away.brought("redirect_uri"), format!("{SITE}/auth/{provider}/callback"));
        assert_eq!(
            (away.brought("response_type"), away.brought("client_id")),
            ("code".to_owned(), CLIENT_ID.to_owned())
        );
    }
    let unknown = doors.elsewhere.begin("acme/../evil", None, &to("/"), None, &visitor()).await;
    assert!(matches!(unknown, Err(ElsewhereError::NoProvider)), "{unknown:?}");
}

/// A mix-up (RFC 9207): the browser was sent to one provider, and what it brings back is another's. Tried by leaving out
/// each look at the issuer: the test failed each time.
async fn who_answers_for_another_is_refused(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let evil = Some("https://evil.example".to_owned());
    for (provider, issuer) in [
        ("acme", evil.clone()),
        ("acme", None),
        ("acme", Some(format!("{}/", doors.provider.url()))),
        ("github", evil),
    ] {
        let away = doors.away(provider, None).await;
        let returned = Returned { issuer: issuer.clone(), ..away.returned() };
        let done =
            doors.elsewhere.finish(provider, &returned, Some(&away.cookie), None, &doors.visitor()).await;
        assert!(matches!(done, Err(ElsewhereError::OtherIssuer(_))), "{provider} {issuer:?}: {done:?}");
    }
    assert_eq!(
        (doors.provider.count("POST /token"), doors.provider.count("POST /login/oauth/access_token")),
        (0, 0)
    );
    doors.empty().await;
}

async fn who_says_no_is_not_signed_in(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    for (error, word) in
        [("access_denied", "access_denied"), ("<script>\r\nX: 1", "scriptX1"), ("é", "unnamed")]
    {
        let away = doors.away("acme", None).await;
        let returned = Returned { error: Some(error.to_owned()), ..away.returned() };
        let told = doors
            .elsewhere
            .finish("acme", &returned, Some(&away.cookie), None, &visitor())
            .await
            .unwrap_err();
        assert!(matches!(&told, ElsewhereError::Declined { word: known, .. } if known == word), "{told}");
        not_begun(&doors, "acme", &away.returned(), Some(&away.cookie)).await;
    }
    let away = doors.away("acme", None).await;
    let returned = Returned { code: None, ..away.returned() };
    let told =
        doors.elsewhere.finish("acme", &returned, Some(&away.cookie), None, &visitor()).await.unwrap_err();
    assert!(matches!(told, ElsewhereError::Declined { .. }), "{told}");
    assert_eq!(doors.provider.count("POST /token"), 0);
}

async fn a_browser_has_several_sign_ins_open_at_once(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let first = doors.away("acme", None).await;
    let begun = doors.elsewhere.begin("acme", Some(&first.cookie), &to("/"), None, &visitor()).await.unwrap();
    assert_eq!(begun.browser.expose_secret(), first.cookie);
    // What nobody here made is not taken over.
    let begun = doors.elsewhere.begin("acme", Some("coe_mine"), &to("/"), None, &visitor()).await.unwrap();
    assert_ne!(begun.browser.expose_secret(), "coe_mine");
    doors.back("acme", &first).await.unwrap();
}
