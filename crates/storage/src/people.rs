//! People who sign in. There is always an owner who can; and what a person may changes together with what is open to
//! them: their sessions end in the same transaction.

use cofounder_domain::{Email, PersonId, Role, SiteId, Timestamp};
use serde::Serialize;
use std::fmt;

use crate::{
    Acting, Database, Page, StorageError,
    sql::{self, Row, Sql, signed, values},
    work::transaction,
};

/// What is kept of a password. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash in PHC's form.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A person who is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPerson {
    /// Where mail reaches them; no other of the site has it.
    pub email: Email,
    /// What others call them.
    pub name: String,
    /// What they are here.
    pub role: Role,
    /// What is kept of their password; absent for who signs in elsewhere only.
    pub password_hash: Option<PasswordHash>,
}

/// A person as the database has them, but for what is kept of their password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Where mail reaches them.
    pub email: Email,
    /// What others call them.
    pub name: String,
    /// What they are here.
    pub role: Role,
    /// Whether they have a password.
    pub has_password: bool,
    /// Since when they are here.
    pub created_at: Timestamp,
    /// When something of this last changed.
    pub updated_at: Timestamp,
    /// Since when they cannot sign in, if they cannot.
    pub disabled_at: Option<Timestamp>,
    /// Grows with each change.
    pub version: u64,
}

/// A person, and what a password is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub person: Person,
    /// What is kept of their password, if they have one.
    pub password_hash: Option<PasswordHash>,
}

impl Acting<'_> {
    /// Stores a person.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if another has this address.
    pub async fn create_person(&self, person: &NewPerson) -> Result<Person, StorageError> {
        transaction!(self.db, |sql| {
            let made = insert(&sql, person).await?;
            self.act
                .note(&sql, "person.create", ("person", made.id), format!("{} {}", made.role, made.email))
                .await?;
            Ok(made)
        })
        .await
    }
}

impl Database {
    /// A person.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn person(&self, person: PersonId) -> Result<Person, StorageError> {
        let row = self.read().one("SELECT * FROM people WHERE id = $1", values![person.to_string()]).await?;
        person_of(&row.ok_or_else(|| nobody(person))?)
    }

    /// The person who has this address, with what their password is compared with, also if they are disabled.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, StorageError> {
        let Some(row) = by_email(&self.read(), email, "").await? else { return Ok(None) };
        let password_hash = row.get::<Option<String>>("password_hash")?.map(PasswordHash);
        Ok(Some(Credentials { person: person_of(&row)?, password_hash }))
    }

    /// People, the newest first, also those who are disabled.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn people(&self, limit: u64, cursor: Option<&str>) -> Result<Page<Person>, StorageError> {
        let text =
            "SELECT * FROM people WHERE site_id = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3";
        let row = values![
            SiteId::DEFAULT.to_string(),
            sql::cursor::<PersonId>(cursor)?,
            signed(limit).saturating_add(1)
        ];
        let rows = self.read().all(text, row).await?;
        let people = rows.iter().map(person_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(people, limit, |person: &Person| person.id.to_string()))
    }

    /// Whether there is an owner who can sign in.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn has_owner(&self) -> Result<bool, StorageError> {
        other_owner(&self.read(), None).await
    }

    /// Keeps the same password by another hash, made with other parameters. Nothing happens if the password has
    /// changed since.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn rehash_password(
        &self,
        person: PersonId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<(), StorageError> {
        let rehashed = transaction!(self, |sql| {
            let text = "UPDATE people SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
            sql.run(text, values![person.to_string(), from.0.clone(), to.0.clone()]).await
        });
        rehashed.await.map(drop)
    }
}

/// Lets nobody else change who is an owner, make a person or accept a link until the transaction ends: two changes at
/// the same time, each of which leaves an owner, could together leave none.
pub(crate) async fn alone(sql: &Sql<'_>) -> Result<(), StorageError> {
    let text = format!("SELECT id FROM sites WHERE id = $1{}", sql.lock());
    sql.one(&text, values![SiteId::DEFAULT.to_string()]).await.map(drop)
}

/// A person's row, which nobody else changes until the transaction ends. Whoever makes or ends sessions of a person
/// holds it, so that none is made unseen while all are ended.
pub(crate) async fn stored(sql: &Sql<'_>, person: PersonId) -> Result<Person, StorageError> {
    let text = format!("SELECT * FROM people WHERE id = $1{}", sql.lock());
    let row = sql.one(&text, values![person.to_string()]).await?;
    person_of(&row.ok_or_else(|| nobody(person))?)
}

/// The person who has this address, locked if `lock` says so.
pub(crate) async fn by_email(sql: &Sql<'_>, email: &Email, lock: &str) -> Result<Option<Row>, StorageError> {
    let text = format!("SELECT * FROM people WHERE site_id = $1 AND email = $2{lock}");
    sql.one(&text, values![SiteId::DEFAULT.to_string(), email.as_str()]).await
}

/// Whether there is an owner who can sign in, other than this one.
pub(crate) async fn other_owner(sql: &Sql<'_>, than: Option<PersonId>) -> Result<bool, StorageError> {
    let text = "SELECT id FROM people WHERE site_id = $1 AND role = 'owner' AND disabled_at IS NULL AND id <> $2 LIMIT 1";
    let than = than.map(|person| person.to_string()).unwrap_or_default();
    Ok(sql.one(text, values![SiteId::DEFAULT.to_string(), than]).await?.is_some())
}

pub(crate) async fn insert(sql: &Sql<'_>, person: &NewPerson) -> Result<Person, StorageError> {
    let text = "INSERT INTO people (id, site_id, email, name, role, password_hash, created_at, updated_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (site_id, email) DO NOTHING RETURNING *";
    let row = values![
        PersonId::new(sql.db.now()).to_string(),
        SiteId::DEFAULT.to_string(),
        person.email.as_str(),
        person.name.clone(),
        person.role.as_str(),
        person.password_hash.clone().map(|hash| hash.0),
        sql.db.millis()
    ];
    let row = sql.one(text, row).await?.ok_or_else(|| {
        StorageError::Conflict(format!(
            "there is a person with the address {} already. Nobody was added",
            person.email
        ))
    })?;
    person_of(&row)
}

pub(crate) fn nobody(person: PersonId) -> StorageError {
    StorageError::NotFound { what: "person", id: person.to_string() }
}

pub(crate) fn person_of(row: &Row) -> Result<Person, StorageError> {
    Ok(Person {
        id: row.parse("id")?,
        email: row.parse("email")?,
        name: row.get("name")?,
        role: row.parse("role")?,
        has_password: row.get::<Option<String>>("password_hash")?.is_some(),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        disabled_at: row.maybe_time("disabled_at")?,
        version: row.number("version")?,
    })
}
