//! Sign-ins at a provider that have begun: each belongs to one browser and is taken out once. And the sweeping of what has
//! ended of all that belongs to signing in.

use cofounder_domain::{PersonId, Timestamp};
use std::fmt;

use crate::{
    Database, StorageError,
    sql::{Sql, signed, values},
    work::transaction,
};

/// The most sign-ins that are open at the same time, in all. Anybody can begin one.
pub const OPEN_SIGN_INS: u64 = 10_000;
/// The most that are open in one browser.
pub const OPEN_SIGN_INS_OF_A_BROWSER: u64 = 8;

/// A sign-in that begins.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSignIn {
    /// SHA-256 of its state, in hexadecimal digits.
    pub hash: String,
    /// SHA-256 of the cookie that binds it to a browser.
    pub browser_hash: String,
    /// What is kept until the browser comes back.
    pub kept: BegunSignIn,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
}

/// What is kept of a sign-in until the browser comes back. Its secrets are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct BegunSignIn {
    /// At which provider.
    pub provider: String,
    /// What its ID token must repeat.
    pub nonce: String,
    /// The verifier of PKCE (RFC 7636).
    pub verifier: String,
    /// The path to which the browser goes afterwards.
    pub return_to: String,
    /// Who is signed in and links an account; absent for who signs in.
    pub person: Option<PersonId>,
}

impl fmt::Debug for NewSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSignIn")
            .field("kept", &self.kept)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BegunSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BegunSignIn");
        shown
            .field("provider", &self.provider)
            .field("return_to", &self.return_to)
            .field("person", &self.person);
        shown.finish_non_exhaustive()
    }
}

impl Database {
    /// Writes down that a sign-in begins. Of those that are open, the oldest go: of its browser, and of all.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn begin_sign_in(&self, new: &NewSignIn) -> Result<(), StorageError> {
        transaction!(self, |sql| {
            make_room(&sql, &new.browser_hash).await?;
            let text = "INSERT INTO sign_in_states (hash, browser_hash, provider, nonce, verifier, return_to, person_id, created_at,
                          expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
            let row = values![
                new.hash.clone(),
                new.browser_hash.clone(),
                new.kept.provider.clone(),
                new.kept.nonce.clone(),
                new.kept.verifier.clone(),
                new.kept.return_to.clone(),
                new.kept.person.map(|person| person.to_string()),
                sql.db.millis(),
                new.expires_at.timestamp_millis()
            ];
            sql.run(text, row).await.map(drop)
        })
        .await
    }

    /// Takes a sign-in out: once, in time, and for the browser in which it began. Another browser leaves it as it is.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn take_sign_in(
        &self,
        hash: &str,
        browser_hash: &str,
    ) -> Result<Option<BegunSignIn>, StorageError> {
        transaction!(self, |sql| {
            let text = "DELETE FROM sign_in_states WHERE hash = $1 AND browser_hash = $2 AND expires_at > $3 RETURNING *";
            let Some(row) = sql.one(text, values![hash, browser_hash, sql.db.millis()]).await? else { return Ok(None) };
            Ok(Some(BegunSignIn {
                provider: row.get("provider")?,
                nonce: row.get("nonce")?,
                verifier: row.get("verifier")?,
                return_to: row.get("return_to")?,
                person: row.maybe_parse("person_id")?,
            }))
        })
        .await
    }

    /// Drops sessions, links, begun sign-ins and access tokens that ended before this time, at most `limit` of each; tells how many.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn sweep_sign_ins(&self, before: Timestamp, limit: u64) -> Result<u64, StorageError> {
        transaction!(self, |sql| {
            let mut swept = 0;
            for (table, key, end) in SWEPT {
                let text = format!(
                    "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {end} < $1 ORDER BY {end}, {key} LIMIT $2)"
                );
                swept += sql.run(&text, values![before.timestamp_millis(), signed(limit)]).await?;
            }
            Ok(swept)
        })
        .await
    }
}

/// Drops what has ended, and the oldest of what is open, so that one more is within the bounds.
async fn make_room(sql: &Sql<'_>, browser: &str) -> Result<(), StorageError> {
    let text = "DELETE FROM sign_in_states WHERE expires_at <= $1";
    sql.run(text, values![sql.db.millis()]).await?;
    // Whoever comes later than those that may stay, the newest first.
    let text =
        "DELETE FROM sign_in_states WHERE hash IN (SELECT hash FROM sign_in_states WHERE browser_hash = $1
                  ORDER BY created_at DESC, hash DESC LIMIT $2 OFFSET $3)";
    sql.run(text, values![browser, i64::MAX, signed(OPEN_SIGN_INS_OF_A_BROWSER - 1)]).await?;
    let text = "SELECT count(*) AS open FROM sign_in_states";
    let open: i64 = sql.one(text, values![]).await?.map_or(Ok(0), |row| row.get("open"))?;
    let too_many = open - signed(OPEN_SIGN_INS - 1);
    if too_many > 0 {
        let text = "DELETE FROM sign_in_states WHERE hash IN (SELECT hash FROM sign_in_states ORDER BY created_at, hash LIMIT $1)";
        sql.run(text, values![too_many]).await?;
    }
    Ok(())
}

/// What is swept: a table, its key, and when a row of it ends.
const SWEPT: [(&str, &str, &str); 4] = [
    ("sessions", "id", "idle_until"),
    ("one_time_links", "hash", "expires_at"),
    ("sign_in_states", "hash", "expires_at"),
    ("access_tokens", "hash", "expires_at"),
];
