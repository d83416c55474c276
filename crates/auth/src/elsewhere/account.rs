//! Somebody's account at a provider, as the provider tells it.

use cofounder_domain::{Email, Timestamp};
use cofounder_storage::IdentityKey;
use secrecy::SecretString;
use serde::Deserialize;
use std::time::Duration;

use super::mistrust::Mistrust;
use crate::MAX_NAME_CHARS;

/// Who came back from a provider. What was read of them is believed; the tokens by which it was read are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) identity: IdentityKey,
    /// Their address, if the provider says that it has verified it.
    pub(crate) email: Option<Email>,
    /// What others call them there.
    pub(crate) name: Option<String>,
}

impl Account {
    /// What others are to call them here: what the provider says if it is a name, else the beginning of their address.
    pub(crate) fn called(&self, email: &Email) -> String {
        let named = self.name.as_deref().unwrap_or_default();
        let plain =
            |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect::<String>();
        let name = plain(named).trim().to_owned();
        if name.is_empty() { plain(email.as_str().split('@').next().unwrap_or_default()) } else { name }
    }
}

/// What a provider gives for a code (RFC 6749, 5.1). It is used at once and then dropped: nothing of it is stored, and a
/// `refresh_token` is not even read.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: SecretString,
    #[serde(default)]
    token_type: String,
    /// Seconds, as a number or as a text.
    #[serde(default)]
    expires_in: Option<Seconds>,
    #[serde(default)]
    pub(crate) id_token: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl TokenAnswer {
    /// Refuses a token of a kind that is not used here.
    pub(crate) fn check_kind(&self) -> Result<(), Mistrust> {
        if self.token_type.eq_ignore_ascii_case("bearer") { Ok(()) } else { Err(Mistrust::TokenType) }
    }

    /// Refuses to use an access token whose time is over, by when it was asked for. One that does not say when it ends is
    /// used within the deadline of a request.
    pub(crate) fn check_time(&self, asked: Timestamp, now: Timestamp) -> Result<(), Mistrust> {
        let seconds = match &self.expires_in {
            None => return Ok(()),
            Some(Seconds::Number(seconds)) => *seconds,
            Some(Seconds::Text(text)) => text.trim().parse().map_err(|_| Mistrust::AccessExpired)?,
        };
        let lasts = Duration::try_from_secs_f64(seconds).map_err(|_| Mistrust::AccessExpired)?;
        let passed = (now - asked).to_std().map_err(|_| Mistrust::AccessExpired)?;
        if passed < lasts { Ok(()) } else { Err(Mistrust::AccessExpired) }
    }
}
