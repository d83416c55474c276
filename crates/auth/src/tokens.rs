//! Making tokens, and telling whose one is that was shown.

use cofounder_domain::{Clock, TokenId};
use cofounder_storage::{Database, NewToken, StorageError, Token};
use secrecy::ExposeSecret;
use std::sync::Arc;

use crate::{
    AuthError, Identity, Issued, Order, OrderError, Refusal,
    cache::{Answer, Cache, Look, Question},
    secret::{self, Fingerprint},
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
    pub async fn issue(&self, order: &Order) -> Result<Issued, OrderError> {
        let order = order.checked()?;
        let secret = secret::new().map_err(OrderError::NoChance)?;
        let fingerprint = secret::fingerprint(secret.expose_secret())
            .ok_or_else(|| OrderError::NoChance("what was made of them is no token".to_owned()))?;
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
        let token = self.db.create_token(&new).await?;
        Ok(Issued { secret, token })
    }

    /// Whose token this is. What is learnt holds for a second at most: a revocation elsewhere is felt within that, and so
    /// is the database's being away. The end of its time is felt at once.
    ///
    /// # Errors
    /// [`AuthError::Refused`] if it is not valid; [`AuthError::Unknown`] if that cannot be told now.
    pub async fn verify(&self, presented: &str) -> Result<Arc<Identity>, AuthError> {
        let token = secret::fingerprint(presented).ok_or(AuthError::Refused(Refusal::Malformed))?;
        let now = self.clock.now();
        match self.cache.look(&token, now) {
            Look::Seen(Answer::Known(identity)) if now < identity.expires_at => Ok(identity),
            Look::Seen(answer) => self.judge(answer),
            Look::Ask(question) => {
                let answer = question.answer.get_or_init(|| self.ask(token, &question)).await.clone();
                self.judge(answer)
            }
        }
    }

    /// Takes a token back for good: from now on in this process, within a second in others.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn revoke(&self, token: TokenId) -> Result<Token, StorageError> {
        let revoked = self.db.revoke_token(token).await?;
        self.cache.forget(token);
        Ok(revoked)
    }

    /// Writes down when tokens were last used, as far as this process saw it since the last time. For whoever does this
    /// every few seconds.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not take it; it is written the next time then.
    pub async fn flush_used(&self) -> Result<(), StorageError> {
        let used = self.cache.take_used();
        let written = self.db.touch_tokens(&used).await;
        if written.is_err() {
            for (token, at) in used {
                self.cache.note(token, at);
            }
        }
        written
    }

    async fn ask(&self, token: Fingerprint, question: &Arc<Question>) -> Answer {
        let answer = match self.db.token_by_hash(&hex::encode(token)).await {
            Ok(Some(found)) if found.revoked_at.is_some() => Answer::Refused(Refusal::Revoked),
            Ok(Some(found)) => Answer::Known(Arc::new(found.into())),
            Ok(None) => Answer::Refused(Refusal::Unknown),
            Err(error) => Answer::Away(Arc::new(error)),
        };
        self.cache.learn(token, question, &answer);
        answer
    }

    /// By the clock of now: an answer may have taken a while.
    fn judge(&self, answer: Answer) -> Result<Arc<Identity>, AuthError> {
        let now = self.clock.now();
        match answer {
            Answer::Known(identity) if now < identity.expires_at => {
                self.cache.note(identity.token, now);
                Ok(identity)
            }
            Answer::Known(_) => Err(AuthError::Refused(Refusal::Expired)),
            Answer::Refused(refusal) => Err(AuthError::Refused(refusal)),
            Answer::Away(error) => Err(AuthError::Unknown(error)),
        }
    }
}
