//! One request to one target: its place, its socket, its time, its health.

use super::{
    Answered, ChatStream, Opened, Route, Router, Target, Witness,
    breakers::Pass,
    course::{Course, Reached},
    provider::{Key, Places, Provider},
    witness::Told,
};
use crate::{
    Answer, Attempt, ChatAnswer, ChatRequest, Document, Outcome, ProviderError, Question, Stage,
    dialect::{self, Ask},
    exchange::{Line, Source},
    limits::Wish,
};
use reqwest::header::HeaderMap;
use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// One call, before it is known which of its targets answers.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Where it may go.
    pub route: &'a Route,
    /// What is asked.
    pub question: Question<'a>,
    /// Goes along as `Idempotency-Key` unless it is empty.
    pub key: &'a str,
    /// Who asks: callers that wait for a place are served in turn.
    pub caller: Arc<str>,
    /// The longest answer, in tokens, where the question names none.
    pub bound: Option<u32>,
    /// When it must have ended.
    pub deadline: Option<Instant>,
    /// How long it may wait for a target that is free.
    pub patience: Duration,
    /// Whether it waits for the only target that it may go to, or for one that loads its model, as long as its deadline
    /// allows: a step has nothing better to do.
    pub waits_it_out: bool,
    /// Ends it.
    pub cancel: &'a CancellationToken,
}

/// How long a call may wait for a free target, unless its caller has another opinion.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of one request.
pub(super) enum Got {
    Whole(Answer),
    Begun(Box<ChatStream>),
}

impl Router {
    /// Takes a call along its route: another target before the same one twice, two rounds at most, all inside the
    /// deadline.
    ///
    /// # Errors
    /// The last error that waiting could mend, else the last one.
    pub async fn ask(&self, call: &Call<'_>, witness: &mut dyn Witness) -> Result<Answered, ProviderError> {
        let Reached { got, target, attempts, passed_over } =
            Course::new(self, call, false, witness).run().await?;
        match got {
            Got::Whole(answer) => Ok(Answered { answer, target, attempts, passed_over }),
            Got::Begun(_) => Err(ProviderError::Bug { why: "a whole answer was asked for".to_owned() }),
        }
    }

    /// The same for an answer that comes piece by piece. It returns when the model has said something: until then
    /// another target can take over unseen.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn open(&self, call: &Call<'_>, witness: &mut dyn Witness) -> Result<Opened, ProviderError> {
        let Reached { got, target, attempts, passed_over } =
            Course::new(self, call, true, witness).run().await?;
        match got {
            Got::Begun(stream) => Ok(Opened { stream: *stream, target, attempts, passed_over }),
            Got::Whole(_) => Err(ProviderError::Bug { why: "a streamed answer was asked for".to_owned() }),
        }
    }

    /// [`Self::ask`] for a step's question, with the answer's text. `observer` is told of each attempt as it ends.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn chat(
        &self,
        route: &Route,
        request: &ChatRequest,
        key: &str,
        deadline: Option<Instant>,
        cancel: &CancellationToken,
        observer: &mut (dyn FnMut(Attempt) + Send),
    ) -> Result<Answered<ChatAnswer>, ProviderError> {
        let question = Question::Chat(request);
        let caller: Arc<str> = "".into();
        let call = Call {
            route,
            question,
            key,
            caller,
            bound: None,
            deadline,
            patience: PATIENCE,
            waits_it_out: true,
            cancel,
        };
        let Answered { answer, target, attempts, passed_over } = self.ask(&call, &mut Told(observer)).await?;
        let Answer { text, finish, usage, model, .. } = answer;
        Ok(Answered { answer: ChatAnswer { text, finish, usage, model }, target, attempts, passed_over })
    }

    /// Asks one target; tells also how long it was waited for until it could be. The outcome goes to its breaker.
    pub(super) async fn attempt(
        &self,
        call: &Call<'_>,
        target: &Arc<Target>,
        pass: Pass,
        manner: Manner,
    ) -> (Option<Attempt>, Duration, Result<Got, ProviderError>) {
        let begun = Instant::now();
        let mut sent = None;
        let span = tracing::error_span!("model", model = %target);
        let answer = tokio::select! {
            biased;
            () = call.cancel.cancelled() => Err(ProviderError::Cancelled),
            answer = self.request(call, target, manner, &mut sent).instrument(span) => answer,
        };
        let waited = sent.map_or_else(|| begun.elapsed(), |sent| sent - begun);
        let ms = u64::try_from(sent.unwrap_or(begun).elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match &answer {
            Ok(_) => Outcome::Answered,
            Err(error) => Outcome::Failed {
                fault: error.kind(),
                message: error.to_string(),
                may_have_cost: sent.is_some() && !target.free && error.may_have_cost(),
            },
        };
        tracing::debug!(model = %target, ms, ?outcome, "model request");
        let attempt = sent.map(|_| Attempt { target: target.id(), ms, outcome });
        let got = match answer {
            Ok((Reply::Whole(answer), _)) => {
                pass.settle(Ok(()));
                Ok(Got::Whole(answer))
            }
            // The answer's end decides what it was; that it began ends a probe.
            Ok((Reply::Begun(source), places)) => {
                Ok(Got::Begun(Box::new(ChatStream::new(*source, pass, places, call.cancel.clone()))))
            }
            Err(error) => {
                if sent.is_some() {
                    pass.settle(Err(&error));
                }
                Err(error)
            }
        };
        (attempt, waited, got)
    }

    /// `sent` is set when the request leaves our hands.
    async fn request(
        &self,
        call: &Call<'_>,
        target: &Arc<Target>,
        manner: Manner,
        sent: &mut Option<Instant>,
    ) -> Result<(Reply, Places), ProviderError> {
        let gone = || ProviderError::Bug {
            why: format!("the route names {target}, which this router does not know"),
        };
        let provider = self.provider(&target.provider).ok_or_else(gone)?;
        let places = provider.enter(&wish(call, target, manner)).await?;
        let mut patience = provider.patience(&target.model);
        let socket = match provider.is_embedded() {
            true => Some(within(call.deadline, self.launcher.socket(&target.model)).await??),
            false => None,
        };
        let client = provider.client(socket.as_deref(), patience.connect)?;
        let left = call.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let ours = left.is_some_and(|left| left < patience.total);
        patience.total = left.map_or(patience.total, |left| left.min(patience.total));
        let base = provider.base(&target.model).ok_or_else(gone)?;
        let document = document(call, target, provider, dialect::limit_key(&base));
        let now = self.clock.now();
        let ask = Ask {
            verb: call.question.verb(),
            document: &document,
            target,
            base: &base,
            key: if let Key::There(key) = &provider.key { Some(key) } else { None },
            idempotency: &idempotency(call, target),
            streamed: manner.streamed,
            bound: call.bound,
            now,
        };
        let line = Line {
            client: &client,
            words: dialect::words(provider.section.dialect),
            headers: &provider.headers,
            patience,
            largest: provider.largest(&target.model, ask.verb),
            now,
            heard: &|headers: &HeaderMap| provider.learn(&target.model, headers, now),
        };
        let wire = line.request(&ask)?;
        *sent = Some(Instant::now());
        let reply = match manner.streamed {
            false => line.whole(&ask, wire).await.map(Reply::Whole),
            true => line.open(&ask, wire).await.map(|source| Reply::Begun(Box::new(source))),
        };
        let reply = reply.map_err(|error| match error {
            ProviderError::Timeout { stage: Stage::Total } if ours => {
                ProviderError::Timeout { stage: Stage::Deadline }
            }
            other => other,
        })?;
        if let Reply::Whole(answer) = &reply {
            places.took(answer.usage.total());
        }
        Ok((reply, places))
    }
}

enum Reply {
    Whole(Answer),
    Begun(Box<Source>),
}

/// How one request is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Piece by piece.
    pub(super) streamed: bool,
    /// How long it may wait for a place; none for not at all.
    pub(super) until: Option<Instant>,
}

fn wish(call: &Call<'_>, target: &Target, manner: Manner) -> Wish {
    let (prompt, most) = match call.question {
        Question::Chat(request) => {
            let chars: usize = request.messages.iter().map(|m| m.content.len()).sum();
            (chars as u64 / 4, request.max_tokens.map(u64::from))
        }
        Question::Document(_, document) => {
            let most =
                ["max_completion_tokens", "max_tokens"].iter().find_map(|key| document.read(key).ok()?);
            (document.len() as u64 / 4, most)
        }
    };
    let most = most.or(call.bound.map(u64::from));
    let longest = target.max_output.map_or(0, u64::from);
    Wish {
        caller: call.caller.clone(),
        model: target.model.clone(),
        prompt,
        tokens: prompt.saturating_add(most.unwrap_or(0)),
        perhaps: if most.is_some() { 0 } else { longest },
        until: manner.until.map(Into::into),
    }
}

/// The question as this target understands it.
fn document<'a>(call: &Call<'a>, target: &Target, provider: &Provider, limit_key: &str) -> Cow<'a, Document> {
    match call.question {
        Question::Document(_, document) => Cow::Borrowed(document),
        Question::Chat(request) => {
            Cow::Owned(dialect::chat_document(request, target, provider.is_embedded(), limit_key))
        }
    }
}

async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, ProviderError> {
    let late = |_| ProviderError::Timeout { stage: Stage::Deadline };
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), work).await.map_err(late),
        None => Ok(work.await),
    }
}

/// A provider that sees one key with two different requests refuses the second: another model of the same provider
/// gets a key of its own.
fn idempotency<'a>(call: &Call<'a>, target: &Target) -> Cow<'a, str> {
    let first = call.route.targets.iter().find(|t| t.provider == target.provider);
    if call.key.is_empty() || first.is_none_or(|t| t.model == target.model) {
        return Cow::Borrowed(call.key);
    }
    format!("{}/{}", call.key, target.model.replace(|c: char| !c.is_ascii_graphic(), "_")).into()
}
