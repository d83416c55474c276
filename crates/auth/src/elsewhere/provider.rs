//! One provider: how a browser leaves for it, and who comes back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cofounder_domain::Clock;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    account::Account,
    github::GitHub,
    issuer::Issuer,
    mistrust::Mistrust,
    outside::{Outside, Unanswered},
    settings::{ProviderKind, ProviderSettings, SettingsError},
};

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) settings: ProviderSettings,
    dialect: Dialect,
}

#[derive(Debug)]
enum Dialect {
    GitHub(GitHub),
    Issuer(Issuer),
}

/// What a browser takes along when it leaves.
pub(crate) struct Leave<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) state: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) verifier: &'a str,
}

/// What it brings back, and what was kept until then.
pub(crate) struct Back<'a> {
    pub(crate) code: &'a str,
    /// Who answers, if they say so (RFC 9207).
    pub(crate) issuer: Option<&'a str>,
    pub(crate) redirect_uri: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) verifier: &'a str,
}

/// Why nobody came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error(transparent)]
    Mistrust(#[from] Mistrust),
    /// The answer is another issuer's, or does not say whose it is and should.
    #[error("another issuer answered")]
    OtherIssuer,
    /// The code was not taken; the provider's word for why.
    #[error("the code was not taken: {0}")]
    Code(String),
}

impl Provider {
    pub(crate) fn new(settings: ProviderSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let wrong = |error: String| SettingsError::Outside(settings.name.clone(), error);
        let at = Url::parse(&settings.base()).map_err(|error| wrong(error.to_string()))?;
        let outside = Outside::new(&at, settings.deadlines).map_err(wrong)?;
        let dialect = match settings.kind {
            ProviderKind::GitHub { .. } => Dialect::GitHub(GitHub::new(&settings, outside)),
            _ => Dialect::Issuer(Issuer::new(&settings, outside)),
        };
        Ok(Self { settings, dialect })
    }

    /// Where a browser is sent.
    pub(crate) async fn leave(&self, leave: &Leave<'_>, clock: &dyn Clock) -> Result<Url, Unanswered> {
        match &self.dialect {
            Dialect::GitHub(github) => github.leave(leave),
            Dialect::Issuer(issuer) => issuer.leave(leave, clock).await,
        }
    }

    /// Who came back.
    pub(crate) async fn account(&self, back: &Back<'_>, clock: &dyn Clock) -> Result<Account, Failed> {
        match &self.dialect {
            Dialect::GitHub(github) => github.account(&self.settings, back, clock).await,
            Dialect::Issuer(issuer) => issuer.account(&self.settings, back, clock).await,
        }
    }
}

impl Leave<'_> {
    /// Writes what every provider is told (RFC 6749, 4.1.1, with RFC 7636).
    pub(crate) fn write(&self, url: &mut Url, scope: &str) {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("scope", scope)
            .append_pair("state", self.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
    }
}
