use super::*;

#[derive(Deserialize)]
struct Vector {
    alg: String,
    key: PublicKey,
    token: String,
}

/// Made with the library `jose` (6, npm): of each algorithm a key and a token that says `{"sub":"ada"}`.
fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn verified(token: &str, keys: &[PublicKey]) -> Result<Vec<u8>, Mistrust> {
    Signed::parse(token)?.verified(keys).map(<[u8]>::to_vec)
}

/// A token whose header was replaced.
fn with_header(token: &str, header: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

#[test]
fn what_another_library_signed_is_valid_and_nothing_else_is() {
    for Vector { alg, key, token } in vectors() {
        let keys = [key];
        assert_eq!(verified(&token, &keys).unwrap(), br#"{"sub":"ada"}"#, "{alg}");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let other = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"sub":"eve"}"#));
        assert_eq!(verified(&other, &keys).unwrap_err(), Mistrust::Signature, "{alg}");
        for cut in [format!("{signed}."), format!("{signed}.{}", &signature[4..])] {
            assert_eq!(verified(&cut, &keys).unwrap_err(), Mistrust::Signature, "{alg}");
        }
    }
}

/// Tried without the look at the algorithm that a key says it is for: the test failed.
#[test]
fn an_algorithm_is_not_chosen_by_who_forges() {
    for Vector { alg, key, token } in vectors() {
        for forged in ["none", "None", "", "HS256", "HS512", "RS1", "ES256K", "dir"] {
            let token = with_header(&token, &format!(r#"{{"alg":"{forged}","kid":"the key"}}"#));
            assert_eq!(
                verified(&token, std::slice::from_ref(&key)).unwrap_err(),
                Mistrust::Algorithm,
                "{forged}"
            );
        }
        // A key is of one kind, and says of which algorithm if it is of one only.
        let other = if alg.starts_with('E') { "RS256" } else { "ES256" };
        let token_of_other = with_header(&token, &format!(r#"{{"alg":"{other}","kid":"the key"}}"#));
        assert_eq!(
            verified(&token_of_other, std::slice::from_ref(&key)).unwrap_err(),
            Mistrust::NoKey,
            "{alg}"
        );
        let of_another = PublicKey { alg: Some("another".to_owned()), ..key.clone() };
        let to_encrypt = PublicKey { usage: Some("enc".to_owned()), ..key.clone() };
        let of_another_name = PublicKey { kid: Some("other".to_owned()), ..key.clone() };
        for unfit in [of_another, to_encrypt, of_another_name] {
            assert_eq!(verified(&token, &[unfit]).unwrap_err(), Mistrust::NoKey, "{alg}");
        }
        let unnamed = with_header(&token, &format!(r#"{{"alg":"{alg}"}}"#));
        let two = [key.clone(), PublicKey { kid: Some("other".to_owned()), ..key.clone() }];
        assert_eq!(verified(&unnamed, &two).unwrap_err(), Mistrust::NoKey, "which of the two?");
    }
}

/// Tried by passing over `crit`: the test failed.
#[test]
fn what_is_no_token_is_refused() {
    let token = vectors().remove(0).token;
    for text in
        ["", ".", "..", "...", "a.b.c", "é.é.é", &token[1..], &format!(".{token}"), &token.replace('.', " ")]
    {
        assert!(matches!(Signed::parse(text), Err(Mistrust::Malformed)), "{text}");
    }
    let critical = with_header(&token, r#"{"alg":"RS256","kid":"the key","crit":["b64"],"b64":false}"#);
    assert!(matches!(Signed::parse(&critical), Err(Mistrust::Algorithm)));
    for header in ["[]", "{}", r#"{"alg":5}"#, r#"{"alg":"RS256","alg":"none"}"#] {
        assert!(matches!(Signed::parse(&with_header(&token, header)), Err(Mistrust::Malformed)), "{header}");
    }
    let long = with_header(&token, &format!(r#"{{"alg":"RS256","x":"{}"}}"#, "x".repeat(LONGEST)));
    assert!(matches!(Signed::parse(&long), Err(Mistrust::Malformed)));
}

/// Tried by taking coordinates of any length: the test failed.
#[test]
fn a_key_that_is_broken_is_none() {
    let Vector { key, token, .. } = vectors().into_iter().find(|vector| vector.alg == "ES256").unwrap();
    let broken = |x: Option<&str>| PublicKey { x: x.map(str::to_owned), ..key.clone() };
    for x in [None, Some(""), Some("AAAA"), Some("not base64!")] {
        assert_eq!(verified(&token, &[broken(x)]).unwrap_err(), Mistrust::NoKey, "{x:?}");
    }
}
