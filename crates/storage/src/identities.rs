//! Who a person is at providers: they sign in with an account there, which is known by its issuer's subject and never by
//! an address. An account belongs to one person, and nobody loses the last way by which they sign in.

use cofounder_domain::{Email, PersonId, Role, SiteId, Timestamp};
use serde::Serialize;

use crate::{
    Acting, Database, NewPerson, NewSession, Person, Session, StorageError,
    people::{self, alone, person_of, stored},
    sessions,
    sql::{Row, Sql, values},
    work::transaction,
};

/// The most accounts elsewhere that one person has.
const MOST: usize = 20;

/// An account at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdentityKey {
    /// The provider, as it is configured here.
    pub provider: String,
    /// Who says so there.
    pub issuer: String,
    /// The name that never changes hands.
    pub subject: String,
}

/// An account at a provider that is a person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkedIdentity {
    /// The provider, as it is configured here.
    pub provider: String,
    /// Who says so there.
    pub issuer: String,
    /// The name that never changes hands.
    pub subject: String,
    /// Whose it is.
    pub person: PersonId,
    /// The address that it had when it was linked: for people to know it again, and for nothing else.
    pub email: Option<Email>,
    /// When it was linked.
    pub linked_at: Timestamp,
}

/// Somebody whom nobody here knows yet, as their provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// Their account there.
    pub identity: IdentityKey,
    /// Their address, which the provider has verified.
    pub email: Email,
    /// What others are to call them.
    pub name: String,
    /// What they will be without an invitation; absent if they need one.
    pub role: Option<Role>,
}

impl Acting<'_> {
    /// Links an account to a person. One that is theirs already stays as it is.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is another's, the person cannot sign in, or has too many;
    /// [`StorageError::NotFound`] if there is no such person. Nothing was linked then.
    pub async fn link_identity(
        &self,
        person: PersonId,
        identity: &IdentityKey,
        email: Option<&Email>,
    ) -> Result<LinkedIdentity, StorageError> {
        transaction!(self.db, |sql| {
            let who = stored(&sql, person).await?;
            if who.disabled_at.is_some() {
                return Err(StorageError::Conflict(format!(
                    "{} cannot sign in. Nothing was linked",
                    who.email
                )));
            }
            let linked = of(&sql, person).await?;
            if let Some(known) = linked.iter().find(|known| known.is(identity)) {
                return Ok(known.clone());
            }
            if linked.len() >= MOST {
                let words = format!(
                    "{} accounts are linked already, and no more can be. Unlink one first",
                    linked.len()
                );
                return Err(StorageError::Conflict(words));
            }
            let linked = insert(&sql, person, identity, email).await?;
            self.act.note(&sql, "identity.link", ("person", person), told(identity)).await?;
            Ok(linked)
        })
        .await
    }
}

impl Database {
    /// The person whose account this is, also if they are disabled.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn person_by_identity(&self, identity: &IdentityKey) -> Result<Option<Person>, StorageError> {
        let text = "SELECT p.* FROM identities i JOIN people p ON p.id = i.person_id
                    WHERE i.provider = $1 AND i.issuer = $2 AND i.subject = $3";
        let row = self.read().one(text, key(identity)).await?;
        row.as_ref().map(person_of).transpose()
    }

    /// The accounts elsewhere that are a person's, the first one first.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn identities(&self, person: PersonId) -> Result<Vec<LinkedIdentity>, StorageError> {
        of(&self.read(), person).await
    }
}

impl Acting<'_> {
    /// Unlinks an account from its person. Nobody signs in with it from now on.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is the last way by which they can sign in; [`StorageError::NotFound`] if it is
    /// not theirs. It stays linked then.
    pub async fn unlink_identity(
        &self,
        person: PersonId,
        identity: &IdentityKey,
    ) -> Result<Person, StorageError> {
        transaction!(self.db, |sql| {
            // Whoever unlinks holds the person's row, so that two do not take the last two ways at the same time.
            let before = stored(&sql, person).await?;
            let linked = of(&sql, person).await?;
            if !linked.iter().any(|known| known.is(identity)) {
                let id = format!("{} at {}", identity.subject, identity.provider);
                return Err(StorageError::NotFound { what: "linked account", id });
            }
            if linked.len() == 1 && !before.has_password {
                let words = "it is the last way by which this person can sign in, and stays linked. Set a password, or link another account first";
                return Err(StorageError::Conflict(words.to_owned()));
            }
            let text = "DELETE FROM identities WHERE provider = $1 AND issuer = $2 AND subject = $3";
            sql.run(text, key(identity)).await?;
            // Who is just signing in with it was seen at the version before.
            let text = "UPDATE people SET updated_at = $2, version = version + 1 WHERE id = $1 RETURNING *";
            let row = sql.one(text, values![person.to_string(), sql.db.millis()]).await?;
            self.act.note(&sql, "identity.unlink", ("person", person), told(identity)).await?;
            person_of(&row.ok_or_else(|| people::nobody(person))?)
        })
        .await
    }

    /// Lets somebody join whose address is verified: with the role of an invitation to this address, which is used up, or
    /// with their own. They, their account and their session are one transaction. Nothing comes of it if there is
    /// neither.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if a person has this address or this account by now. Nobody joined then.
    pub async fn join(
        &self,
        newcomer: &Newcomer,
        session: &NewSession,
    ) -> Result<Option<(Person, Session)>, StorageError> {
        transaction!(self.db, |sql| {
            alone(&sql).await?;
            let invited = invitation(&sql, &newcomer.email).await?;
            let Some(role) = invited.or(newcomer.role) else { return Ok(None) };
            let (email, name) = (newcomer.email.clone(), newcomer.name.clone());
            let person = people::insert(&sql, &NewPerson { email, name, role, password_hash: None }).await?;
            insert(&sql, person.id, &newcomer.identity, Some(&newcomer.email)).await?;
            let session = sessions::insert(&sql, person.id, session).await?;
            let act = self.act.as_person(person.id, &person.name);
            let how = if invited.is_some() { "invited" } else { "on the list" };
            let detail = format!("{} as {role}, {how}; {}", person.email, told(&newcomer.identity));
            act.note(&sql, "person.join", ("person", person.id), detail).await?;
            Ok(Some((person, session)))
        })
        .await
    }
}

impl LinkedIdentity {
    /// Whether it is this account.
    #[must_use]
    pub fn is(&self, key: &IdentityKey) -> bool {
        (&self.provider, &self.issuer, &self.subject) == (&key.provider, &key.issuer, &key.subject)
    }
}

/// An account in words.
fn told(identity: &IdentityKey) -> String {
    format!("account {} at {}", identity.subject, identity.provider)
}

/// Uses the open invitations to an address up; tells the role of the one that there is.
async fn invitation(sql: &Sql<'_>, email: &Email) -> Result<Option<Role>, StorageError> {
    let text =
        "UPDATE one_time_links SET used_at = $2 WHERE site_id = $3 AND purpose = 'invitation' AND email = $1
                AND used_at IS NULL AND expires_at > $2 RETURNING role";
    let row = values![email.as_str(), sql.db.millis(), SiteId::DEFAULT.to_string()];
    sql.one(text, row).await?.map_or(Ok(None), |row| row.maybe_parse("role"))
}

/// Links an account; whoever calls this holds the person's row, or has just made it.
async fn insert(
    sql: &Sql<'_>,
    person: PersonId,
    identity: &IdentityKey,
    email: Option<&Email>,
) -> Result<LinkedIdentity, StorageError> {
    let text = "INSERT INTO identities (provider, issuer, subject, person_id, email, linked_at) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (provider, issuer, subject) DO NOTHING RETURNING *";
    let mut row = key(identity);
    row.extend(values![person.to_string(), email.map(|email| email.as_str().to_owned()), sql.db.millis()]);
    let taken = || {
        let words = format!(
            "this account at {} is linked to another person. Nothing was linked; unlink it there first",
            identity.provider
        );
        StorageError::Conflict(words)
    };
    identity_of(&sql.one(text, row).await?.ok_or_else(taken)?)
}

async fn of(sql: &Sql<'_>, person: PersonId) -> Result<Vec<LinkedIdentity>, StorageError> {
    let text = "SELECT * FROM identities WHERE person_id = $1 ORDER BY linked_at, provider, issuer, subject";
    let rows = sql.all(text, values![person.to_string()]).await?;
    rows.iter().map(identity_of).collect()
}

fn key(identity: &IdentityKey) -> Vec<sea_orm::Value> {
    values![identity.provider.clone(), identity.issuer.clone(), identity.subject.clone()]
}

fn identity_of(row: &Row) -> Result<LinkedIdentity, StorageError> {
    Ok(LinkedIdentity {
        provider: row.get("provider")?,
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        person: row.parse("person_id")?,
        email: row.maybe_parse("email")?,
        linked_at: row.time("linked_at")?,
    })
}
