//! Sessions: a person's being signed in, in one browser.

use cofounder_domain::{Clock, FaultKind, PersonId, SessionId, Timestamp};
use cofounder_storage::{Act, Actor, Database, NewSession, Page, Person, Session, StorageError};
use secrecy::SecretString;
use std::{net::IpAddr, sync::Arc, time::Duration};

use crate::{
    AuthError, Identity, Refusal, Who,
    cache::{Answer, Cache},
    secret::{self, Fingerprint, Kind},
};

const DAY: Duration = Duration::from_secs(86_400);
/// The most characters that are kept of what a browser calls itself.
const MAX_AGENT_CHARS: usize = 200;

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// One that nobody uses for so long ends; it may end up to a minute earlier.
    pub idle: Duration,
    /// Every one ends after so long.
    pub lifetime: Duration,
}

impl Default for SessionSettings {
    /// 14 days unused, 90 days in all.
    fn default() -> Self {
        Self { idle: 14 * DAY, lifetime: 90 * DAY }
    }
}

/// From where somebody comes: what they see later in the list of their sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    address: IpAddr,
    agent: String,
    request: String,
}

impl Visitor {
    /// A browser at this address that calls itself so; of that, what can be shown in a line is kept.
    #[must_use]
    pub fn new(address: IpAddr, agent: &str) -> Self {
        let agent = agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT_CHARS).collect();
        Self { address: address.to_canonical(), agent, request: String::new() }
    }

    /// The same, with the name that the log has for what they ask.
    #[must_use]
    pub fn with_request(self, request: impl Into<String>) -> Self {
        Self { request: request.into(), ..self }
    }

    pub(crate) const fn address(&self) -> IpAddr {
        self.address
    }

    /// Their doing, as long as nobody knows who they are.
    #[must_use]
    pub fn act(&self) -> Act {
        self.act_of(Actor::Visitor)
    }

    /// The same of somebody who is known.
    #[must_use]
    pub fn act_of(&self, actor: Actor) -> Act {
        Act { address: self.address.to_string(), request: self.request.clone(), ..Act::of(actor) }
    }
}

/// A session that was begun.
#[derive(Debug)]
pub struct Opened {
    /// What the browser shows from now on: told once, and kept nowhere.
    pub secret: SecretString,
    /// What is known of it.
    pub session: Session,
}

/// A session was not begun or not changed.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes ({0}). Nobody was signed in; try again")]
    NoChance(String),
    /// The database did not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SessionError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::NoChance(_) => FaultKind::Unavailable,
            Self::Storage(error) => error.kind(),
        }
    }
}

/// The sessions of an installation.
#[derive(Debug)]
pub struct Sessions {
    db: Arc<Database>,
    clock: Arc<dyn Clock>,
    settings: SessionSettings,
    cache: Cache,
}

impl Sessions {
    /// Sessions that this database keeps, and that end by this clock.
    #[must_use]
    pub fn new(db: Arc<Database>, clock: Arc<dyn Clock>, settings: SessionSettings) -> Self {
        Self { db, clock, settings, cache: Cache::default() }
    }

    /// Begins a session of a person as they were seen: for whoever has made sure that it is they. Its secret is made here;
    /// none that a browser brings along is ever taken over.
    ///
    /// # Errors
    /// [`SessionError`]; [`StorageError::Changed`] if the person has changed since they were seen.
    pub async fn begin(&self, person: &Person, visitor: &Visitor) -> Result<Opened, SessionError> {
        let (secret, new) = self.prepare(visitor)?;
        let session = self.db.by(&visitor.act()).create_session(person.id, person.version, &new).await?;
        Ok(Opened { secret, session })
    }

    /// Whose session this is. What is learnt holds for a second at most: the end of a session elsewhere, a new role and the
    /// database's being away are felt within that. The end of its time is felt at once.
    ///
    /// # Errors
    /// [`AuthError::SignedOut`] if it is not valid; [`AuthError::Unknown`] if that cannot be told now.
    pub async fn verify(&self, presented: &str) -> Result<Arc<Identity>, AuthError> {
        let session =
            secret::fingerprint(Kind::Session, presented).ok_or(AuthError::SignedOut(Refusal::Malformed))?;
        self.cache.verify(session, &*self.clock, || self.ask(session)).await.map_err(|error| match error {
            AuthError::Refused(refusal) => AuthError::SignedOut(refusal),
            other => other,
        })
    }

    /// A person's sessions that are valid, the newest first.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn list(
        &self,
        person: PersonId,
        limit: u64,
        cursor: Option<&str>,
    ) -> Result<Page<Session>, StorageError> {
        self.db.sessions(person, limit, cursor).await
    }

    /// Ends one of a person's sessions: from now on in this process, within a second in others.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if the person has none of this id.
    pub async fn revoke(
        &self,
        act: &Act,
        person: PersonId,
        session: SessionId,
    ) -> Result<Session, StorageError> {
        let revoked = self.db.by(act).revoke_session(person, session).await?;
        self.cache.forget(|who| matches!(who, Who::Person { session: known, .. } if known == session));
        Ok(revoked)
    }

    /// Ends all of a person's sessions but for the one that is named; tells how many.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such person.
    pub async fn revoke_others(
        &self,
        act: &Act,
        person: PersonId,
        but: SessionId,
    ) -> Result<u64, StorageError> {
        let revoked = self.db.by(act).revoke_sessions(person, Some(but)).await?;
        self.forget(person);
        Ok(revoked)
    }

    /// Writes down when sessions were last used, as far as this process saw it since the last time; of each once a minute.
    /// For whoever does this every few seconds.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; it is written the next time then.
    pub async fn flush_seen(&self) -> Result<(), StorageError> {
        let used = self.cache.take_used();
        let seen = |(who, at): &(Who, Timestamp)| match who {
            Who::Person { session, .. } => Some((*session, *at, *at + self.settings.idle)),
            Who::Token(_) => None,
        };
        let written = self.db.touch_sessions(&used.iter().filter_map(seen).collect::<Vec<_>>()).await;
        if written.is_err() {
            for (who, at) in used {
                self.cache.note(who, at);
            }
        }
        written
    }

    /// A new secret, and the session that it is to open.
    pub(crate) fn prepare(&self, visitor: &Visitor) -> Result<(SecretString, NewSession), SessionError> {
        let (secret, fingerprint) = secret::new(Kind::Session).map_err(SessionError::NoChance)?;
        let now = self.clock.now();
        let new = NewSession {
            hash: hex::encode(fingerprint),
            idle_until: now + self.settings.idle.min(self.settings.lifetime),
            expires_at: now + self.settings.lifetime,
            address: visitor.address.to_string(),
            agent: visitor.agent.clone(),
        };
        Ok((secret, new))
    }

    /// Forgets what was learnt of a person's sessions: they have changed.
    pub(crate) fn forget(&self, person: PersonId) {
        self.cache.forget(|who| matches!(who, Who::Person { person: known, .. } if known == person));
    }

    async fn ask(&self, session: Fingerprint) -> Answer {
        match self.db.session_by_hash(&hex::encode(session)).await {
            Ok(Some(found)) if found.session.revoked_at.is_some() => Answer::Refused(Refusal::Revoked),
            Ok(Some(found)) if found.disabled => Answer::Refused(Refusal::Disabled),
            Ok(Some(found)) => Answer::Known(Arc::new(found.into())),
            Ok(None) => Answer::Refused(Refusal::Unknown),
            Err(error) => Answer::Away(Arc::new(error)),
        }
    }
}
