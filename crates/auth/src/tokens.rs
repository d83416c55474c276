//! Making tokens, and telling whose one is that was shown.

use cofounder_domain::{Clock, Timestamp, TokenId};
use cofounder_storage::{Act, Database, NewToken, StorageError, Token};
use std::sync::Arc;

use crate::{
    AuthError, Identity, Issued, Order, OrderError, Refusal, Who,
    cache::{Answer, Cache},
    secret::{self, Fingerprint, Kind},
};

/// The tokens of an installation.
#[derive(Debug)]
pub struct Tokens {
    db: Arc<Database>,
    clock: Arc<dyn Clock>,
    cache: Cache,
}

impl Tokens {
    /// Tokens that this database keeps, and that end by this clock.
    #[must_use]
    pub fn new(db: Arc<Database>, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, cache: Cache::default() }
    }

    /// Makes a token. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`OrderError`]; then no token was made, but if the database was lost at the last moment: that one nobody knows
    /// the text of.
    pub async fn issue(&self, act: &Act, order: &Order) -> Result<Issued, OrderError> {
        let order = order.checked()?;
        let (secret, fingerprint) = secret::new(Kind::Token).map_err(OrderError::NoChance)?;
        let new = NewToken {
            name: order.name,
            hash: hex::encode(fingerprint),
            scopes: order.scopes.iter().map(ToString::to_string).collect(),
            budget_day: order.budget_day,
            budget_month: order.budget_month,
            requests_per_minute: order.requests_per_minute,
            tokens_per_minute: order.tokens_per_minute,
            expires_at: self.clock.now() + order.lifetime,
        };
        let token = self.db.by(act).create_token(&new).await?;
        Ok(Issued { secret, token })
    }

    /// The time by which tokens end.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whose token, or access token, this is. What is learnt holds for a second at most: a revocation elsewhere is felt within that, and so
    /// is the database's being away. The end of its time is felt at once.
    ///
    /// # Errors
    /// [`AuthError::Refused`] if it is not valid; [`AuthError::Unknown`] if that cannot be told now.
    pub async fn verify(&self, presented: &str) -> Result<Arc<Identity>, AuthError> {
        if let Some(access) = secret::fingerprint(Kind::Access, presented) {
            return self.cache.verify(access, &*self.clock, || self.ask_access(access)).await;
        }
        let token =
            secret::fingerprint(Kind::Token, presented).ok_or(AuthError::Refused(Refusal::Malformed))?;
        self.cache.verify(token, &*self.clock, || self.ask(token)).await
    }

    /// Takes a token back for good: from now on in this process, within a second in others.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn revoke(&self, act: &Act, token: TokenId) -> Result<Token, StorageError> {
        let revoked = self.db.by(act).revoke_token(token).await?;
        self.cache.forget(|who| who == Who::Token(token));
        Ok(revoked)
    }

    /// Writes down when tokens were last used, as far as this process saw it since the last time. For whoever does this
    /// every few seconds.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; it is written the next time then.
    pub async fn flush_used(&self) -> Result<(), StorageError> {
        let used = self.cache.take_used();
        let token = |(who, at): &(Who, Timestamp)| match who {
            Who::Token(token) => Some((*token, *at)),
            Who::Person { .. } => None,
        };
        let written = self.db.touch_tokens(&used.iter().filter_map(token).collect::<Vec<_>>()).await;
        if written.is_err() {
            for (who, at) in used {
                self.cache.note(who, at);
            }
        }
        written
    }

    async fn ask(&self, token: Fingerprint) -> Answer {
        match self.db.token_by_hash(&hex::encode(token)).await {
            Ok(Some(found)) if found.revoked_at.is_some() => Answer::Refused(Refusal::Revoked),
            Ok(Some(found)) => Answer::Known(Arc::new(found.into())),
            Ok(None) => Answer::Refused(Refusal::Unknown),
            Err(error) => Answer::Away(Arc::new(error)),
        }
    }

    /// An access token is its token, with no more rights and no later end.
    async fn ask_access(&self, access: Fingerprint) -> Answer {
        match self.db.access_token_by_hash(&hex::encode(access)).await {
            Ok(Some(found)) if found.token.revoked_at.is_some() => Answer::Refused(Refusal::Revoked),
            Ok(Some(found)) => {
                let mut identity = Identity::from(found.token);
                let narrowed = found.scopes.iter().filter_map(|scope| scope.parse().ok());
                identity.scopes = narrowed.filter(|scope| identity.allows(*scope)).collect();
                identity.expires_at = identity.expires_at.min(found.expires_at);
                identity.passing = true;
                Answer::Known(Arc::new(identity))
            }
            Ok(None) => Answer::Refused(Refusal::Unknown),
            Err(error) => Answer::Away(Arc::new(error)),
        }
    }
}
