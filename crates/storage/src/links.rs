//! Links that a person opens once: to be the first owner, to join, to have a new password. Of a link's secret only a hash
//! comes here. What a link gives and its being used up are one transaction.

use cofounder_domain::{Email, PersonId, Role, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Acting, Database, NewPerson, NewSession, PasswordHash, Person, Session, StorageError,
    people::{self, alone, by_email, other_owner, person_of},
    people_changes::set_password,
    sessions,
    sql::{Row, Sql, values, word},
    work::transaction,
};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Becoming the first owner.
    Owner,
    /// Joining, with a role.
    Invitation,
    /// A new password.
    Password,
}

/// A link that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// SHA-256 of its secret, in hexadecimal digits.
    pub hash: String,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whom it is for; absent for the first owner.
    pub email: Option<Email>,
    /// What they will be; for an invitation.
    pub role: Option<Role>,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
}

/// A link as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whom it is for.
    pub email: Option<Email>,
    /// What they will be.
    pub role: Option<Role>,
    /// Who made it.
    pub made_by: Option<PersonId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
}

/// What a person says who opens a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Their address, if the link does not know it.
    pub email: Option<Email>,
    /// What others call them; a link to a new password does not change it.
    pub name: String,
    /// What is kept of their password.
    pub password_hash: PasswordHash,
}

impl Acting<'_> {
    /// Stores a link. Others for the same purpose and address that nobody has used are gone.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if there is nothing that it could give: there is an owner, the person is here already,
    /// or there is nobody with this address who can sign in.
    pub async fn create_link(&self, link: &NewLink) -> Result<Link, StorageError> {
        let purpose = word(&link.purpose)?;
        transaction!(self.db, |sql| {
            alone(&sql).await?;
            check(&sql, link).await?;
            void(&sql, &purpose, link.email.as_ref()).await?;
            let text = "INSERT INTO one_time_links (hash, site_id, purpose, email, role, made_by, created_at, expires_at)
                        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *";
            let row = values![
                link.hash.clone(),
                SiteId::DEFAULT.to_string(),
                purpose.clone(),
                link.email.as_ref().map(|email| email.as_str().to_owned()),
                link.role.map(|role| role.as_str().to_owned()),
                self.act.person().map(|person| person.to_string()),
                sql.db.millis(),
                link.expires_at.timestamp_millis()
            ];
            let row = sql.one(text, row).await?.ok_or_else(|| StorageError::bug("no row came back"))?;
            let whom = link.email.as_ref().map_or("the first owner", Email::as_str);
            let detail = link.role.map_or_else(String::new, |role| role.to_string());
            self.act.note(&sql, &format!("link.{purpose}"), ("link", whom), detail).await?;
            link_of(&row)
        })
        .await
    }
}

impl Database {
    /// The link whose secret has this SHA-256 (in hexadecimal digits), if it can be used now.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn open_link(&self, hash: &str) -> Result<Option<Link>, StorageError> {
        let text = "SELECT * FROM one_time_links WHERE hash = $1 AND used_at IS NULL AND expires_at > $2";
        let row = self.read().one(text, values![hash, self.millis()]).await?;
        row.as_ref().map(link_of).transpose()
    }
}

impl Acting<'_> {
    /// Takes back links that nobody has used; tells how many.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn withdraw_links(
        &self,
        purpose: LinkPurpose,
        email: Option<&Email>,
    ) -> Result<u64, StorageError> {
        let purpose = word(&purpose)?;
        transaction!(self.db, |sql| {
            let gone = void(&sql, &purpose, email).await?;
            if gone > 0 {
                let whom = email.map_or("the first owner", Email::as_str);
                self.act.note(&sql, "link.withdraw", ("link", whom), &purpose).await?;
            }
            Ok(gone)
        })
        .await
    }

    /// Uses a link up: makes its person, or sets their password and ends their sessions, and begins a session. Nothing
    /// comes of a link that cannot be used any more; of several who try at the same time, one has it.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if what it gives is there by now: an owner, or a person with this address. The link is
    /// as it was then.
    pub async fn accept_link(
        &self,
        hash: &str,
        acceptance: &Acceptance,
        session: &NewSession,
    ) -> Result<Option<(Person, Session)>, StorageError> {
        transaction!(self.db, |sql| {
            alone(&sql).await?;
            let text = "UPDATE one_time_links SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING *";
            let Some(row) = sql.one(text, values![hash, sql.db.millis()]).await? else { return Ok(None) };
            let Some(person) = give(&sql, &link_of(&row)?, acceptance).await? else { return Ok(None) };
            let session = sessions::insert(&sql, person.id, session).await?;
            let act = self.act.as_person(person.id, &person.name);
            let detail = format!("{} by a link", person.email);
            act.note(&sql, "link.accept", ("person", person.id), detail).await?;
            Ok(Some((person, session)))
        })
        .await
    }
}

/// Whether there is something that the link could give.
async fn check(sql: &Sql<'_>, link: &NewLink) -> Result<(), StorageError> {
    let known = match &link.email {
        Some(email) => by_email(sql, email, "").await?.as_ref().map(person_of).transpose()?,
        None => None,
    };
    match link.purpose {
        LinkPurpose::Owner if other_owner(sql, None).await? => Err(owned()),
        LinkPurpose::Invitation if known.is_some() => Err(StorageError::Conflict(
            "there is a person with this address already. No link was made".to_owned(),
        )),
        LinkPurpose::Password if known.is_none_or(|person| person.disabled_at.is_some()) => {
            Err(StorageError::Conflict("nobody with this address can sign in. No link was made".to_owned()))
        }
        _ => Ok(()),
    }
}

/// What a link gives; nothing if there is nobody any more whom it was for.
async fn give(sql: &Sql<'_>, link: &Link, acceptance: &Acceptance) -> Result<Option<Person>, StorageError> {
    let role = match link.purpose {
        LinkPurpose::Owner if other_owner(sql, None).await? => return Err(owned()),
        LinkPurpose::Owner => Role::Owner,
        LinkPurpose::Invitation => link.role.unwrap_or(Role::Viewer),
        LinkPurpose::Password => return renew(sql, link, &acceptance.password_hash).await,
    };
    let email = link.email.clone().or_else(|| acceptance.email.clone());
    let email = email.ok_or_else(|| {
        StorageError::Invalid("an owner needs an e-mail address. Nobody was added".to_owned())
    })?;
    let password_hash = Some(acceptance.password_hash.clone());
    let person = NewPerson { email, name: acceptance.name.clone(), role, password_hash };
    people::insert(sql, &person).await.map(Some)
}

async fn renew(sql: &Sql<'_>, link: &Link, password: &PasswordHash) -> Result<Option<Person>, StorageError> {
    let Some(email) = &link.email else { return Ok(None) };
    let Some(row) = by_email(sql, email, sql.lock()).await? else { return Ok(None) };
    let person = person_of(&row)?;
    if person.disabled_at.is_some() {
        return Ok(None);
    }
    set_password(sql, &person, password).await.map(Some)
}

async fn void(sql: &Sql<'_>, purpose: &str, email: Option<&Email>) -> Result<u64, StorageError> {
    let text =
        "DELETE FROM one_time_links WHERE purpose = $1 AND coalesce(email, '') = $2 AND used_at IS NULL";
    sql.run(text, values![purpose, email.map_or("", Email::as_str)]).await
}

fn owned() -> StorageError {
    StorageError::Conflict("there is an owner already, who can invite others. Nothing was done".to_owned())
}

fn link_of(row: &Row) -> Result<Link, StorageError> {
    Ok(Link {
        purpose: row.word("purpose")?,
        email: row.maybe_parse("email")?,
        role: row.maybe_parse("role")?,
        made_by: row.maybe_parse("made_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        used_at: row.maybe_time("used_at")?,
    })
}
