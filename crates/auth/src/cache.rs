//! What was learnt of tokens or sessions within the last second, so that a busy one costs the database one question a
//! second.
//!
//! A second is also how long a revocation on another machine takes to be felt here, and how long a token is believed
//! when the database is away. It is measured by a clock that nobody can set.

use cofounder_domain::{Clock, Timestamp};
use cofounder_storage::StorageError;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

use crate::{AuthError, Identity, Refusal, Who, secret::Fingerprint};

/// How long what was learnt holds.
const FRESH: Duration = Duration::from_secs(1);
/// The most secrets that are remembered, of those that are valid and of those that are not.
const ENTRIES: usize = 1024;

/// What the database said of a secret.
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
    answer: OnceCell<Answer>,
    asked: Instant,
}

/// What to do about a secret that was shown.
#[derive(Debug)]
enum Look {
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
    used: HashMap<Who, Timestamp>,
}

impl Cache {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose secret this is, by what is known or by what `ask` says. The end of its time is felt at once.
    pub(crate) async fn verify<F: Future<Output = Answer>>(
        &self,
        secret: Fingerprint,
        clock: &dyn Clock,
        ask: impl FnOnce() -> F,
    ) -> Result<Arc<Identity>, AuthError> {
        let answer = match self.look(&secret) {
            Look::Seen(answer) => answer,
            Look::Ask(question) => {
                let asked = async {
                    let answer = ask().await;
                    self.learn(secret, &question, &answer);
                    answer
                };
                question.answer.get_or_init(|| asked).await.clone()
            }
        };
        // By the clock of now: an answer may have taken a while.
        let now = clock.now();
        match answer {
            Answer::Known(identity) if now < identity.expires_at => {
                if identity.note_from <= now {
                    self.note(identity.who, now);
                }
                Ok(identity)
            }
            Answer::Known(_) => Err(AuthError::Refused(Refusal::Expired)),
            Answer::Refused(refusal) => Err(AuthError::Refused(refusal)),
            Answer::Away(error) => Err(AuthError::Unknown(error)),
        }
    }

    /// What is known of a secret; if nothing is, the question to ask.
    fn look(&self, secret: &Fingerprint) -> Look {
        let (mut contents, moment) = (self.contents(), Instant::now());
        if let Some(identity) = contents.known.fresh(secret, moment) {
            return Look::Seen(Answer::Known(identity.clone()));
        }
        if let Some(refusal) = contents.refused.fresh(secret, moment) {
            return Look::Seen(Answer::Refused(*refusal));
        }
        Look::Ask(contents.question(secret, moment))
    }

    /// Remembers what the database said, from when it was asked on. What it said to a question that is not the last one
    /// may miss what happened since.
    fn learn(&self, secret: Fingerprint, question: &Arc<Question>, answer: &Answer) {
        let mut contents = self.contents();
        if !contents.questions.get(&secret).is_some_and(|last| Arc::ptr_eq(last, question)) {
            return;
        }
        contents.questions.remove(&secret);
        match answer {
            Answer::Known(identity) => contents.known.put(secret, question.asked, identity.clone()),
            Answer::Refused(refusal) => contents.refused.put(secret, question.asked, *refusal),
            Answer::Away(_) => {}
        }
    }

    /// Forgets what was valid, and what is being asked: the answers may be of before.
    pub(crate) fn forget(&self, which: impl Fn(Who) -> bool) {
        let mut contents = self.contents();
        contents.known.0.retain(|_, (_, identity)| !which(identity.who));
        contents.questions.clear();
    }

    /// Notes that one was used.
    pub(crate) fn note(&self, who: Who, at: Timestamp) {
        let mut contents = self.contents();
        let last = contents.used.entry(who).or_insert(at);
        *last = at.max(*last);
    }

    /// Takes what was noted since the last time.
    pub(crate) fn take_used(&self) -> Vec<(Who, Timestamp)> {
        std::mem::take(&mut self.contents().used).into_iter().collect()
    }
}

impl Contents {
    /// The question that is being asked, or a new one. What was asked more than a second ago and has no answer yet may
    /// miss what happened since.
    fn question(&mut self, secret: &Fingerprint, moment: Instant) -> Arc<Question> {
        if let Some(question) = self.questions.get(secret)
            && moment.duration_since(question.asked) < FRESH
        {
            return question.clone();
        }
        if self.questions.len() >= ENTRIES {
            // Those whose askers all went away.
            self.questions.retain(|_, question| Arc::strong_count(question) > 1);
        }
        let question = Arc::new(Question { answer: OnceCell::new(), asked: moment });
        self.questions.insert(*secret, question.clone());
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
    fn fresh(&self, secret: &Fingerprint, moment: Instant) -> Option<&T> {
        let (since, thing) = self.0.get(secret)?;
        (moment.duration_since(*since) < FRESH).then_some(thing)
    }

    fn put(&mut self, secret: Fingerprint, since: Instant, thing: T) {
        if self.0.len() >= ENTRIES && !self.0.contains_key(&secret) {
            let moment = Instant::now();
            self.0.retain(|_, (since, _)| moment.duration_since(*since) < FRESH);
            let oldest = self.0.iter().min_by_key(|(_, (since, _))| *since).map(|(secret, _)| *secret);
            if let Some(oldest) = oldest.filter(|_| self.0.len() >= ENTRIES) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(secret, (since, thing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u32) -> Fingerprint {
        let mut token = [0; 32];
        token[..4].copy_from_slice(&number.to_be_bytes());
        token
    }

    fn ask(cache: &Cache, number: u32) -> Arc<Question> {
        match cache.look(&token(number)) {
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
        assert!(matches!(cache.look(&token(1)), Look::Seen(Answer::Refused(Refusal::Revoked))));
        let contents = cache.contents();
        let just = question.asked + FRESH - Duration::from_nanos(1);
        assert_eq!(contents.refused.fresh(&token(1), just), Some(&Refusal::Revoked));
        assert_eq!(contents.refused.fresh(&token(1), question.asked + FRESH), None);
    }

    /// Tried by learning the answer to any question, then by leaving the questions when something is forgotten: the test
    /// failed each time.
    #[test]
    fn what_was_asked_before_something_was_forgotten_is_not_learnt() {
        let cache = Cache::default();
        let question = ask(&cache, 1);
        cache.forget(|_| true);
        cache.learn(token(1), &question, &Answer::Refused(Refusal::Unknown));
        assert!(!Arc::ptr_eq(&question, &ask(&cache, 1)), "nothing is known, and it is asked anew");
    }
}
