//! Keys, and tokens signed with them, or as if.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::io;

use super::Signing;

pub(super) struct Keys {
    own: EcdsaKeyPair,
    other: EcdsaKeyPair,
    number: usize,
}

impl Keys {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { own: key()?, other: key()?, number: 1 })
    }

    pub(super) fn rotate(&mut self) -> io::Result<()> {
        (self.own, self.number) = (key()?, self.number + 1);
        Ok(())
    }

    fn id(&self) -> String {
        format!("key-{}", self.number)
    }

    pub(super) fn published(&self) -> Value {
        let (x, y) = self.own.public_key().as_ref()[1..].split_at(32);
        let encoded = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        json!({"keys": [
            {"kty": "of a kind that nobody knows", "kid": "future"},
            {"kty": 5},
            {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id(), "x": encoded(x), "y": encoded(y)},
        ]})
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "JWT", "kid": self.id()})
    }

    pub(super) fn sign(&self, mut header: Value, claims: &Value, signing: Signing) -> String {
        match signing {
            Signing::Nothing => header["alg"] = "none".into(),
            Signing::PublicKeyAsSecret => header["alg"] = "HS256".into(),
            _ => {}
        }
        let encoded = |document: &Value| URL_SAFE_NO_PAD.encode(document.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(claims));
        let by = |key: &EcdsaKeyPair| {
            let signature = key.sign(&SystemRandom::new(), signed.as_bytes());
            signature.map(|signature| signature.as_ref().to_vec()).unwrap_or_default()
        };
        let signature = match signing {
            Signing::Right | Signing::ChangedLater => by(&self.own),
            Signing::OtherKey => by(&self.other),
            Signing::Nothing => Vec::new(),
            Signing::PublicKeyAsSecret => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.own.public_key().as_ref());
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
        };
        if signing == Signing::ChangedLater {
            let mut changed = claims.clone();
            changed["sub"] = "1".into();
            return format!(
                "{}.{}.{}",
                encoded(&header),
                encoded(&changed),
                URL_SAFE_NO_PAD.encode(signature)
            );
        }
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn key() -> io::Result<EcdsaKeyPair> {
    let wrong = |_| io::Error::other("no key can be made");
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(wrong)?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random)
        .map_err(|e| io::Error::other(e.to_string()))
}
