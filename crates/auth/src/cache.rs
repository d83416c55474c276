//! What was learnt of tokens within the last second, so that a busy one costs the database one question a second.
//!
//! A second is also how long a revocation on another machine takes to be felt here, and how long a token is believed
//! when the database is away. It is measured by a clock that nobody can set.

use cofounder_domain::{Timestamp, TokenId};
use cofounder_storage::StorageError;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

use crate::{Identity, Refusal, secret::Fingerprint};

/// How long what was learnt holds.
const FRESH: Duration = Duration::from_secs(1);
/// The most tokens that are remembered, of those that are valid and of those that are not.
const ENTRIES: usize = 1024;

/// What the database said of a token.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// It is there and was not revoked.
    Known(Arc<Identity>),
    Refused(Refusal),
    /// Nothing: it did not answer.
    Away(Arc<StorageError>),
}

/// A question to the database, which all who ask the same at the same time share.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) answer: OnceCell<Answer>,
    asked: Instant,
}

/// What to do about a token that was shown.
#[derive(Debug)]
pub(crate) enum Look {
    Seen(Answer),
    Ask(Arc<Question>),
}

#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    known: Shelf<Arc<Identity>>,
    refused: Shelf<Refusal>,
    questions: HashMap<Fingerprint, Arc<Question>>,
    used: HashMap<TokenId, Timestamp>,
}

impl Cache {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a token; if nothing is, the question to ask. A valid one is used now.
    pub(crate) fn look(&self, token: &Fingerprint, now: Timestamp) -> Look {
        let (mut contents, moment) = (self.contents(), Instant::now());
        if let Some(identity) = contents.known.fresh(token, moment).cloned() {
            if now < identity.expires_at {
                contents.note(identity.token, now);
            }
            return Look::Seen(Answer::Known(identity));
        }
        if let Some(refusal) = contents.refused.fresh(token, moment) {
            return Look::Seen(Answer::Refused(*refusal));
        }
        Look::Ask(contents.question(token, moment))
    }

    /// Remembers what the database said, from when it was asked on.
    pub(crate) fn learn(&self, token: Fingerprint, question: &Arc<Question>, answer: &Answer) {
        let mut contents = self.contents();
        match answer {
            Answer::Known(identity) => contents.known.put(token, question.asked, identity.clone()),
            Answer::Refused(refusal) => contents.refused.put(token, question.asked, *refusal),
            Answer::Away(_) => {}
        }
        // Another may have been asked since.
        if contents.questions.get(&token).is_some_and(|known| Arc::ptr_eq(known, question)) {
            contents.questions.remove(&token);
        }
    }

    /// Forgets a token that was valid.
    pub(crate) fn forget(&self, token: TokenId) {
        self.contents().known.0.retain(|_, (_, identity)| identity.token != token);
    }

    /// Notes that a token was used.
    pub(crate) fn note(&self, token: TokenId, at: Timestamp) {
        self.contents().note(token, at);
    }

    /// Takes what was noted since the last time.
    pub(crate) fn take_used(&self) -> Vec<(TokenId, Timestamp)> {
        std::mem::take(&mut self.contents().used).into_iter().collect()
    }
}

impl Contents {
    fn note(&mut self, token: TokenId, at: Timestamp) {
        let last = self.used.entry(token).or_insert(at);
        *last = at.max(*last);
    }

    /// The question that is being asked, or a new one. What was asked more than a second ago and has no answer yet may
    /// miss what happened since.
    fn question(&mut self, token: &Fingerprint, moment: Instant) -> Arc<Question> {
        if let Some(question) = self.questions.get(token)
            && moment.duration_since(question.asked) < FRESH
        {
            return question.clone();
        }
        if self.questions.len() >= ENTRIES {
            // Those whose askers all went away.
            self.questions.retain(|_, question| Arc::strong_count(question) > 1);
        }
        let question = Arc::new(Question { answer: OnceCell::new(), asked: moment });
        self.questions.insert(*token, question.clone());
        question
    }
}

/// A bounded number of things, each good for a second.
#[derive(Debug)]
struct Shelf<T>(HashMap<Fingerprint, (Instant, T)>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Shelf<T> {
    fn fresh(&self, token: &Fingerprint, moment: Instant) -> Option<&T> {
        let (since, thing) = self.0.get(token)?;
        (moment.duration_since(*since) < FRESH).then_some(thing)
    }

    fn put(&mut self, token: Fingerprint, since: Instant, thing: T) {
        if self.0.len() >= ENTRIES && !self.0.contains_key(&token) {
            let moment = Instant::now();
            self.0.retain(|_, (since, _)| moment.duration_since(*since) < FRESH);
            let oldest = self.0.iter().min_by_key(|(_, (since, _))| *since).map(|(token, _)| *token);
            if let Some(oldest) = oldest.filter(|_| self.0.len() >= ENTRIES) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(token, (since, thing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::{Clock, SystemClock};

    fn token(number: u32) -> Fingerprint {
        let mut token = [0; 32];
        token[..4].copy_from_slice(&number.to_be_bytes());
        token
    }

    fn ask(cache: &Cache, number: u32) -> Arc<Question> {
        match cache.look(&token(number), SystemClock.now()) {
            Look::Ask(question) => question,
            Look::Seen(answer) => panic!("{answer:?}"),
        }
    }

    /// Tried by leaving out each of the two bounds: the test failed each time.
    #[test]
    fn a_flood_of_tokens_that_are_not_there_fills_no_memory() {
        let cache = Cache::default();
        for number in 0..5000 {
            let question = ask(&cache, number);
            cache.learn(token(number), &question, &Answer::Refused(Refusal::Unknown));
            // Somebody who asked and went away.
            drop(ask(&cache, number + 1_000_000));
        }
        let contents = cache.contents();
        assert_eq!(contents.refused.0.len(), ENTRIES);
        assert!(contents.refused.0.contains_key(&token(4999)), "the newest is there");
        assert!(contents.questions.len() <= ENTRIES, "{}", contents.questions.len());
    }

    #[test]
    fn who_asks_the_same_at_the_same_time_shares_a_question_for_a_second() {
        let cache = Cache::default();
        let first = ask(&cache, 1);
        assert!(Arc::ptr_eq(&first, &ask(&cache, 1)));
        assert!(!Arc::ptr_eq(&first, &ask(&cache, 2)));
        let later = Instant::now() + FRESH;
        let second = cache.contents().question(&token(1), later);
        assert!(!Arc::ptr_eq(&first, &second), "it may miss what happened since");
        cache.learn(token(1), &first, &Answer::Refused(Refusal::Unknown));
        assert!(cache.contents().questions.contains_key(&token(1)), "the second is still being asked");
    }

    #[test]
    fn what_was_learnt_holds_for_a_second_from_the_question_on() {
        let cache = Cache::default();
        let question = ask(&cache, 1);
        cache.learn(token(1), &question, &Answer::Refused(Refusal::Revoked));
        let contents = cache.contents();
        let just = question.asked + FRESH - Duration::from_nanos(1);
        assert_eq!(contents.refused.fresh(&token(1), just), Some(&Refusal::Revoked));
        assert_eq!(contents.refused.fresh(&token(1), question.asked + FRESH), None);
    }
}
