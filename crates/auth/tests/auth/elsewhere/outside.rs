//! A provider that does not answer, or not as it should.

use super::*;
use bytes::Bytes;
use cofounder_domain::FaultKind;
use cofounder_testkit::identity::Answer;
use std::time::Instant;

fn instead(status: u16, body: impl Into<Bytes>) -> Answer {
    (status, Vec::new(), body.into())
}

/// Tried without the bound, and with redirects followed: the test failed each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_answers_nonsense_signs_nobody_in_and_keeps_nobody_waiting() {
    let doors = Doors::with(Bench::sqlite().await, &["@example.org"]).await;
    let elsewhere = format!("{}/userinfo", doors.provider.url());
    let redirect = (302, vec![("location".to_owned(), elsewhere)], Bytes::new());
    let answers = [
        instead(500, "no"),
        instead(404, "{}"),
        instead(200, ""),
        instead(200, "<html>"),
        instead(200, "{\"access_token\":"),
        instead(200, "[]"),
        instead(200, "{}"),
        instead(200, "{\"access_token\":5,\"token_type\":\"bearer\"}"),
        instead(200, "[".repeat(200_000)),
        instead(200, vec![b' '; 600 * 1024]),
        redirect,
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        for provider in ["acme", "github"] {
            doors.provider.lie(Lies::default());
            let away = doors.away(provider, None).await;
            doors.provider.lie(Lies { instead: Some(answer.clone()), ..Lies::default() });
            let error = doors.back(provider, &away).await.unwrap_err();
            assert!(matches!(error, ElsewhereError::Away { .. }), "{number} {provider}: {error}");
            assert!(error.to_string().contains("Nobody was signed in"), "{error}");
            assert_eq!(number == 9, error.to_string().contains("larger than 512 KiB"), "{number}: {error}");
            assert_eq!(error.kind(), FaultKind::Unavailable);
        }
    }
    assert_eq!(doors.provider.count("GET /userinfo"), 0, "no redirect is followed");
    doors.provider.lie(Lies::default());
    let away = doors.away("acme", None).await;
    doors.provider.lie(Lies { late: Some(Duration::from_secs(60)), ..Lies::default() });
    let begun = Instant::now();
    let error = doors.back("acme", &away).await.unwrap_err();
    assert!(matches!(error, ElsewhereError::Away { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    doors.empty().await;
}

/// Tried by taking any document, then by asking whatever it names: the test failed each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_names_another_issuer_or_an_address_in_the_clear_is_refused() {
    for (name, value) in [
        ("issuer", "https://evil.example"),
        ("authorization_endpoint", "http://198.51.100.1/authorize"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("token_endpoint", "http://198.51.100.1/token"),
        ("jwks_uri", "file:///etc/passwd"),
    ] {
        let doors = Doors::with(Bench::sqlite().await, &["@example.org"]).await;
        let document = move |document: &mut serde_json::Value| document[name] = value.into();
        doors.provider.lie(Lies { document: Some(Box::new(document)), ..Lies::default() });
        let begun = doors.elsewhere.begin("acme", None, &to("/"), None, &visitor()).await;
        let error = match begun {
            Err(error) => error,
            Ok(begun) => {
                let back = doors.provider.consent(begun.redirect.as_str());
                let cookie = begun.browser.expose_secret().to_owned();
                doors.back("acme", &Away { redirect: begun.redirect, cookie, back }).await.unwrap_err()
            }
        };
        assert!(matches!(error, ElsewhereError::Away { .. }), "{name}: {error}");
        doors.empty().await;
    }
}
