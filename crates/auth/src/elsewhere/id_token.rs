//! What an ID token says, and whether it says it of this sign-in (OpenID Connect Core 1.0, 3.1.3.7).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cofounder_domain::Timestamp;
use ring::digest;
use serde::{Deserialize, Deserializer};

use super::{mistrust::Mistrust, outside::parse};

/// How far clocks may differ, in seconds.
const SKEW: f64 = 60.0;
/// The longest subject (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;

/// What an ID token, or the user info endpoint, says of somebody. Nothing of it is believed yet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Claims {
    iss: Option<String>,
    pub(crate) sub: Option<String>,
    aud: Audience,
    azp: Option<String>,
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
    nonce: Option<String>,
    at_hash: Option<String>,
    pub(crate) email: Option<String>,
    #[serde(deserialize_with = "truth")]
    pub(crate) email_verified: bool,
    /// Microsoft's word for a verified address.
    #[serde(deserialize_with = "truth")]
    pub(crate) xms_edov: bool,
    /// Microsoft's directory, by its id.
    tid: Option<String>,
    pub(crate) name: Option<String>,
}

/// One, or several.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "OneOrMany")]
struct Audience(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Audience {
    fn from(audience: OneOrMany) -> Self {
        match audience {
            OneOrMany::One(one) => Self(vec![one]),
            OneOrMany::Many(many) => Self(many),
        }
    }
}

/// `true`, or the same as a text or a number, as some providers write it. Everything else is not.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value == true || value == "true" || value == 1 || value == "1")
}

/// What an ID token of one sign-in must say.
pub(crate) struct Expected<'a> {
    /// The issuer. Microsoft's has `{tenantid}` in it where the token's directory stands.
    pub(crate) issuer: &'a str,
    pub(crate) client: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) now: Timestamp,
}

impl Claims {
    /// Reads what a signature was found valid of.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, Mistrust> {
        parse(payload).map_err(|_| Mistrust::Malformed)
    }

    /// Whose token it is, and who says so, if it is of this sign-in.
    pub(crate) fn check(&self, expected: &Expected<'_>) -> Result<(String, String), Mistrust> {
        let issuer = self.issuer(expected.issuer)?;
        self.check_audience(expected.client)?;
        self.check_times(expected.now)?;
        // Both are of 256 random bits, and each is compared once: nobody learns anything from how long that takes.
        if self.nonce.as_deref() != Some(expected.nonce) {
            return Err(Mistrust::Nonce);
        }
        let subject = self.sub.as_deref().filter(|sub| !sub.is_empty() && sub.len() <= MAX_SUBJECT);
        let subject = subject.filter(|sub| !sub.chars().any(char::is_control)).ok_or(Mistrust::Subject)?;
        Ok((issuer, subject.to_owned()))
    }

    fn issuer(&self, expected: &str) -> Result<String, Mistrust> {
        let named = self.iss.as_deref().ok_or(Mistrust::Issuer)?;
        let expected = match expected.contains(TENANT) {
            false => expected.to_owned(),
            true => {
                let tenant = self.tid.as_deref().filter(|tid| uuid::Uuid::try_parse(tid).is_ok());
                expected.replace(TENANT, tenant.ok_or(Mistrust::Issuer)?)
            }
        };
        if named == expected { Ok(expected) } else { Err(Mistrust::Issuer) }
    }

    fn check_audience(&self, client: &str) -> Result<(), Mistrust> {
        let Audience(audience) = &self.aud;
        let named = audience.iter().any(|one| one == client);
        // Who was authorised must be said if there are several, and must be this program if it is said.
        let authorised = match &self.azp {
            Some(party) => party == client,
            None => audience.len() == 1,
        };
        if named && authorised { Ok(()) } else { Err(Mistrust::Audience) }
    }

    fn check_times(&self, now: Timestamp) -> Result<(), Mistrust> {
        let now = now.timestamp_millis() as f64 / 1000.0;
        let end = self.exp.ok_or(Mistrust::NoEnd)?;
        if now >= end + SKEW {
            return Err(Mistrust::Expired);
        }
        let begun = |at: f64| at <= now + SKEW;
        if self.iat.is_some_and(begun) && self.nbf.is_none_or(begun) { Ok(()) } else { Err(Mistrust::NotYet) }
    }

    /// Whether the access token that came along belongs to it, if it says to which one (3.1.3.6).
    pub(crate) fn check_access_token(&self, algorithm: &str, access_token: &str) -> Result<(), Mistrust> {
        let Some(hash) = &self.at_hash else { return Ok(()) };
        let function = match algorithm.get(2..) {
            Some("256") => &digest::SHA256,
            Some("384") => &digest::SHA384,
            // RS512, PS512, and EdDSA with Ed25519.
            _ => &digest::SHA512,
        };
        let digest = digest::digest(function, access_token.as_bytes());
        let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
        if URL_SAFE_NO_PAD.encode(left) == *hash { Ok(()) } else { Err(Mistrust::AccessToken) }
    }
}

/// Where Microsoft's issuer has the directory's id.
pub(crate) const TENANT: &str = "{tenantid}";
