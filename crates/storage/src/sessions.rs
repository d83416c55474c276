//! Sessions of people who signed in. Of a session's secret only a hash comes here. Each ends when nobody has used it for
//! a while, and at a fixed time however much it is used.

use cofounder_domain::{PersonId, Role, SessionId, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Acting, Database, Page, StorageError,
    people::stored,
    sql::{self, Row, Sql, signed, values},
    work::transaction,
};

/// How long a session goes without its last use being written anew, in milliseconds.
const SEEN_MILLIS: i64 = 60_000;

/// A session that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// SHA-256 of its secret, in hexadecimal digits.
    pub hash: String,
    /// Not valid from this time on if nobody uses it until then.
    pub idle_until: Timestamp,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
    /// From where it was begun.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
}

/// A session as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its id, which opens nothing.
    pub id: SessionId,
    /// Whose it is.
    pub person: PersonId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to within a minute or so.
    pub last_seen_at: Timestamp,
    /// Not valid from this time on if nobody uses it until then; never later than `expires_at`.
    pub idle_until: Timestamp,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
    /// From where it was begun.
    pub address: String,
    /// What the browser called itself.
    pub agent: String,
    /// When it was ended, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// A session, and who its person is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// What others call the person.
    pub name: String,
    /// What they are here.
    pub role: Role,
    /// Whether they cannot sign in any more.
    pub disabled: bool,
}

impl Acting<'_> {
    /// Begins a session of a person who was seen at this version.
    ///
    /// # Errors
    /// [`StorageError::Changed`] if they have changed since, so that what was checked of them may not hold;
    /// [`StorageError::Conflict`] if they cannot sign in.
    pub async fn create_session(
        &self,
        person: PersonId,
        version: u64,
        session: &NewSession,
    ) -> Result<Session, StorageError> {
        transaction!(self.db, |sql| {
            let now = stored(&sql, person).await?;
            if now.version != version {
                return Err(StorageError::Changed { what: "person", id: person.to_string() });
            }
            if now.disabled_at.is_some() {
                return Err(StorageError::Conflict(format!("{} cannot sign in", now.email)));
            }
            let begun = insert(&sql, person, session).await?;
            let act = self.act.as_person(person, &now.name);
            act.note(&sql, "session.begin", ("session", begun.id), &session.agent).await?;
            Ok(begun)
        })
        .await
    }
}

impl Database {
    /// The session whose secret has this SHA-256 (in hexadecimal digits), also if it is not valid any more.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn session_by_hash(&self, hash: &str) -> Result<Option<SignedIn>, StorageError> {
        let text =
            "SELECT s.*, p.name, p.role, p.disabled_at FROM sessions s JOIN people p ON p.id = s.person_id
                    WHERE s.hash = $1";
        let Some(row) = self.read().one(text, values![hash]).await? else { return Ok(None) };
        Ok(Some(SignedIn {
            session: session_of(&row)?,
            name: row.get("name")?,
            role: row.parse("role")?,
            disabled: row.maybe_time("disabled_at")?.is_some(),
        }))
    }

    /// A person's sessions that are valid, the newest first.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn sessions(
        &self,
        person: PersonId,
        limit: u64,
        cursor: Option<&str>,
    ) -> Result<Page<Session>, StorageError> {
        let text = "SELECT * FROM sessions WHERE person_id = $1 AND revoked_at IS NULL AND idle_until > $2
                    AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4";
        let cursor = sql::cursor::<SessionId>(cursor)?;
        let row = values![person.to_string(), self.millis(), cursor, signed(limit).saturating_add(1)];
        let rows = self.read().all(text, row).await?;
        let sessions = rows.iter().map(session_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(sessions, limit, |session: &Session| session.id.to_string()))
    }
}

impl Acting<'_> {
    /// Ends one of a person's sessions for good. One that was ended before stays as it is.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if the person has none of this id.
    pub async fn revoke_session(
        &self,
        person: PersonId,
        session: SessionId,
    ) -> Result<Session, StorageError> {
        let revoked = transaction!(self.db, |sql| {
            let text =
                "UPDATE sessions SET revoked_at = $3 WHERE id = $1 AND person_id = $2 AND revoked_at IS NULL";
            if sql.run(text, values![session.to_string(), person.to_string(), sql.db.millis()]).await? > 0 {
                self.act.note(&sql, "session.end", ("session", session), "").await?;
            }
            let text = "SELECT * FROM sessions WHERE id = $1 AND person_id = $2";
            let row = sql.one(text, values![session.to_string(), person.to_string()]).await?;
            session_of(&row.ok_or_else(|| none(session))?)
        });
        revoked.await
    }

    /// Ends all of a person's sessions, but for one that is to stay; tells how many.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such person.
    pub async fn revoke_sessions(
        &self,
        person: PersonId,
        but: Option<SessionId>,
    ) -> Result<u64, StorageError> {
        transaction!(self.db, |sql| {
            stored(&sql, person).await?;
            let ended = end_sessions(&sql, person, but).await?;
            if ended > 0 {
                self.act.note(&sql, "session.end", ("person", person), format!("{ended} sessions")).await?;
            }
            Ok(ended)
        })
        .await
    }
}

impl Database {
    /// Writes down when sessions were used, and until when they last for that. What was written within the last minute
    /// stays, and one that has ended does not begin again.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn touch_sessions(
        &self,
        seen: &[(SessionId, Timestamp, Timestamp)],
    ) -> Result<(), StorageError> {
        if seen.is_empty() {
            return Ok(());
        }
        let line = |(session, at, until): &(SessionId, Timestamp, Timestamp)| json!({"id": session.to_string(), "at": at.timestamp_millis(), "until": until.timestamp_millis()});
        let mut seen = seen.to_vec();
        // One time for each, the last; in one order, so that two programs do not wait for each other.
        seen.sort_unstable_by_key(|(session, at, _)| (*session, std::cmp::Reverse(*at)));
        seen.dedup_by_key(|(session, ..)| *session);
        let input = Value::from(seen.iter().map(line).collect::<Vec<_>>()).to_string();
        transaction!(self, |sql| {
            let text = format!(
                "WITH input AS ({}) UPDATE sessions SET last_seen_at = input.at,
                   idle_until = CASE WHEN input.until < expires_at THEN input.until ELSE expires_at END FROM input
                 WHERE sessions.id = input.id AND revoked_at IS NULL AND idle_until > $3 AND last_seen_at <= input.at - $2",
                sql.rows(&[("id", "text"), ("at", "bigint"), ("until", "bigint")])
            );
            sql.run(&text, values![input.clone(), SEEN_MILLIS, sql.db.millis()]).await.map(drop)
        })
        .await
    }
}

/// Ends a person's sessions, but for one that is to stay; whoever calls this holds the person's row.
pub(crate) async fn end_sessions(
    sql: &Sql<'_>,
    person: PersonId,
    but: Option<SessionId>,
) -> Result<u64, StorageError> {
    let text = "UPDATE sessions SET revoked_at = $3 WHERE person_id = $1 AND revoked_at IS NULL AND id <> $2";
    let but = but.map(|session| session.to_string()).unwrap_or_default();
    sql.run(text, values![person.to_string(), but, sql.db.millis()]).await
}

/// Begins a session; whoever calls this holds the person's row.
pub(crate) async fn insert(
    sql: &Sql<'_>,
    person: PersonId,
    session: &NewSession,
) -> Result<Session, StorageError> {
    let text = "INSERT INTO sessions (id, hash, person_id, created_at, last_seen_at, idle_until, expires_at, address, agent)
                VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8) RETURNING *";
    let row = values![
        SessionId::new(sql.db.now()).to_string(),
        session.hash.clone(),
        person.to_string(),
        sql.db.millis(),
        session.idle_until.min(session.expires_at).timestamp_millis(),
        session.expires_at.timestamp_millis(),
        session.address.clone(),
        session.agent.clone()
    ];
    session_of(&sql.one(text, row).await?.ok_or_else(|| StorageError::bug("no row came back"))?)
}

/// Puts a new session in the place of one that is valid; whoever calls this holds the person's row.
pub(crate) async fn replace(
    sql: &Sql<'_>,
    person: PersonId,
    old: SessionId,
    new: &NewSession,
) -> Result<Session, StorageError> {
    let text = "UPDATE sessions SET revoked_at = $3 WHERE id = $1 AND person_id = $2 AND revoked_at IS NULL
                AND idle_until > $3 RETURNING *";
    let row = sql.one(text, values![old.to_string(), person.to_string(), sql.db.millis()]).await?;
    let old = session_of(&row.ok_or_else(|| none(old))?)?;
    let new = NewSession { expires_at: new.expires_at.min(old.expires_at), ..new.clone() };
    insert(sql, person, &new).await
}

fn none(session: SessionId) -> StorageError {
    StorageError::NotFound { what: "session", id: session.to_string() }
}

pub(crate) fn session_of(row: &Row) -> Result<Session, StorageError> {
    Ok(Session {
        id: row.parse("id")?,
        person: row.parse("person_id")?,
        created_at: row.time("created_at")?,
        last_seen_at: row.time("last_seen_at")?,
        idle_until: row.time("idle_until")?,
        expires_at: row.time("expires_at")?,
        address: row.get("address")?,
        agent: row.get("agent")?,
        revoked_at: row.maybe_time("revoked_at")?,
    })
}
