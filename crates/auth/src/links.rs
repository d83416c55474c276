//! Links that are used once: for the first owner, for who is invited, for a new password.

use cofounder_domain::{Clock, Email, EmailError, FaultKind, Role};
use cofounder_storage::{Acceptance, Act, Database, Link, LinkPurpose, NewLink, StorageError};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};

use crate::{
    Opened, PasswordError, Passwords, SessionError, Sessions, Visitor, Welcome, names,
    secret::{self, Kind},
};

const HOUR: Duration = Duration::from_secs(3600);
/// How long a link for the first owner, or to a new password, can be used.
pub const LINK_LIFETIME: Duration = HOUR;
/// How long an invitation can be used.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// The links of an installation.
#[derive(Debug)]
pub struct Links {
    db: Arc<Database>,
    clock: Arc<dyn Clock>,
    passwords: Arc<Passwords>,
    sessions: Arc<Sessions>,
}

/// A link that was made.
#[derive(Debug)]
pub struct MadeLink {
    /// What its address carries: told once, and kept nowhere.
    pub secret: SecretString,
    /// What is known of it.
    pub link: Link,
}

/// What a person says who opens a link.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Their address; asked of the first owner only.
    pub email: Option<String>,
    /// What others are to call them; not asked for with a new password.
    pub name: Option<String>,
    /// The password that they choose.
    pub password: SecretString,
}

/// A link was not made, or gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It cannot be used. The words are the same whatever the reason.
    #[error(
        "this link cannot be used: it is not complete, was used before, or is too old. Ask for a new one"
    )]
    Invalid,
    /// It is no name.
    #[error("{}. The link can still be used", names::RULE)]
    BadName,
    /// It is no address.
    #[error("{0}. The link can still be used")]
    BadEmail(#[from] EmailError),
    /// The password was not taken.
    #[error("{0}. The link can still be used")]
    Password(#[from] PasswordError),
    /// No secret could be made.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The database did not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl LinkError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Invalid => FaultKind::NotFound,
            Self::BadName | Self::BadEmail(_) => FaultKind::InvalidInput,
            Self::Password(error) => error.kind(),
            Self::Session(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }
}

impl Links {
    /// Links that this database keeps, and that end by this clock.
    #[must_use]
    pub fn new(
        db: Arc<Database>,
        clock: Arc<dyn Clock>,
        passwords: Arc<Passwords>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self { db, clock, passwords, sessions }
    }

    /// A link by which somebody becomes the first owner. An earlier one gives nothing any more.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if there is an owner.
    pub async fn for_owner(&self, act: &Act) -> Result<MadeLink, LinkError> {
        self.make(act, LinkPurpose::Owner, None, None, LINK_LIFETIME).await
    }

    /// A link by which somebody joins, with this role. An earlier one for the same address gives nothing any more.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if they are here already.
    pub async fn for_guest(&self, act: &Act, email: Email, role: Role) -> Result<MadeLink, LinkError> {
        self.make(act, LinkPurpose::Invitation, Some(email), Some(role), INVITATION_LIFETIME).await
    }

    /// A link to a new password, for whoever may manage people, or to be sent to this address. An earlier one gives
    /// nothing any more.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if nobody with this address can sign in, which is not for everybody to know.
    pub async fn for_password(&self, act: &Act, email: Email) -> Result<MadeLink, LinkError> {
        self.make(act, LinkPurpose::Password, Some(email), None, LINK_LIFETIME).await
    }

    /// What a link is for. It can be used afterwards as before.
    ///
    /// # Errors
    /// [`LinkError::Invalid`] if it cannot be used.
    pub async fn look(&self, presented: &str) -> Result<Link, LinkError> {
        self.find(presented).await.map(|(link, _)| link)
    }

    /// Uses a link up: its person is there, or has the new password and no other session, and is signed in. Nothing is
    /// computed for a link that cannot be used.
    ///
    /// # Errors
    /// [`LinkError`]; the link can be used afterwards as before, unless it could not be before.
    pub async fn accept(
        &self,
        presented: &str,
        guest: &Guest,
        visitor: &Visitor,
    ) -> Result<Welcome, LinkError> {
        let (link, hash) = self.find(presented).await?;
        let email = match (&link.email, &guest.email) {
            (Some(email), _) => email.clone(),
            (None, typed) => typed.as_deref().unwrap_or_default().parse()?,
        };
        let name = match link.purpose {
            LinkPurpose::Password => String::new(),
            _ => names::checked(guest.name.as_deref().unwrap_or_default()).ok_or(LinkError::BadName)?,
        };
        let password_hash = self.passwords.hash(&guest.password, &email).await?;
        let acceptance = Acceptance { email: Some(email), name, password_hash };
        let (secret, new) = self.sessions.prepare(visitor)?;
        let given = self.db.by(&visitor.act()).accept_link(&hash, &acceptance, &new).await?;
        let (person, session) = given.ok_or(LinkError::Invalid)?;
        self.sessions.forget(person.id);
        Ok(Welcome { person, opened: Opened { secret, session } })
    }

    async fn find(&self, presented: &str) -> Result<(Link, String), LinkError> {
        let hash = secret::fingerprint(Kind::Link, presented).map(hex::encode).ok_or(LinkError::Invalid)?;
        let link = self.db.open_link(&hash).await?.ok_or(LinkError::Invalid)?;
        Ok((link, hash))
    }

    async fn make(
        &self,
        act: &Act,
        purpose: LinkPurpose,
        email: Option<Email>,
        role: Option<Role>,
        lifetime: Duration,
    ) -> Result<MadeLink, LinkError> {
        let (secret, fingerprint) = secret::new(Kind::Link).map_err(SessionError::NoChance)?;
        let (hash, expires_at) = (hex::encode(fingerprint), self.clock.now() + lifetime);
        let link = self.db.by(act).create_link(&NewLink { hash, purpose, email, role, expires_at }).await?;
        Ok(MadeLink { secret, link })
    }
}
