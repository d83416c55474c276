//! Access tokens: secrets that open for a while what a program's token opens. They are that token, with no more rights and
//! no later end, and are worth nothing once it is taken back. Of a secret only a hash comes here.

use cofounder_domain::{Timestamp, TokenId};

use crate::{
    Acting, Database, StorageError, Token,
    sql::{signed, to_json, values},
    tokens::token_of,
    work::transaction,
};

/// The most of one token that are valid at the same time; the oldest go.
pub const OPEN_ACCESS_TOKENS: u64 = 64;

/// An access token that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccessToken {
    /// SHA-256 of its text, in hexadecimal digits.
    pub hash: String,
    /// What it may.
    pub scopes: Vec<String>,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
}

/// An access token, and the token that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The token, as it is now.
    pub token: Token,
    /// What it may, as far as the token may that.
    pub scopes: Vec<String>,
    /// Not valid from this time on, nor from the token's end on.
    pub expires_at: Timestamp,
}

impl Acting<'_> {
    /// Makes an access token of a token. What has ended of those that it has goes, and the oldest if there are many.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the token is not valid any more; [`StorageError::NotFound`] if there is none.
    pub async fn create_access_token(
        &self,
        token: TokenId,
        new: &NewAccessToken,
    ) -> Result<(), StorageError> {
        transaction!(self.db, |sql| {
            let (id, now) = (token.to_string(), sql.db.millis());
            // Whoever takes the token back waits, so that none is made unseen.
            let text = format!("SELECT * FROM tokens WHERE id = $1{}", sql.lock());
            let row = sql.one(&text, values![id.clone()]).await?;
            let known = token_of(&row.ok_or_else(|| StorageError::NotFound { what: "token", id: id.clone() })?)?;
            if known.revoked_at.is_some() || known.expires_at <= sql.db.now() {
                return Err(StorageError::Conflict("the token is not valid any more. Nothing was made".to_owned()));
            }
            let text = "DELETE FROM access_tokens WHERE token_id = $1 AND (expires_at <= $2 OR hash IN
                          (SELECT hash FROM access_tokens WHERE token_id = $1 ORDER BY created_at DESC, hash DESC LIMIT $3 OFFSET $4))";
            sql.run(text, values![id.clone(), now, i64::MAX, signed(OPEN_ACCESS_TOKENS - 1)]).await?;
            let text = "INSERT INTO access_tokens (hash, token_id, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
            let end = new.expires_at.min(known.expires_at).timestamp_millis();
            let row = values![new.hash.clone(), id, to_json(&new.scopes)?, now, end];
            sql.run(text, row).await?;
            self.act.note(&sql, "token.access", ("token", token), new.scopes.join(", ")).await
        })
        .await
    }
}

impl Database {
    /// The access token whose text has this SHA-256 (in hexadecimal digits), also if it is not valid any more.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn access_token_by_hash(&self, hash: &str) -> Result<Option<AccessToken>, StorageError> {
        let text = "SELECT t.*, a.scopes AS narrowed, a.expires_at AS ends_at FROM access_tokens a
                    JOIN tokens t ON t.id = a.token_id WHERE a.hash = $1";
        let Some(row) = self.read().one(text, values![hash]).await? else { return Ok(None) };
        let (scopes, expires_at) = (row.json("narrowed")?, row.time("ends_at")?);
        Ok(Some(AccessToken { token: token_of(&row)?, scopes, expires_at }))
    }
}
