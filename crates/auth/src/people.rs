//! People: signing in with a password, and changing what somebody is.

use cofounder_domain::{Clock, Email, FaultKind, PersonId, Role, SessionId};
use cofounder_storage::{Act, Actor, Database, NewPerson, Person, PersonChange, Replacement, StorageError};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};

use crate::{
    Opened, PasswordError, Passwords, SessionError, Sessions, Visitor, names,
    password::Verdict,
    throttle::{Throttle, Try},
};

/// The people of an installation.
#[derive(Debug)]
pub struct People {
    db: Arc<Database>,
    passwords: Arc<Passwords>,
    sessions: Arc<Sessions>,
    throttle: Throttle,
}

/// A person, and the session that was begun for them.
#[derive(Debug)]
pub struct Welcome {
    /// Who.
    pub person: Person,
    /// Their session.
    pub opened: Opened,
}

/// Somebody was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// There is nobody like that, or the password is another, or the person cannot sign in: the words are the same, and as
    /// much was computed.
    #[error(
        "the e-mail address or the password is wrong. Try again, or ask an owner for a link to a new password"
    )]
    Wrong,
    /// Too many wrong ones came from there, or were tried for this address.
    #[error("too many wrong passwords. Try again in {} s", seconds(*.0))]
    Wait(Duration),
    /// It could not be compared, or a new one was not taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// No session could be begun.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The database did not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What is to change of a person; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What others call them.
    pub name: Option<String>,
    /// What they are here.
    pub role: Option<Role>,
    /// Whether they cannot sign in.
    pub disabled: Option<bool>,
}

/// A person was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is no name.
    #[error("{}. Nothing was changed", names::RULE)]
    BadName,
    /// No session could be begun in place of the one that ends.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The database did not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A person was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It is no name.
    #[error("{}. Nobody was added", names::RULE)]
    BadName,
    /// The password was not taken.
    #[error("{0}. Nobody was added")]
    Password(#[from] PasswordError),
    /// The database did not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl AddError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::BadName => FaultKind::InvalidInput,
            Self::Password(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }
}

impl People {
    /// People whom this database keeps. Wrong passwords are counted by this clock, here alone.
    #[must_use]
    pub fn new(
        db: Arc<Database>,
        clock: Arc<dyn Clock>,
        passwords: Arc<Passwords>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self { db, passwords, sessions, throttle: Throttle::new(clock) }
    }

    /// Signs a person in who knows their password. `email` is as it was typed.
    ///
    /// # Errors
    /// [`SignInError`]; nobody was signed in then.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        visitor: &Visitor,
    ) -> Result<Welcome, SignInError> {
        let email = email.parse::<Email>();
        let granted = self.enter(email.as_ref().ok(), visitor)?;
        // No such address can be anybody's, and everybody knows that.
        let email = email.map_err(|_| SignInError::Wrong)?;
        let done = self.compare(&email, password, visitor).await;
        self.judge(granted, done)
    }

    /// Sets a new password of a person who is signed in and knows the present one. All their sessions end; the one that is
    /// named goes on as a new one.
    ///
    /// # Errors
    /// [`SignInError`]; nothing was changed then.
    pub async fn change_password(
        &self,
        (person, session): (PersonId, SessionId),
        (present, new): (&SecretString, &SecretString),
        visitor: &Visitor,
    ) -> Result<Welcome, SignInError> {
        let person = self.db.person(person).await?;
        let granted = self.enter(Some(&person.email), visitor)?;
        let done = self.replace_password(&person, session, (present, new), visitor).await;
        self.judge(granted, done)
    }

    /// Adds a person with a password.
    ///
    /// # Errors
    /// [`AddError`]; nobody was added then.
    pub async fn add(
        &self,
        act: &Act,
        email: &Email,
        name: &str,
        role: Role,
        password: &SecretString,
    ) -> Result<Person, AddError> {
        let name = names::checked(name).ok_or(AddError::BadName)?;
        let password_hash = Some(self.passwords.hash(password, email).await?);
        let person = NewPerson { email: email.clone(), name, role, password_hash };
        Ok(self.db.by(act).create_person(&person).await?)
    }

    /// Changes a person. With a new role, or when they cannot sign in any more, all their sessions end; the one that is
    /// named as `here` goes on as a new one if the person can still sign in.
    ///
    /// # Errors
    /// [`StorageError::Changed`] if they are not any more what was seen; [`StorageError::Conflict`] if no owner would be left;
    /// nothing was changed then.
    pub async fn change(
        &self,
        act: &Act,
        person: PersonId,
        change: &Change,
        here: Option<(SessionId, &Visitor)>,
    ) -> Result<(Person, Option<Opened>), ChangeError> {
        let name = change
            .name
            .as_deref()
            .map(|name| names::checked(name).ok_or(ChangeError::BadName))
            .transpose()?;
        let change = PersonChange { name, role: change.role, disabled: change.disabled, password_hash: None };
        let prepared = here.map(|(old, visitor)| {
            self.sessions.prepare(visitor).map(|(secret, new)| (secret, Replacement { old, new }))
        });
        let (secret, instead) = prepared.transpose()?.unzip();
        let changed = self.db.by(act).change_person(person, &change, instead.as_ref()).await?;
        self.sessions.forget(person);
        let opened = secret.zip(changed.session).map(|(secret, session)| Opened { secret, session });
        Ok((changed.person, opened))
    }

    fn enter(&self, email: Option<&Email>, visitor: &Visitor) -> Result<Try, SignInError> {
        self.throttle.enter(visitor.address(), email).map_err(SignInError::Wait)
    }

    /// A try stays counted if the password was wrong, and only then.
    fn judge(&self, granted: Try, done: Result<Welcome, SignInError>) -> Result<Welcome, SignInError> {
        match &done {
            Ok(_) => self.throttle.succeeded(granted),
            Err(SignInError::Wrong) => {}
            Err(_) => self.throttle.give_back(&granted),
        }
        done
    }

    async fn compare(
        &self,
        email: &Email,
        password: &SecretString,
        visitor: &Visitor,
    ) -> Result<Welcome, SignInError> {
        let found = self.db.credentials(email).await?;
        let kept = found.as_ref().and_then(|found| found.password_hash.as_ref());
        let verdict = self.passwords.compare(password, kept).await?;
        let Some(person) = found.as_ref().map(|found| &found.person) else { return Err(SignInError::Wrong) };
        if verdict == Verdict::Wrong || person.disabled_at.is_some() {
            return Err(SignInError::Wrong);
        }
        let opened = match self.sessions.begin(person, visitor).await {
            // What was compared is of before: a new password, or they cannot sign in any more.
            Err(SessionError::Storage(StorageError::Changed { .. } | StorageError::Conflict(_))) => {
                return Err(SignInError::Wrong);
            }
            opened => opened?,
        };
        if let (Verdict::RightButOld, Some(kept)) = (verdict, kept) {
            // Where that fails, the next time does it.
            if let Ok(anew) = self.passwords.hash_again(password).await {
                drop(self.db.rehash_password(person.id, kept, &anew).await);
            }
        }
        Ok(Welcome { person: person.clone(), opened })
    }

    async fn replace_password(
        &self,
        person: &Person,
        old: SessionId,
        (present, new): (&SecretString, &SecretString),
        visitor: &Visitor,
    ) -> Result<Welcome, SignInError> {
        let found = self.db.credentials(&person.email).await?;
        let kept = found.as_ref().and_then(|found| found.password_hash.as_ref());
        if self.passwords.compare(present, kept).await? == Verdict::Wrong {
            return Err(SignInError::Wrong);
        }
        let password_hash = Some(self.passwords.hash(new, &person.email).await?);
        let (secret, new) = self.sessions.prepare(visitor)?;
        let change = PersonChange { password_hash, ..PersonChange::default() };
        let instead = Replacement { old, new };
        let actor = Actor::Person(person.id, person.name.clone());
        let act = visitor.act_of(actor).seeing(person.version);
        let changed = self.db.by(&act).change_person(person.id, &change, Some(&instead)).await?;
        self.sessions.forget(person.id);
        // Without one they cannot sign in any more.
        let session = changed.session.ok_or(SignInError::Wrong)?;
        Ok(Welcome { person: changed.person, opened: Opened { secret, session } })
    }
}

impl SignInError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Wrong => FaultKind::Unauthorised,
            Self::Wait(_) => FaultKind::Limited,
            Self::Password(error) => error.kind(),
            Self::Session(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }
}

impl ChangeError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::BadName => FaultKind::InvalidInput,
            Self::Session(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }
}

/// Whole seconds, rounded up.
fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}
