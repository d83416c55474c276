//! Changing what a person is: never without an owner who can sign in, and with an end to what is open to them.

use cofounder_domain::{PersonId, Role, SessionId};

use crate::{
    Acting, NewSession, PasswordHash, Person, Session, StorageError,
    people::{alone, nobody, other_owner, person_of, stored},
    sessions::{end_sessions, replace},
    sql::{Sql, values},
    work::transaction,
};

/// What is to change of a person; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonChange {
    /// What others call them.
    pub name: Option<String>,
    /// What they are here.
    pub role: Option<Role>,
    /// Whether they cannot sign in.
    pub disabled: Option<bool>,
    /// What is kept of their new password.
    pub password_hash: Option<PasswordHash>,
}

/// A session that ends, and the one that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Which ends.
    pub old: SessionId,
    /// Which takes its place, for no longer than the old one would have lasted.
    pub new: NewSession,
}

/// A person after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPerson {
    /// Who.
    pub person: Person,
    /// Whether all sessions that they had have ended.
    pub signed_out: bool,
    /// The session that took a named one's place, if all ended and the person can still sign in.
    pub session: Option<Session>,
}

impl Acting<'_> {
    /// Changes a person. If their role or password changes, or they cannot sign in any more, all their sessions end, and
    /// so do links that could undo that, in the same transaction; with another role, or when they cannot sign in, tokens that
    /// they made are revoked. `instead` lets one of those sessions go on as a new one.
    ///
    /// # Errors
    /// [`StorageError::Changed`] if they are not any more what was seen; [`StorageError::Conflict`] if no owner would be left
    /// who can sign in; [`StorageError::NotFound`] if there is no such person, or the session to replace has ended.
    /// Nothing is changed then.
    pub async fn change_person(
        &self,
        person: PersonId,
        change: &PersonChange,
        instead: Option<&Replacement>,
    ) -> Result<ChangedPerson, StorageError> {
        transaction!(self.db, |sql| {
            alone(&sql).await?;
            let before = stored(&sql, person).await?;
            self.act.still("person", person, before.version)?;
            let mut after = Person {
                name: change.name.clone().unwrap_or_else(|| before.name.clone()),
                role: change.role.unwrap_or(before.role),
                disabled_at: match change.disabled {
                    Some(true) => before.disabled_at.or(Some(sql.db.now())),
                    Some(false) => None,
                    None => before.disabled_at,
                },
                ..before.clone()
            };
            if after == before && change.password_hash.is_none() {
                return Ok(ChangedPerson { person: before, signed_out: false, session: None });
            }
            keep_an_owner(&sql, &before, &after).await?;
            after = write(&sql, &after, change.password_hash.as_ref()).await?;
            let signed_out = change.password_hash.is_some()
                || after.role != before.role
                || after.disabled_at.is_some() && before.disabled_at.is_none();
            let session = if signed_out { sign_out(&sql, &after, instead).await? } else { None };
            let mut detail = told(&before, &after, change.password_hash.is_some());
            if after.role != before.role || after.disabled_at.is_some() {
                let taken = take_back_tokens(&sql, person).await?;
                if taken > 0 {
                    detail.push_str(&format!(", {taken} tokens that they made are revoked"));
                }
            }
            self.act.note(&sql, "person.change", ("person", person), detail).await?;
            Ok(ChangedPerson { person: after, signed_out, session })
        })
        .await
    }
}

/// What changed, in words.
fn told(before: &Person, after: &Person, password: bool) -> String {
    let mut told = Vec::new();
    if before.name != after.name {
        told.push(format!("name {} → {}", before.name, after.name));
    }
    if before.role != after.role {
        told.push(format!("role {} → {}", before.role, after.role));
    }
    match (before.disabled_at, after.disabled_at) {
        (None, Some(_)) => told.push("cannot sign in any more".to_owned()),
        (Some(_), None) => told.push("can sign in again".to_owned()),
        _ => {}
    }
    if password {
        told.push("a new password".to_owned());
    }
    told.join(", ")
}

async fn keep_an_owner(sql: &Sql<'_>, before: &Person, after: &Person) -> Result<(), StorageError> {
    let counts = |person: &Person| person.role == Role::Owner && person.disabled_at.is_none();
    if !counts(before) || counts(after) || other_owner(sql, Some(before.id)).await? {
        return Ok(());
    }
    Err(StorageError::Conflict(format!(
        "{} is the last owner who can sign in, and stays so. Make somebody else an owner first",
        before.email
    )))
}

async fn write(
    sql: &Sql<'_>,
    person: &Person,
    password: Option<&PasswordHash>,
) -> Result<Person, StorageError> {
    let text = "UPDATE people SET name = $2, role = $3, disabled_at = $4, password_hash = coalesce($5, password_hash),
                  updated_at = $6, version = version + 1 WHERE id = $1 RETURNING *";
    let row = values![
        person.id.to_string(),
        person.name.clone(),
        person.role.as_str(),
        person.disabled_at.map(|at| at.timestamp_millis()),
        password.map(|hash| hash.expose().to_owned()),
        sql.db.millis()
    ];
    person_of(&sql.one(text, row).await?.ok_or_else(|| nobody(person.id))?)
}

/// Takes back the tokens that a person made: none of them may do more than they may now.
async fn take_back_tokens(sql: &Sql<'_>, person: PersonId) -> Result<u64, StorageError> {
    let text = "UPDATE tokens SET revoked_at = $2 WHERE made_by = $1 AND revoked_at IS NULL";
    sql.run(text, values![person.to_string(), sql.db.millis()]).await
}

/// Ends what is open to a person whose rights have changed: sessions, links to a new password, and links that they made.
async fn sign_out(
    sql: &Sql<'_>,
    person: &Person,
    instead: Option<&Replacement>,
) -> Result<Option<Session>, StorageError> {
    let session = match instead.filter(|_| person.disabled_at.is_none()) {
        Some(Replacement { old, new }) => Some(replace(sql, person.id, *old, new).await?),
        None => None,
    };
    end_sessions(sql, person.id, session.as_ref().map(|session| session.id)).await?;
    let text = "DELETE FROM one_time_links WHERE used_at IS NULL AND expires_at > $3
                AND (made_by = $1 OR purpose = 'password' AND email = $2)";
    let row = values![person.id.to_string(), person.email.as_str(), sql.db.millis()];
    sql.run(text, row).await.map(|_| session)
}

/// Sets a new password, as [`Database::change_person`] does, within a transaction that has begun.
pub(crate) async fn set_password(
    sql: &Sql<'_>,
    person: &Person,
    password: &PasswordHash,
) -> Result<Person, StorageError> {
    let after = write(sql, person, Some(password)).await?;
    sign_out(sql, &after, None).await.map(|_| after)
}
