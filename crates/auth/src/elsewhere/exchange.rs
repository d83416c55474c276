//! A code becomes tokens (RFC 6749, 4.1.3, with RFC 7636).

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{
    account::TokenAnswer,
    outside::{Answer, Outside, Unanswered, parse},
};

/// What is exchanged, and by whom.
pub(crate) struct Exchange<'a> {
    pub(crate) at: &'a Url,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: Option<&'a SecretString>,
    pub(crate) how: ClientShows,
    pub(crate) code: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) redirect_uri: &'a str,
}

/// How a program shows to a provider that it is the one (OpenID Connect Core, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientShows {
    /// `client_secret_basic`
    Head,
    /// `client_secret_post`
    Form,
    /// Not at all: a public client.
    Nothing,
}

/// A refusal (RFC 6749, 5.2); GitHub sends it with the status 200.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// What came of it.
pub(crate) enum Exchanged {
    Tokens(TokenAnswer),
    /// The provider does not take the code. Its word for why, as far as it is one.
    Refused(String),
}

impl Exchange<'_> {
    pub(crate) async fn run(&self, outside: &Outside) -> Result<Exchanged, Unanswered> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", self.code),
            ("redirect_uri", self.redirect_uri),
            ("code_verifier", self.verifier),
        ];
        let secret = self.client_secret.map(ExposeSecret::expose_secret).unwrap_or_default();
        match self.how {
            ClientShows::Head => {}
            ClientShows::Form => form.extend([("client_id", self.client_id), ("client_secret", secret)]),
            ClientShows::Nothing => form.push(("client_id", self.client_id)),
        }
        let request = outside.post(self.at, &form)?;
        let request = match self.how {
            // Each is encoded as in a form first (RFC 6749, 2.3.1).
            ClientShows::Head => request.basic_auth(encoded(self.client_id), Some(encoded(secret))),
            _ => request,
        };
        let Answer { status, body } = outside.send(request).await?;
        if let Ok(refusal) = parse::<Refusal>(&body)
            && (status.is_success() || status.is_client_error())
        {
            return Ok(Exchanged::Refused(word(&refusal.error)));
        }
        if !status.is_success() {
            return Err(Unanswered(format!("it answered {} to the code", status.as_u16())));
        }
        parse(&body).map(Exchanged::Tokens)
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A word from outside as it can stand in a line.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let word: String = text.chars().filter(plain).take(60).collect();
    if word.is_empty() { "unnamed".to_owned() } else { word }
}
