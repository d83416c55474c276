//! Tokens for programs: who they are, what they may, until when. Of a token's text only a hash comes here.

use cofounder_domain::{NanoUsd, SiteId, Timestamp, TokenId};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Acting, Database, Page, StorageError,
    sql::{self, Row, prefix, signed, to_json, values},
    work::transaction,
};

/// A token that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What a person calls it.
    pub name: String,
    /// SHA-256 of its text, in hexadecimal digits.
    pub hash: String,
    /// What it may.
    pub scopes: Vec<String>,
    /// What it may spend in a day (UTC).
    pub budget_day: Option<NanoUsd>,
    /// What it may spend in a month (UTC).
    pub budget_month: Option<NanoUsd>,
    /// How often it may ask in a minute.
    pub requests_per_minute: Option<u64>,
    /// How many model tokens it may use in a minute.
    pub tokens_per_minute: Option<u64>,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
}

/// A token as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What a person calls it.
    pub name: String,
    /// What it may.
    pub scopes: Vec<String>,
    /// What it may spend in a day (UTC).
    pub budget_day: Option<NanoUsd>,
    /// What it may spend in a month (UTC).
    pub budget_month: Option<NanoUsd>,
    /// How often it may ask in a minute.
    pub requests_per_minute: Option<u64>,
    /// How many model tokens it may use in a minute.
    pub tokens_per_minute: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not valid from this time on.
    pub expires_at: Timestamp,
    /// When a person took it back, if one did.
    pub revoked_at: Option<Timestamp>,
    /// When it was last shown, to within some seconds.
    pub last_used_at: Option<Timestamp>,
}

impl Acting<'_> {
    /// Stores a token.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn create_token(&self, token: &NewToken) -> Result<Token, StorageError> {
        let (id, scopes) = (TokenId::new(self.db.now()), to_json(&token.scopes)?);
        let created = transaction!(self.db, |sql| {
            let text = "INSERT INTO tokens (id, site_id, name, hash, scopes, budget_day, budget_month, requests_per_minute,
                          tokens_per_minute, created_at, expires_at, made_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING *";
            let row = values![
                id.to_string(),
                SiteId::DEFAULT.to_string(),
                token.name.clone(),
                token.hash.clone(),
                scopes.clone(),
                token.budget_day.map(|money| signed(money.nano())),
                token.budget_month.map(|money| signed(money.nano())),
                token.requests_per_minute.map(signed),
                token.tokens_per_minute.map(signed),
                sql.db.millis(),
                token.expires_at.timestamp_millis(),
                self.act.person().map(|person| person.to_string())
            ];
            let row = sql.one(text, row).await?.ok_or_else(|| StorageError::bug("no row came back"))?;
            let detail = format!("{}: {}", token.name, token.scopes.join(", "));
            self.act.note(&sql, "token.create", ("token", id), detail).await?;
            token_of(&row)
        });
        created.await
    }

    /// Takes a token back for good. One that was taken back before stays as it is.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn revoke_token(&self, token: TokenId) -> Result<Token, StorageError> {
        let missing = || StorageError::NotFound { what: "token", id: token.to_string() };
        let revoked = transaction!(self.db, |sql| {
            let text = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
            if sql.run(text, values![token.to_string(), sql.db.millis()]).await? > 0 {
                self.act.note(&sql, "token.revoke", ("token", token), "").await?;
            }
            let row = sql.one("SELECT * FROM tokens WHERE id = $1", values![token.to_string()]).await?;
            token_of(&row.ok_or_else(missing)?)
        });
        revoked.await
    }
}

impl Database {
    /// The token whose text has this SHA-256 (in hexadecimal digits), also if it is not valid any more.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<Token>, StorageError> {
        let row = self.read().one("SELECT * FROM tokens WHERE hash = $1", values![hash]).await?;
        row.as_ref().map(token_of).transpose()
    }

    /// A token, also if it is not valid any more.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn token(&self, token: TokenId) -> Result<Token, StorageError> {
        let row = self.read().one("SELECT * FROM tokens WHERE id = $1", values![token.to_string()]).await?;
        token_of(&row.ok_or_else(|| StorageError::NotFound { what: "token", id: token.to_string() })?)
    }

    /// The id of the token whose id begins like this.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none, [`StorageError::Conflict`] if there are several.
    pub async fn find_token(&self, typed: &str) -> Result<TokenId, StorageError> {
        let text = "SELECT id FROM tokens WHERE id LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 2";
        let rows = self.read().all(text, values![prefix(typed)]).await?;
        match rows.as_slice() {
            [row] => row.parse("id"),
            [] => Err(StorageError::NotFound { what: "token", id: typed.to_owned() }),
            _ => Err(StorageError::Conflict(format!(
                "`{typed}` fits more than one token. Give more of its id"
            ))),
        }
    }

    /// Tokens, the newest first, also those that are not valid any more.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn tokens(&self, limit: u64, cursor: Option<&str>) -> Result<Page<Token>, StorageError> {
        let text =
            "SELECT * FROM tokens WHERE site_id = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3";
        let row = values![
            SiteId::DEFAULT.to_string(),
            sql::cursor::<TokenId>(cursor)?,
            signed(limit).saturating_add(1)
        ];
        let rows = self.read().all(text, row).await?;
        let tokens = rows.iter().map(token_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(tokens, limit, |token: &Token| token.id.to_string()))
    }

    /// Writes down when tokens were last shown. An earlier time than the one that is known changes nothing.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it.
    pub async fn touch_tokens(&self, used: &[(TokenId, Timestamp)]) -> Result<(), StorageError> {
        if used.is_empty() {
            return Ok(());
        }
        let mut used = used.to_vec();
        // One time for each, the last; in one order, so that two programs do not wait for each other.
        used.sort_unstable_by_key(|(token, at)| (*token, std::cmp::Reverse(*at)));
        used.dedup_by_key(|(token, _)| *token);
        let line = |(token, at): &(TokenId, Timestamp)| json!({"id": token.to_string(), "at": at.timestamp_millis()});
        let input = Value::from(used.iter().map(line).collect::<Vec<_>>()).to_string();
        transaction!(self, |sql| {
            let text = format!(
                "WITH input AS ({}) UPDATE tokens SET last_used_at = input.at FROM input
                 WHERE tokens.id = input.id AND (tokens.last_used_at IS NULL OR tokens.last_used_at < input.at)",
                sql.rows(&[("id", "text"), ("at", "bigint")])
            );
            sql.run(&text, values![input.clone()]).await.map(drop)
        })
        .await
    }
}

pub(crate) fn token_of(row: &Row) -> Result<Token, StorageError> {
    Ok(Token {
        id: row.parse("id")?,
        name: row.get("name")?,
        scopes: row.json("scopes")?,
        budget_day: row.maybe_number("budget_day")?.map(NanoUsd::new),
        budget_month: row.maybe_number("budget_month")?.map(NanoUsd::new),
        requests_per_minute: row.maybe_number("requests_per_minute")?,
        tokens_per_minute: row.maybe_number("tokens_per_minute")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        revoked_at: row.maybe_time("revoked_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
    })
}
