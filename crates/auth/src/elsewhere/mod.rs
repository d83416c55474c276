//! Signing in elsewhere: at GitHub, Google, Microsoft, or any issuer of OpenID Connect.
//!
//! [`Elsewhere::begin`] sends a browser to a provider with a state that is good for ten minutes, once, and in that browser
//! only; [`Elsewhere::finish`] takes it back, asks the provider who that was, and signs in the person whose account it is.
//! Who is new joins by an invitation or a list, with an address that the provider has verified. An account of somebody who
//! is here already is linked by them when they are signed in, and never because the addresses are equal.
//!
//! A provider's tokens are used to ask who somebody is, within the time that they have, and are dropped before anybody is
//! signed in; none is stored, and a refresh token is not even read. What somebody may here, and for how long, is a
//! [`crate::Sessions`]' to say (docs/adr/0017-signing-in-elsewhere.md).

mod account;
mod arrival;
mod error;
mod exchange;
mod github;
mod id_token;
mod issuer;
mod kept;
mod mistrust;
mod outside;
mod places;
mod provider;
mod return_to;
mod settings;
mod signature;

pub use self::{
    error::ElsewhereError,
    mistrust::Mistrust,
    outside::Deadlines,
    return_to::{ReturnTo, ReturnToError},
    settings::{Admission, ProviderKind, ProviderSettings, SettingsError},
};

use cofounder_domain::{Clock, PersonId};
use cofounder_storage::{BegunSignIn, Database, LinkedIdentity, NewSignIn};
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, time::Duration};
use url::Url;

use self::{
    account::Account,
    places::Places,
    provider::{Back, Leave, Provider},
};
use crate::{
    SessionError, Sessions, Visitor, Welcome,
    secret::{self, Kind},
};

/// How long a browser may be away.
pub const AWAY: Duration = Duration::from_mins(10);

/// What signing in elsewhere is made from.
#[derive(Debug)]
pub struct ElsewhereParts {
    /// Keeps who is whose.
    pub db: Arc<Database>,
    /// Tells when a time is over.
    pub clock: Arc<dyn Clock>,
    /// Makes sessions.
    pub sessions: Arc<Sessions>,
    /// This site's address as browsers see it: what a provider is told to send them back to begins with it. It is
    /// configured, and no request changes it.
    pub site: Url,
    /// Which providers there are.
    pub providers: Vec<ProviderSettings>,
    /// Who may join without an invitation.
    pub admission: Admission,
}

/// The providers of an installation.
#[derive(Debug)]
pub struct Elsewhere {
    db: Arc<Database>,
    clock: Arc<dyn Clock>,
    sessions: Arc<Sessions>,
    site: Url,
    providers: Vec<Provider>,
    admission: Admission,
    places: Places,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser is sent.
    pub redirect: Url,
    /// What the browser keeps until it is back, for [`AWAY`].
    pub browser: SecretString,
}

/// What a browser brings back in its address.
#[derive(Clone, Debug, Default)]
pub struct Returned {
    /// What it took along.
    pub state: Option<String>,
    /// What the provider exchanges for tokens.
    pub code: Option<SecretString>,
    /// Why there is none.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub issuer: Option<String>,
}

/// What came of a sign-in.
#[derive(Debug)]
pub struct Finished {
    /// Where the browser goes.
    pub return_to: ReturnTo,
    /// For whom.
    pub outcome: Outcome,
}

/// For whom a sign-in was.
#[derive(Debug)]
pub enum Outcome {
    /// Somebody is signed in.
    SignedIn(Welcome),
    /// An account was linked to the person who is signed in.
    Linked(LinkedIdentity),
}

impl Elsewhere {
    /// Providers that people of this database sign in at. Connects to nothing.
    ///
    /// # Errors
    /// [`SettingsError`] if one of them cannot be used as it is configured.
    pub fn new(parts: ElsewhereParts) -> Result<Self, SettingsError> {
        let ElsewhereParts { db, clock, sessions, site, providers, admission } = parts;
        let providers = providers.into_iter().map(Provider::new).collect::<Result<_, _>>()?;
        let places = Places::new(clock.clone());
        Ok(Self { db, clock, sessions, site, providers, admission, places })
    }

    /// The names of the providers, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(|provider| provider.settings.name.as_str())
    }

    /// Begins a sign-in, or, for a person who is signed in, the linking of an account. `browser` is what this browser was
    /// given the last time, if it still has it.
    ///
    /// # Errors
    /// [`ElsewhereError`]; nothing has begun then.
    pub async fn begin(
        &self,
        provider: &str,
        browser: Option<&str>,
        return_to: &ReturnTo,
        linking: Option<PersonId>,
        visitor: &Visitor,
    ) -> Result<Begun, ElsewhereError> {
        let provider = self.provider(provider)?;
        self.places.enter(visitor.address()).map_err(ElsewhereError::Wait)?;
        let known = browser
            .and_then(|text| Some((SecretString::from(text), secret::fingerprint(Kind::Browser, text)?)));
        let (browser, browser_hash) = known.map_or_else(|| fresh(Kind::Browser), Ok)?;
        let (state, hash) = fresh(Kind::State)?;
        let (nonce, verifier) = (fresh(Kind::State)?.0, fresh(Kind::State)?.0);
        let name = &provider.settings.name;
        let leave = Leave {
            client_id: &provider.settings.client_id,
            redirect_uri: &self.redirect_uri(name),
            state: state.expose_secret(),
            nonce: nonce.expose_secret(),
            verifier: verifier.expose_secret(),
        };
        let away =
            |why: outside::Unanswered| ElsewhereError::Away { provider: name.clone(), why: why.to_string() };
        let redirect = provider.leave(&leave, &*self.clock).await.map_err(away)?;
        let kept = BegunSignIn {
            provider: name.clone(),
            nonce: nonce.expose_secret().to_owned(),
            verifier: verifier.expose_secret().to_owned(),
            return_to: return_to.as_str().to_owned(),
            person: linking,
        };
        let (hash, browser_hash) = (hex::encode(hash), hex::encode(browser_hash));
        let new = NewSignIn { hash, browser_hash, kept, expires_at: self.clock.now() + AWAY };
        self.db.begin_sign_in(&new).await?;
        Ok(Begun { redirect, browser })
    }

    /// Takes a browser back that was sent to a provider. `browser` is what it was given then, `signed_in` who is signed in
    /// there now.
    ///
    /// # Errors
    /// [`ElsewhereError`]; nobody was signed in then, and nothing was linked. A state that was looked at is used up.
    pub async fn finish(
        &self,
        provider: &str,
        returned: &Returned,
        browser: Option<&str>,
        signed_in: Option<PersonId>,
        visitor: &Visitor,
    ) -> Result<Finished, ElsewhereError> {
        let provider = self.provider(provider)?;
        self.places.enter(visitor.address()).map_err(ElsewhereError::Wait)?;
        let kept = self.take(provider, returned, browser).await?;
        let account = self.ask(provider, returned, &kept).await?;
        let return_to = ReturnTo::parse(&kept.return_to).unwrap_or_default();
        let outcome = match kept.person {
            Some(person) => Outcome::Linked(self.link(person, signed_in, &account, visitor).await?),
            None => Outcome::SignedIn(self.welcome(&account, visitor).await?),
        };
        // What went well costs nothing: neither its beginning nor its end.
        self.places.give_back(visitor.address(), 2);
        Ok(Finished { return_to, outcome })
    }

    fn provider(&self, name: &str) -> Result<&Provider, ElsewhereError> {
        self.providers.iter().find(|known| known.settings.name == name).ok_or(ElsewhereError::NoProvider)
    }

    /// The address to which a provider sends browsers back, the same to the byte each time.
    fn redirect_uri(&self, provider: &str) -> String {
        format!("{}/auth/{provider}/callback", self.site.as_str().trim_end_matches('/'))
    }

    /// What was kept of a sign-in, if it was begun in this browser, at this provider, and in time. It cannot be taken twice.
    async fn take(
        &self,
        provider: &Provider,
        returned: &Returned,
        browser: Option<&str>,
    ) -> Result<BegunSignIn, ElsewhereError> {
        let state = returned.state.as_deref().and_then(|text| secret::fingerprint(Kind::State, text));
        let browser = browser.and_then(|text| secret::fingerprint(Kind::Browser, text));
        let (Some(state), Some(browser)) = (state, browser) else { return Err(ElsewhereError::NotBegun) };
        let kept = self.db.take_sign_in(&hex::encode(state), &hex::encode(browser)).await?;
        kept.filter(|kept| kept.provider == provider.settings.name).ok_or(ElsewhereError::NotBegun)
    }

    /// Who it was, as the provider says.
    async fn ask(
        &self,
        provider: &Provider,
        returned: &Returned,
        kept: &BegunSignIn,
    ) -> Result<Account, ElsewhereError> {
        let name = &provider.settings.name;
        let declined =
            |word: &str| ElsewhereError::Declined { provider: name.clone(), word: exchange::word(word) };
        if let Some(error) = &returned.error {
            return Err(declined(error));
        }
        let code = returned.code.as_ref().ok_or_else(|| declined("no_code"))?;
        let back = Back {
            code: code.expose_secret(),
            issuer: returned.issuer.as_deref(),
            redirect_uri: &self.redirect_uri(name),
            nonce: &kept.nonce,
            verifier: &kept.verifier,
        };
        let asked = provider.account(&back, &*self.clock).await;
        asked.map_err(|failed| ElsewhereError::of(failed, name))
    }
}

fn fresh(kind: Kind) -> Result<(SecretString, secret::Fingerprint), ElsewhereError> {
    secret::new(kind).map_err(|error| ElsewhereError::Session(SessionError::NoChance(error)))
}
