//! GitHub, which is no issuer of OpenID Connect for people: OAuth, and its API tells who they are.
//!
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
//! <https://docs.github.com/en/rest/users>

use cofounder_domain::Clock;
use cofounder_storage::IdentityKey;
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{
    account::{Account, TokenAnswer},
    exchange::{ClientShows, Exchange, Exchanged},
    outside::{Outside, Unanswered},
    provider::{Back, Failed, Leave},
    settings::{ProviderKind, ProviderSettings},
};

pub(crate) const BASE: &str = "https://github.com";
const API: &str = "https://api.github.com";
/// Who they are, and which of their addresses are verified.
const SCOPE: &str = "read:user user:email";
/// The version of the API that this is written for.
const VERSION: &str = "2022-11-28";

#[derive(Debug)]
pub(crate) struct GitHub {
    base: String,
    api: String,
    outside: Outside,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl GitHub {
    pub(crate) fn new(settings: &ProviderSettings, outside: Outside) -> Self {
        let base = settings.base();
        let given = match &settings.kind {
            ProviderKind::GitHub { api_url, .. } => api_url.as_ref().map(Url::to_string),
            _ => None,
        };
        let usual = || if base == BASE { API.to_owned() } else { format!("{base}/api/v3") };
        let api = given.unwrap_or_else(usual).trim_end_matches('/').to_owned();
        Self { base, api, outside }
    }

    pub(crate) fn leave(&self, leave: &Leave<'_>) -> Result<Url, Unanswered> {
        let mut url = self.address(&self.base, "/login/oauth/authorize")?;
        leave.write(&mut url, SCOPE);
        Ok(url)
    }

    pub(crate) async fn account(
        &self,
        settings: &ProviderSettings,
        back: &Back<'_>,
        clock: &dyn Clock,
    ) -> Result<Account, Failed> {
        // It does not say by name who answers, unless a newer one does.
        if let Some(named) = back.issuer
            && Url::parse(named).ok().map(|url| url.origin())
                != Url::parse(&self.base).ok().map(|url| url.origin())
        {
            return Err(Failed::OtherIssuer);
        }
        let asked = clock.now();
        let exchange = Exchange {
            at: &self.address(&self.base, "/login/oauth/access_token")?,
            client_id: &settings.client_id,
            client_secret: settings.client_secret.as_ref(),
            how: ClientShows::Form,
            code: back.code,
            verifier: back.verifier,
            redirect_uri: back.redirect_uri,
        };
        let tokens = match exchange.run(&self.outside).await? {
            Exchanged::Tokens(tokens) => tokens,
            Exchanged::Refused(word) => return Err(Failed::Code(word)),
        };
        tokens.check_kind()?;
        tokens.check_time(asked, clock.now())?;
        let user: User = self.ask(&tokens, "/user").await?;
        let addresses: Vec<Address> = self.ask(&tokens, "/user/emails?per_page=100").await?;
        let primary = addresses.into_iter().find(|address| address.primary && address.verified);
        let identity = IdentityKey {
            provider: settings.name.clone(),
            issuer: self.base.clone(),
            // The number stays; the name can be given away.
            subject: user.id.to_string(),
        };
        let name = user.name.filter(|name| !name.trim().is_empty()).or(Some(user.login));
        Ok(Account { identity, email: primary.and_then(|address| address.email.parse().ok()), name })
    }

    async fn ask<T: DeserializeOwned>(&self, tokens: &TokenAnswer, path: &str) -> Result<T, Unanswered> {
        let request = self.outside.get(&self.address(&self.api, path)?)?;
        let request =
            request.bearer_auth(tokens.access_token.expose_secret()).header("x-github-api-version", VERSION);
        self.outside.json(request).await
    }

    fn address(&self, base: &str, path: &str) -> Result<Url, Unanswered> {
        Url::parse(&format!("{base}{path}"))
            .map_err(|error| Unanswered(format!("it has no address ({error})")))
    }
}
