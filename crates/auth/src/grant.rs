//! The client credentials grant (RFC 6749, 4.4): a program that has a token gets a secret that opens the same, or less, for
//! an hour at most. So what goes through many hands, or stands in a log, is worth nothing soon.
//!
//! The secret is the token itself in other words: who shows it is that token, with its budgets and its limits, and is not
//! let in any more when the token is taken back. It makes no further one.

use cofounder_domain::{Clock, FaultKind, TokenId};
use cofounder_storage::{Database, NewAccessToken, StorageError};
use secrecy::{ExposeSecret, SecretString};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    AuthError, Scope, Tokens, Visitor,
    secret::{self, Kind},
    throttle::{Buckets, place},
};

/// How long an access token is valid at most.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(3600);
/// Wrong tries that a place has at once; one comes back a minute.
const OF_PLACE: i32 = 10;
/// Access tokens that a token gets at once; one comes back a minute.
const OF_CLIENT: i32 = 30;

/// Makes access tokens.
#[derive(Debug)]
pub struct Grants {
    db: Arc<Database>,
    clock: Arc<dyn Clock>,
    tokens: Arc<Tokens>,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    places: Buckets<IpAddr>,
    clients: Buckets<TokenId>,
}

/// An access token that was made.
#[derive(Debug)]
pub struct Granted {
    /// Its text: told once, and kept nowhere.
    pub secret: SecretString,
    /// What it may.
    pub scopes: Vec<Scope>,
    /// How long it is valid.
    pub lifetime: Duration,
}

/// No access token was made.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such token, or its text is another, or it is not valid: the words are the same.
    #[error(
        "the client is not known. `client_id` is a token's id, as `cofounder token list` shows it, and `client_secret` its text"
    )]
    Client,
    /// It is none, or the token does not have it.
    #[error(
        "the token does not have the scope that was asked for, or there is none of this name. Leave `scope` out for all that it has"
    )]
    Scope,
    /// Too many.
    #[error("too many access tokens were asked for. Try again in {} s, and use one until its end", .0.as_millis().div_ceil(1000))]
    Wait(Duration),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes ({0}). Nothing was made; try again")]
    NoChance(String),
    /// The database did not answer.
    #[error("who asks cannot be checked now: {0}")]
    Unknown(Arc<StorageError>),
}

impl Grants {
    /// Access tokens of these tokens.
    #[must_use]
    pub fn new(db: Arc<Database>, clock: Arc<dyn Clock>, tokens: Arc<Tokens>) -> Self {
        Self { db, clock, tokens, asked: Mutex::default() }
    }

    /// An access token for whoever shows a token's id and text. `scope` names what it is to be able to do, with spaces
    /// between; all that the token may if absent.
    ///
    /// # Errors
    /// [`GrantError`]; nothing was made then.
    pub async fn client_credentials(
        &self,
        (id, text): (&str, &SecretString),
        scope: Option<&str>,
        visitor: &Visitor,
    ) -> Result<Granted, GrantError> {
        let from = visitor.address();
        self.enter(from)?;
        let client: TokenId = id.parse().map_err(|_| GrantError::Client)?;
        // An access token makes no further one: it would live for ever by that.
        if secret::fingerprint(Kind::Token, text.expose_secret()).is_none() {
            return Err(GrantError::Client);
        }
        let identity = match self.tokens.verify(text.expose_secret()).await {
            Ok(identity) => identity,
            Err(error) => {
                // That nobody could tell is no wrong try.
                if error.refusal().is_none() {
                    self.give_back(from);
                }
                return Err(GrantError::of(error));
            }
        };
        if identity.token() != Some(client) {
            return Err(GrantError::Client);
        }
        self.give_back(from);
        let scopes = narrowed(scope, |needed| identity.allows(needed), &identity.scopes)?;
        self.count(client)?;
        let (secret, fingerprint) = secret::new(Kind::Access).map_err(GrantError::NoChance)?;
        let now = self.clock.now();
        let expires_at = (now + ACCESS_LIFETIME).min(identity.expires_at);
        let names = scopes.iter().map(ToString::to_string).collect();
        let new = NewAccessToken { hash: hex::encode(fingerprint), scopes: names, expires_at };
        match self.db.by(&visitor.act_of(identity.actor())).create_access_token(client, &new).await {
            Ok(()) => {
                Ok(Granted { secret, scopes, lifetime: (expires_at - now).to_std().unwrap_or_default() })
            }
            Err(StorageError::Conflict(_) | StorageError::NotFound { .. }) => Err(GrantError::Client),
            Err(error) => Err(GrantError::Unknown(Arc::new(error))),
        }
    }

    /// A try from here, which is counted as wrong until it is given back.
    fn enter(&self, from: IpAddr) -> Result<(), GrantError> {
        let (mut asked, now, place) = (self.asked(), self.clock.now(), place(from));
        match asked.places.wait(&place, OF_PLACE, now) {
            Duration::ZERO => {
                asked.places.take(&place, now);
                Ok(())
            }
            wait => Err(GrantError::Wait(wait)),
        }
    }

    fn give_back(&self, from: IpAddr) {
        self.asked().places.give_back(&place(from));
    }

    fn count(&self, client: TokenId) -> Result<(), GrantError> {
        let (mut asked, now) = (self.asked(), self.clock.now());
        match asked.clients.wait(&client, OF_CLIENT, now) {
            Duration::ZERO => {
                asked.clients.take(&client, now);
                Ok(())
            }
            wait => Err(GrantError::Wait(wait)),
        }
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The scopes that are asked for, if all of them are allowed; else all that there are.
fn narrowed(
    scope: Option<&str>,
    allows: impl Fn(Scope) -> bool,
    all: &[Scope],
) -> Result<Vec<Scope>, GrantError> {
    let Some(named) = scope else { return Ok(all.to_vec()) };
    let mut scopes: Vec<Scope> =
        named.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| GrantError::Scope)?;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.iter().all(|scope| allows(*scope)) { Ok(scopes) } else { Err(GrantError::Scope) }
}

impl GrantError {
    fn of(error: AuthError) -> Self {
        match error {
            AuthError::Refused(_) | AuthError::SignedOut(_) => Self::Client,
            AuthError::Unknown(error) => Self::Unknown(error),
        }
    }

    /// The word that RFC 6749, 5.2, has for it; one of RFC 6749, 4.1.2.1, for what it has none for there.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Client => "invalid_client",
            Self::Scope => "invalid_scope",
            Self::Wait(_) | Self::NoChance(_) | Self::Unknown(_) => "temporarily_unavailable",
        }
    }

    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Client => FaultKind::Unauthorised,
            Self::Scope => FaultKind::InvalidInput,
            Self::Wait(_) => FaultKind::Limited,
            Self::NoChance(_) => FaultKind::Unavailable,
            Self::Unknown(error) => error.kind(),
        }
    }

    /// How long to wait, if that is what it takes.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Wait(wait) => Some(*wait),
            _ => None,
        }
    }
}
