//! A secret's text: how it is made, what it looks like, and what is kept of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{TryRngCore, rngs::OsRng};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What a secret opens. Each begins with letters of its own, so that one that got lost is recognised as what it is, and
/// none is ever looked for among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What a program shows.
    Token,
    /// What a browser shows whose person signed in.
    Session,
    /// What a link carries that is used once.
    Link,
    /// What a browser shows that was given a form.
    Form,
    /// What a browser takes along to a provider and brings back once.
    State,
    /// What a browser keeps until it is back from there.
    Browser,
    /// What a program shows for a while in place of its token.
    Access,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "cof_",
            Self::Session => "cos_",
            Self::Link => "col_",
            Self::Form => "cob_",
            Self::State => "cot_",
            Self::Browser => "coe_",
            Self::Access => "coa_",
        }
    }
}

/// 256 bits.
const BYTES: usize = 32;
/// As many characters of base64url (RFC 4648, section 5, without padding) as those bytes take.
const CHARS: usize = 43;

/// The SHA-256 of a secret's text. No salt and no slow hash: nobody can guess 256 random bits.
pub(crate) type Fingerprint = [u8; 32];

/// A new secret's text, from the system's own source of chance, and what is kept of it.
pub(crate) fn new(kind: Kind) -> Result<(SecretString, Fingerprint), String> {
    let mut bytes = [0; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| error.to_string())?;
    let mut text = String::with_capacity(kind.prefix().len() + CHARS);
    text.push_str(kind.prefix());
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    let fingerprint = Sha256::digest(&text).into();
    Ok((SecretString::from(text), fingerprint))
}

/// What is kept of a text, if it has the shape of such a secret.
pub(crate) fn fingerprint(kind: Kind, text: &str) -> Option<Fingerprint> {
    let random = text.strip_prefix(kind.prefix())?;
    let shaped = random.len() == CHARS
        && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    shaped.then(|| Sha256::digest(text).into())
}

/// A secret for a browser that is not known yet, so that its forms are its own.
///
/// # Errors
/// What the system said that gave no random bytes.
pub fn form_secret() -> Result<SecretString, String> {
    new(Kind::Form).map(|(secret, _)| secret)
}

/// What the forms of a session carry, so that whoever sends one has seen a page of it: made of the session's secret, which
/// it does not tell.
#[must_use]
pub fn form_key(session: &SecretString) -> String {
    let mut hash = Sha256::new_with_prefix("form ");
    hash.update(session.expose_secret());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Whether this is [`form_key`]. How long it takes tells nothing: hashes of the two are compared.
#[must_use]
pub fn is_form_key(session: &SecretString, presented: &str) -> bool {
    Sha256::digest(form_key(session)) == Sha256::digest(presented)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_secret_is_new_and_has_the_shape() {
        let mut made = HashSet::new();
        for _ in 0..1000 {
            let (secret, kept) = new(Kind::Session).unwrap();
            let text = secret.expose_secret().to_owned();
            assert_eq!((text.len(), fingerprint(Kind::Session, &text)), (47, Some(kept)));
            assert_eq!(hex::encode(kept), cofounder_domain::content_hash(text.as_bytes()));
            assert_eq!(fingerprint(Kind::Token, &text), None, "it is of another kind");
            made.insert(text);
        }
        assert_eq!(made.len(), 1000);
        // Each of the 43 places takes many values: nothing in it is constant.
        for place in 4..46 {
            let seen: HashSet<u8> = made.iter().map(|text| text.as_bytes()[place]).collect();
            assert!(seen.len() > 32, "place {place} takes {} values", seen.len());
        }
    }

    #[test]
    fn other_shapes_are_no_token() {
        let right = format!("cof_{}", "a".repeat(CHARS));
        assert!(fingerprint(Kind::Token, &right).is_some());
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
            assert!(fingerprint(Kind::Token, &text).is_none(), "{text:?}");
        }
    }
}
