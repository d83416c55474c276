//! A provider, or somebody between, that lies.

use super::*;
use cofounder_auth::Mistrust;
use cofounder_testkit::identity::Signing;
use serde_json::{Value, json};

use crate::on_both_databases;

on_both_databases! {
    audit_s04_an_id_token_that_is_not_of_this_sign_in_is_refused,
    audit_p04_an_id_token_without_an_end_or_after_it_is_refused,
    a_signature_that_is_not_the_issuers_is_refused,
    a_new_key_is_looked_for_once_a_minute,
    microsofts_issuer_is_the_directorys_and_its_address_is_verified_by_its_own_word,
}

fn claim(name: &'static str, value: Value) -> Lies {
    let change = move |claims: &mut Value| match &value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value.clone(),
    };
    Lies { claims: Some(Box::new(change)), ..Lies::default() }
}

async fn mistrusted(doors: &Doors, lies: Lies, what: &str) -> Mistrust {
    match doors.refused(lies).await {
        ElsewhereError::Mistrusted { why, .. } => why,
        error => panic!("{what}: {error}"),
    }
}

/// Tried by leaving out the look at `iss`, `aud`, `azp`, `nonce` and `at_hash`, one at a time: the test failed each
/// time.
async fn audit_s04_an_id_token_that_is_not_of_this_sign_in_is_refused(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let (url, now) = (doors.provider.url().to_owned(), doors.bench.clock_seconds());
    let table = [
        ("iss", Value::Null, Mistrust::Issuer),
        ("iss", json!("https://evil.example"), Mistrust::Issuer),
        ("iss", json!(format!("{url}/")), Mistrust::Issuer),
        ("iss", json!(url.to_uppercase()), Mistrust::Issuer),
        ("aud", Value::Null, Mistrust::Audience),
        ("aud", json!("another"), Mistrust::Audience),
        ("aud", json!([]), Mistrust::Audience),
        ("aud", json!(["another"]), Mistrust::Audience),
        ("aud", json!([CLIENT_ID, "another"]), Mistrust::Audience),
        ("azp", json!("another"), Mistrust::Audience),
        ("nonce", Value::Null, Mistrust::Nonce),
        ("nonce", json!(""), Mistrust::Nonce),
        ("nonce", json!("another"), Mistrust::Nonce),
        ("sub", Value::Null, Mistrust::Subject),
        ("sub", json!(""), Mistrust::Subject),
        ("sub", json!("4\n2"), Mistrust::Subject),
        ("sub", json!("x".repeat(256)), Mistrust::Subject),
        ("sub", json!(42), Mistrust::Malformed),
        ("iat", Value::Null, Mistrust::NotYet),
        ("iat", json!(now + 61), Mistrust::NotYet),
        ("nbf", json!(now + 61), Mistrust::NotYet),
        ("at_hash", json!("another"), Mistrust::AccessToken),
    ];
    for (name, value, why) in table {
        let told = mistrusted(&doors, claim(name, value.clone()), name).await;
        assert_eq!(told, why, "{name} {value}");
    }
    let good = Box::new(|claims: &mut Value| {
        claims["aud"] = json!([CLIENT_ID, "another"]);
        claims["azp"] = CLIENT_ID.into();
        claims.as_object_mut().unwrap().remove("at_hash");
    });
    doors.provider.lie(Lies { claims: Some(good), ..Lies::default() });
    doors.sign_in("acme").await.unwrap();
}

/// Tried with `exp` optional, then without looking at it: the test failed each time.
async fn audit_p04_an_id_token_without_an_end_or_after_it_is_refused(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let now = doors.bench.clock_seconds();
    let table = [
        (Value::Null, Mistrust::NoEnd),
        (json!("2999-01-01"), Mistrust::Malformed),
        (json!(now - 60), Mistrust::Expired),
        (json!(0), Mistrust::Expired),
        (json!(-1), Mistrust::Expired),
    ];
    for (value, why) in table {
        assert_eq!(mistrusted(&doors, claim("exp", value.clone()), "exp").await, why, "{value}");
    }
    doors.provider.lie(claim("exp", json!(now - 59)));
    doors.sign_in("acme").await.unwrap();
}

/// Tried by taking every signature: the test failed.
async fn a_signature_that_is_not_the_issuers_is_refused(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    let header = |name: &'static str, value: Value| Lies {
        header: Some(Box::new(move |header| header[name] = value.clone())),
        ..Lies::default()
    };
    let signed = |signing| Lies { signing, ..Lies::default() };
    let no_token = |value: Value| Lies {
        tokens: Some(Box::new(move |tokens| tokens["id_token"] = value.clone())),
        ..Lies::default()
    };
    let table = [
        (signed(Signing::Nothing), Mistrust::Algorithm),
        (signed(Signing::PublicKeyAsSecret), Mistrust::Algorithm),
        (signed(Signing::OtherKey), Mistrust::Signature),
        (signed(Signing::ChangedLater), Mistrust::Signature),
        (header("kid", json!("another")), Mistrust::NoKey),
        (header("alg", json!("RS256")), Mistrust::NoKey),
        (header("crit", json!(["exp"])), Mistrust::Algorithm),
        (no_token(Value::Null), Mistrust::Malformed),
        (no_token(json!("a.b.c")), Mistrust::Malformed),
    ];
    for (number, (lies, why)) in table.into_iter().enumerate() {
        assert_eq!(mistrusted(&doors, lies, &number.to_string()).await, why, "{number}");
    }
}

async fn a_new_key_is_looked_for_once_a_minute(bench: Bench) {
    let doors = Doors::with(bench, &["@example.org"]).await;
    doors.sign_in("acme").await.unwrap();
    assert_eq!(
        (doors.provider.count("GET /keys"), doors.provider.count("GET /.well-known/openid-configuration")),
        (1, 1)
    );
    doors.provider.rotate().unwrap();
    let error = doors.sign_in("acme").await.unwrap_err();
    assert!(matches!(error, ElsewhereError::Mistrusted { why: Mistrust::NoKey, .. }), "{error}");
    doors.bench.clock.advance(Duration::from_secs(60));
    doors.sign_in("acme").await.unwrap();
    assert_eq!(doors.provider.count("GET /keys"), 2);
    // Whoever names keys that are not there makes nobody look again and again.
    let unknown =
        || Lies { header: Some(Box::new(|header| header["kid"] = "made up".into())), ..Lies::default() };
    for _ in 0..5 {
        doors.provider.lie(unknown());
        doors.sign_in("acme").await.unwrap_err();
    }
    assert_eq!(doors.provider.count("GET /keys"), 2);
    assert_eq!(doors.provider.count("GET /.well-known/openid-configuration"), 1);
}

/// Tried by believing `email_verified`: the test failed.
async fn microsofts_issuer_is_the_directorys_and_its_address_is_verified_by_its_own_word(bench: Bench) {
    const TID: &str = "5f4a0b50-9c4e-4f8e-8d5a-1f2e3d4c5b6a";
    let doors = Doors::with(bench, &["@example.org"]).await;
    let url = doors.provider.url().to_owned();
    let kind = ProviderKind::Microsoft { tenant: "common".to_owned(), base_url: Some(url.parse().unwrap()) };
    let admission = Admission::new(&["@example.org".to_owned()], Role::Viewer).unwrap();
    let elsewhere =
        Elsewhere::new(parts(&doors.bench, vec![settings("microsoft", kind)], admission)).unwrap();
    let doors = Doors { elsewhere, ..doors };
    let lies = |tid: &'static str, issuer: String, verified: Value| {
        let document = |document: &mut Value| {
            let url = document["issuer"].as_str().unwrap().to_owned();
            document["issuer"] = format!("{url}/{{tenantid}}/v2.0").into();
            document["authorization_response_iss_parameter_supported"] = false.into();
        };
        let claims = move |claims: &mut Value| {
            (claims["iss"], claims["tid"]) = (issuer.clone().into(), tid.into());
            (claims["xms_edov"], claims["email_verified"]) = (verified.clone(), true.into());
        };
        Lies { document: Some(Box::new(document)), claims: Some(Box::new(claims)), ..Lies::default() }
    };
    let sign_in = async |tid, issuer: &str, verified: Value| {
        doors.provider.lie(lies(tid, format!("{url}/{issuer}/v2.0"), verified));
        let mut away = doors.away("microsoft", None).await;
        away.back.remove("iss");
        doors.back("microsoft", &away).await
    };
    for (tid, issuer) in [
        (TID, "another"),
        ("another", "another"),
        (TID, "{tenantid}"),
        ("", ""),
        ("{tenantid}", "{tenantid}"),
    ] {
        let error = sign_in(tid, issuer, json!(true)).await.unwrap_err();
        assert!(
            matches!(error, ElsewhereError::Mistrusted { why: Mistrust::Issuer, .. }),
            "{tid} {issuer}: {error}"
        );
    }
    let error = sign_in(TID, TID, json!(false)).await.unwrap_err();
    assert!(matches!(error, ElsewhereError::Unverified(_)), "{error}");
    doors.empty().await;
    for verified in [json!(true), json!("1")] {
        sign_in(TID, TID, verified).await.unwrap();
    }
}
