//! Signatures of ID tokens (RFC 7515), made with a key that the issuer publishes (RFC 7517). `ring` computes them, which TLS
//! uses here as well.
//!
//! The token says by which algorithm it is signed, and the key must be of that kind. None that a public key can make a
//! signature for is known here: neither `none` nor `HS256`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, de::IgnoredAny};

use super::mistrust::Mistrust;

/// The longest token that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// A token that was taken apart; nobody has looked at its signature.
pub(crate) struct Signed<'a> {
    header: Header,
    /// What the signature is of.
    signed: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that must be understood (RFC 7515, 4.1.11): none is, here.
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// A key that an issuer publishes. What is none is passed over.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PublicKey {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// How a signature is looked at: with which kind of key, and how.
enum Means {
    Rsa(&'static RsaParameters),
    /// The curve, and the length of a coordinate in bytes.
    Curve(&'static str, usize, &'static dyn VerificationAlgorithm),
    Edwards,
}

fn means(algorithm: &str) -> Option<Means> {
    Some(match algorithm {
        "RS256" => Means::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Means::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Means::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Means::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => Means::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => Means::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => Means::Curve("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => Means::Curve("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
        "EdDSA" | "Ed25519" => Means::Edwards,
        _ => return None,
    })
}

impl<'a> Signed<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(token: &'a str) -> Result<Self, Mistrust> {
        if token.len() > LONGEST {
            return Err(Mistrust::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Mistrust::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Mistrust::Malformed)?;
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Mistrust::Malformed)?;
        if header.crit.is_some() {
            return Err(Mistrust::Algorithm);
        }
        Ok(Self { header, signed, signature: decoded(signature)?, payload: decoded(payload)? })
    }

    /// The algorithm that it says it is signed by.
    pub(crate) fn algorithm(&self) -> &str {
        &self.header.alg
    }

    /// What it says, if one of these keys signed it.
    ///
    /// # Errors
    /// [`Mistrust::NoKey`] if none of them fits: there may be newer ones.
    pub(crate) fn verified(&self, keys: &[PublicKey]) -> Result<&[u8], Mistrust> {
        let means = means(&self.header.alg).ok_or(Mistrust::Algorithm)?;
        let mut fitting = keys.iter().filter(|key| key.fits(&self.header, &means));
        let key = fitting.next().ok_or(Mistrust::NoKey)?;
        // Which of several it is must be said (OpenID Connect Core, 10.1).
        if fitting.next().is_some() {
            return Err(Mistrust::NoKey);
        }
        let signed = self.signed.as_bytes();
        let valid = match means {
            Means::Rsa(parameters) => {
                let key = RsaPublicKeyComponents { n: part(key.n.as_ref())?, e: part(key.e.as_ref())? };
                key.verify(parameters, signed, &self.signature)
            }
            Means::Curve(_, length, algorithm) => {
                let point = point(part(key.x.as_ref())?, part(key.y.as_ref())?, length)?;
                UnparsedPublicKey::new(algorithm, point).verify(signed, &self.signature)
            }
            Means::Edwards => {
                let key = UnparsedPublicKey::new(&signature::ED25519, part(key.x.as_ref())?);
                key.verify(signed, &self.signature)
            }
        };
        valid.map(|()| self.payload.as_slice()).map_err(|_| Mistrust::Signature)
    }
}

impl PublicKey {
    fn fits(&self, header: &Header, means: &Means) -> bool {
        let kind = match means {
            Means::Rsa(_) => self.kty == "RSA",
            Means::Curve(curve, ..) => self.kty == "EC" && self.crv.as_deref() == Some(curve),
            Means::Edwards => self.kty == "OKP" && self.crv.as_deref() == Some("Ed25519"),
        };
        kind && self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.alg.as_ref().is_none_or(|algorithm| *algorithm == header.alg)
            && header.kid.as_ref().is_none_or(|named| self.kid.as_ref() == Some(named))
    }
}

/// A point of a curve, uncompressed (SEC 1, 2.3.3).
fn point(x: Vec<u8>, y: Vec<u8>, length: usize) -> Result<Vec<u8>, Mistrust> {
    if (x.len(), y.len()) != (length, length) {
        return Err(Mistrust::NoKey);
    }
    Ok([vec![4], x, y].concat())
}

fn part(text: Option<&String>) -> Result<Vec<u8>, Mistrust> {
    text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(Mistrust::NoKey)
}

fn decoded(text: &str) -> Result<Vec<u8>, Mistrust> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Mistrust::Malformed)
}

#[cfg(test)]
mod tests;
