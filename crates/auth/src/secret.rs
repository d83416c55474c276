//! A token's text: how it is made, what it looks like, and what is kept of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{TryRngCore, rngs::OsRng};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// What every token begins with, so that one that got lost is recognised as what it is.
const PREFIX: &str = "cof_";
/// 256 bits.
const BYTES: usize = 32;
/// As many characters of base64url (RFC 4648, section 5, without padding) as those bytes take.
const CHARS: usize = 43;

/// The SHA-256 of a token's text. No salt and no slow hash: nobody can guess 256 random bits.
pub(crate) type Fingerprint = [u8; 32];

/// A new token's text, from the system's own source of chance.
pub(crate) fn new() -> Result<SecretString, String> {
    let mut bytes = [0; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| error.to_string())?;
    let mut text = String::with_capacity(PREFIX.len() + CHARS);
    text.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    Ok(SecretString::from(text))
}

/// What is kept of a text, if it has the shape of a token.
pub(crate) fn fingerprint(text: &str) -> Option<Fingerprint> {
    let random = text.strip_prefix(PREFIX)?;
    let shaped = random.len() == CHARS
        && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    shaped.then(|| Sha256::digest(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::collections::HashSet;

    #[test]
    fn every_token_is_new_and_has_the_shape() {
        let made: HashSet<String> = (0..1000).map(|_| new().unwrap().expose_secret().to_owned()).collect();
        assert_eq!(made.len(), 1000);
        for text in &made {
            assert_eq!(text.len(), 47);
            let hash = hex::encode(fingerprint(text).unwrap());
            assert_eq!(hash, cofounder_domain::content_hash(text.as_bytes()));
        }
        // Each of the 43 places takes many values: nothing in it is constant.
        for place in 4..46 {
            let seen: HashSet<u8> = made.iter().map(|text| text.as_bytes()[place]).collect();
            assert!(seen.len() > 32, "place {place} takes {} values", seen.len());
        }
    }

    #[test]
    fn other_shapes_are_no_token() {
        let right = format!("{PREFIX}{}", "a".repeat(CHARS));
        assert!(fingerprint(&right).is_some());
        let wrong = [
            String::new(),
            "cof_".to_owned(),
            "a".repeat(47),
            right[..46].to_owned(),
            format!("{right}a"),
            format!(" {}", &right[..46]),
            right.replace("cof_a", "cof_+"),
            right.replace("cof_a", "cof_\0"),
            right.replace("cof_aa", "cof_é"),
            right.replace("cof_", "COF_"),
        ];
        for text in wrong {
            assert!(fingerprint(&text).is_none(), "{text:?}");
        }
    }
}
