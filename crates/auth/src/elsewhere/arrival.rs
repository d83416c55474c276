//! Whoever came back from a provider: known, linked, or new.

use cofounder_domain::{Email, PersonId};
use cofounder_storage::{Actor, LinkedIdentity, Newcomer, Person, StorageError};

use super::{Elsewhere, ElsewhereError, account::Account};
use crate::{Opened, SessionError, Visitor, Welcome};

impl Elsewhere {
    pub(super) async fn link(
        &self,
        person: PersonId,
        signed_in: Option<PersonId>,
        account: &Account,
        visitor: &Visitor,
    ) -> Result<LinkedIdentity, ElsewhereError> {
        if signed_in != Some(person) {
            return Err(ElsewhereError::NotSignedIn);
        }
        let known = self.db.person(person).await?;
        let act = visitor.act_of(Actor::Person(person, known.name));
        Ok(self.db.by(&act).link_identity(person, &account.identity, account.email.as_ref()).await?)
    }

    pub(super) async fn welcome(
        &self,
        account: &Account,
        visitor: &Visitor,
    ) -> Result<Welcome, ElsewhereError> {
        match self.db.person_by_identity(&account.identity).await? {
            Some(person) => self.known(person, visitor).await,
            None => self.newcomer(account, visitor).await,
        }
    }

    async fn known(&self, person: Person, visitor: &Visitor) -> Result<Welcome, ElsewhereError> {
        let opened = match self.sessions.begin(&person, visitor).await {
            Err(SessionError::Storage(StorageError::Conflict(_))) => return Err(ElsewhereError::Disabled),
            opened => opened?,
        };
        Ok(Welcome { person, opened })
    }

    /// Lets somebody join whom nobody here knows.
    async fn newcomer(&self, account: &Account, visitor: &Visitor) -> Result<Welcome, ElsewhereError> {
        let unverified = || ElsewhereError::Unverified(account.identity.provider.clone());
        let email = account.email.as_ref().ok_or_else(unverified)?;
        let newcomer = Newcomer {
            identity: account.identity.clone(),
            email: email.clone(),
            name: account.called(email),
            role: self.admission.role(email),
        };
        let (secret, session) = self.sessions.prepare(visitor)?;
        match self.db.by(&visitor.act()).join(&newcomer, &session).await {
            Ok(Some((person, session))) => Ok(Welcome { person, opened: Opened { secret, session } }),
            Ok(None) => Err(ElsewhereError::NotInvited(email.to_string())),
            // Somebody here has the address.
            Err(StorageError::Conflict(_)) => Err(not_linked(email)),
            Err(error) => Err(error.into()),
        }
    }
}

fn not_linked(email: &Email) -> ElsewhereError {
    ElsewhereError::NotLinked(email.to_string())
}
