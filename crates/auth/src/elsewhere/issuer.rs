//! An issuer of OpenID Connect, found by its discovery document (OpenID Connect Discovery 1.0). Google is one; Microsoft is
//! as many as it has directories.

use cofounder_domain::{Clock, Email};
use cofounder_storage::IdentityKey;
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::sync::Arc;
use url::Url;

use super::{
    account::{Account, TokenAnswer},
    exchange::{ClientShows, Exchange, Exchanged},
    id_token::{Claims, Expected, TENANT},
    kept::Kept,
    mistrust::Mistrust,
    outside::{Outside, Unanswered},
    provider::{Back, Failed, Leave},
    settings::{ProviderKind, ProviderSettings},
    signature::{PublicKey, Signed},
};

const SCOPE: &str = "openid email profile";

#[derive(Debug)]
pub(crate) struct Issuer {
    /// Its name, to the byte; of Microsoft's the part of it that is known before the directory is.
    named: String,
    microsoft: bool,
    outside: Outside,
    document: Kept<Document>,
    keys: Kept<Vec<PublicKey>>,
}

/// What it says of itself; what is not used here is passed over.
#[derive(Clone, Debug, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Keys, each of which may be of a kind that nobody here knows.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Issuer {
    pub(crate) fn new(settings: &ProviderSettings, outside: Outside) -> Self {
        let microsoft = matches!(settings.kind, ProviderKind::Microsoft { .. });
        let (document, keys) = (Kept::default(), Kept::default());
        Self { named: settings.base(), microsoft, outside, document, keys }
    }

    pub(crate) async fn leave(&self, leave: &Leave<'_>, clock: &dyn Clock) -> Result<Url, Unanswered> {
        let mut url = self.document(clock).await?.authorization_endpoint.clone();
        leave.write(&mut url, SCOPE);
        url.query_pairs_mut().append_pair("nonce", leave.nonce);
        Ok(url)
    }

    pub(crate) async fn account(
        &self,
        settings: &ProviderSettings,
        back: &Back<'_>,
        clock: &dyn Clock,
    ) -> Result<Account, Failed> {
        let document = self.document(clock).await?;
        match back.issuer {
            Some(named) if named != document.issuer => return Err(Failed::OtherIssuer),
            None if document.authorization_response_iss_parameter_supported => {
                return Err(Failed::OtherIssuer);
            }
            _ => {}
        }
        let asked = clock.now();
        let exchange = Exchange {
            at: &document.token_endpoint,
            client_id: &settings.client_id,
            client_secret: settings.client_secret.as_ref(),
            how: document.client_shows(settings.client_secret.is_some())?,
            code: back.code,
            verifier: back.verifier,
            redirect_uri: back.redirect_uri,
        };
        let tokens = match exchange.run(&self.outside).await? {
            Exchanged::Tokens(tokens) => tokens,
            Exchanged::Refused(word) => return Err(Failed::Code(word)),
        };
        tokens.check_kind()?;
        let claims = self.claims(&document, &tokens, clock).await?;
        let expected = Expected {
            issuer: &document.issuer,
            client: &settings.client_id,
            nonce: back.nonce,
            now: clock.now(),
        };
        let (issuer, subject) = claims.check(&expected)?;
        let told = match (&claims.email, &document.userinfo_endpoint) {
            (None, Some(endpoint)) => {
                tokens.check_time(asked, clock.now())?;
                self.user_info(endpoint, &tokens, &subject).await?
            }
            _ => claims,
        };
        let identity = IdentityKey { provider: settings.name.clone(), issuer, subject };
        Ok(Account { identity, email: self.verified(&told), name: told.name })
    }

    /// Their address, if the issuer says that it has verified it. Microsoft says so with a claim of its own; without that
    /// its `email` is whatever a directory's administrator wrote.
    fn verified(&self, told: &Claims) -> Option<Email> {
        let verified = if self.microsoft { told.xms_edov } else { told.email_verified };
        told.email.as_deref().filter(|_| verified)?.parse().ok()
    }

    /// What the ID token says, whose signature is valid.
    async fn claims(
        &self,
        document: &Document,
        tokens: &TokenAnswer,
        clock: &dyn Clock,
    ) -> Result<Claims, Failed> {
        let token = tokens.id_token.as_ref().ok_or(Mistrust::Malformed)?;
        let signed = Signed::parse(token.expose_secret())?;
        let look = || self.published_keys(document);
        let keys = self.keys.get(clock, look).await?;
        let payload = match signed.verified(&keys) {
            // It may be signed with a key that is newer than what is known.
            Err(Mistrust::NoKey) => match self.keys.newer(&keys, clock, look).await? {
                Some(newer) => signed.verified(&newer)?.to_vec(),
                None => return Err(Mistrust::NoKey.into()),
            },
            payload => payload?.to_vec(),
        };
        let claims = Claims::read(&payload)?;
        claims.check_access_token(signed.algorithm(), tokens.access_token.expose_secret())?;
        Ok(claims)
    }

    /// What the user info endpoint says of the same subject (OpenID Connect Core, 5.3).
    async fn user_info(&self, at: &Url, tokens: &TokenAnswer, subject: &str) -> Result<Claims, Failed> {
        let request = self.outside.get(at)?.bearer_auth(tokens.access_token.expose_secret());
        let told: Claims = self.outside.json(request).await?;
        if told.sub.as_deref() == Some(subject) { Ok(told) } else { Err(Mistrust::Subject.into()) }
    }

    async fn document(&self, clock: &dyn Clock) -> Result<Arc<Document>, Unanswered> {
        self.document.get(clock, || self.published_document()).await
    }

    async fn published_document(&self) -> Result<Document, Unanswered> {
        let url = Url::parse(&format!("{}/.well-known/openid-configuration", self.named));
        let url = url.map_err(|error| Unanswered(format!("it has no address ({error})")))?;
        let document: Document = self.outside.json(self.outside.get(&url)?).await?;
        // Nobody speaks in another's name (Discovery, 4.3).
        if !self.is_named(&document.issuer) {
            return Err(Unanswered(
                "its document names another issuer than the one that is configured".to_owned(),
            ));
        }
        // A browser is sent there: over TLS as well.
        self.outside.may_ask(&document.authorization_endpoint)?;
        Ok(document)
    }

    /// A directory that is configured by its name has its id in the issuer's name, and several have a place for it.
    fn is_named(&self, issuer: &str) -> bool {
        if !self.microsoft {
            return issuer.trim_end_matches('/') == self.named;
        }
        let host = self.named.trim_end_matches("/v2.0").rsplit_once('/').map_or("", |(host, _)| host);
        let tenant = issuer.strip_prefix(host).and_then(|rest| rest.strip_prefix('/')?.strip_suffix("/v2.0"));
        tenant.is_some_and(|tenant| tenant == TENANT || uuid::Uuid::try_parse(tenant).is_ok())
    }

    async fn published_keys(&self, document: &Document) -> Result<Vec<PublicKey>, Unanswered> {
        let set: KeySet = self.outside.json(self.outside.get(&document.jwks_uri)?).await?;
        Ok(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }
}

impl Document {
    fn client_shows(&self, has_secret: bool) -> Result<ClientShows, Unanswered> {
        if !has_secret {
            return Ok(ClientShows::Nothing);
        }
        // Who says nothing takes it in the head (Discovery, section 3).
        let Some(known) = &self.token_endpoint_auth_methods_supported else { return Ok(ClientShows::Head) };
        let takes = |method: &str| known.iter().any(|known| known == method);
        match (takes("client_secret_basic"), takes("client_secret_post")) {
            (true, _) => Ok(ClientShows::Head),
            (_, true) => Ok(ClientShows::Form),
            _ => Err(Unanswered("it takes a client's secret neither in the head nor in a form".to_owned())),
        }
    }
}
