//! What a receiver knows the sender by: the signature of Standard Webhooks 1.0 (<https://www.standardwebhooks.com>).

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;
use std::fmt::Display;

/// What a secret begins with whose rest is the key in base64.
const PREFIX: &str = "whsec_";

/// Signs what is sent to one receiver.
#[derive(Debug)]
pub(crate) struct Signer(SecretSlice<u8>);

impl Signer {
    /// With the bytes that stand in base64 behind `whsec_`, or else with the text's own. None if there are no such bytes.
    pub(crate) fn new(secret: &SecretString) -> Option<Self> {
        let text = secret.expose_secret();
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => BASE64_STANDARD.decode(encoded).ok()?,
            None => text.as_bytes().to_vec(),
        };
        (!key.is_empty()).then(|| Self(key.into()))
    }

    /// The header `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: impl Display, body: &str) -> Option<String> {
        // HMAC takes a key of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: &str) -> Option<Signer> {
        Signer::new(&SecretString::from(secret))
    }

    /// The example that the libraries of Standard Webhooks test themselves with. Tried by signing `id.body.timestamp`:
    /// the test failed.
    #[test]
    fn the_known_example_is_signed_as_known() {
        let signer = signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_key_is_none_and_no_key_is_shown() {
        assert!(signer("whsec_").is_none());
        assert!(signer("whsec_not base64").is_none());
        assert!(!format!("{:?}", signer("sesame").unwrap()).contains("sesame"));
    }
}
