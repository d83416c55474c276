//! Reserve, call, journal, settle.

use cofounder_domain::{NanoUsd, Price, StepPath};
use cofounder_providers::{
    Answered, Attempt, ChatAnswer, ChatRequest, Finish, Need, Outcome, Role, Route, Router, Target, Usage,
};
use cofounder_storage::{
    CallStart, Claimed, Database, FinishedCall, JournalledCall, Reservation, Reserved, patiently,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{CallError, Tally, Took, key::key};

/// Tokens that the format of a chat adds to a message, at the most.
const PER_MESSAGE: u64 = 16;
/// The longest answer, in tokens, if neither the caller nor the model sets one.
const LONGEST_ANSWER: u32 = 4096;
/// How long a database that does not answer is asked again to keep an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A question to a model.
#[derive(Debug)]
pub struct Call<'a> {
    /// The run that asks. A call of no run is not journalled for replay.
    pub run: Option<&'a Claimed>,
    /// The step that asks.
    pub step: &'a StepPath,
    /// Which question of the step it is, from 0.
    pub ordinal: u32,
    /// What the model is to be.
    pub role: Role,
    /// The model that must be asked, if one must.
    pub pin: Option<&'a str>,
    /// The question.
    pub request: ChatRequest,
    /// Stops the call.
    pub cancel: CancellationToken,
    /// When it must have ended.
    pub deadline: Option<Instant>,
}

/// An answer, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Metered {
    /// The model's text.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Its tokens.
    pub usage: Usage,
    /// `provider/model` that answered.
    pub model: String,
    /// What it cost.
    pub cost: NanoUsd,
    /// Whether it comes from the journal.
    pub replayed: bool,
}

impl Metered {
    /// Whether the answer ended because it had as many tokens as it may.
    #[must_use]
    pub fn cut_off(&self) -> bool {
        self.finish == Finish::Length
    }
}

/// Makes calls, with their money and their journal.
#[derive(Debug)]
pub struct Meter {
    db: Arc<Database>,
    router: Arc<Router>,
    day_cap: Option<NanoUsd>,
    tally: Arc<Tally>,
}

impl Meter {
    /// A meter over a router; `day_cap` is the most that may be spent on a day (UTC).
    #[must_use]
    pub fn new(db: Arc<Database>, router: Arc<Router>, day_cap: Option<NanoUsd>, tally: Arc<Tally>) -> Self {
        Self { db, router, day_cap, tally }
    }

    /// Answers a question, from the journal if it was answered before.
    ///
    /// # Errors
    /// [`CallError`]; the call's money is given back, but for attempts that a provider may charge for.
    pub async fn chat(&self, call: Call<'_>) -> Result<Metered, CallError> {
        let key = match call.run {
            Some(run) => key(run.task, call.step, call.ordinal, &call.request).map_err(CallError::bug)?,
            None => String::new(),
        };
        if call.run.is_some()
            && let Some(known) = self.db.journalled_call(&key).await?
        {
            self.tally.add(call.step, Took { replayed: 1, ..Took::default() });
            return replayed(known);
        }
        let need =
            Need { context_tokens: prompt_tokens(&call.request) / 3, max_tokens: call.request.max_tokens };
        let route = self.router.route(call.role, call.pin, &need)?;
        let (request, worst) = bounded(&route, call.request.clone());
        let reservation = self.reserve(worst).await?;
        let outcome = self.make(&call, &key, &route, &request).await;
        let spent = outcome.as_ref().map_or_else(|(_, lost)| *lost, |(metered, lost)| metered.cost + *lost);
        if let Some(reservation) = reservation {
            self.db.settle(reservation, spent).await?;
        }
        outcome.map(|(metered, _)| metered).map_err(|(error, _)| error)
    }

    async fn reserve(&self, worst: NanoUsd) -> Result<Option<Reservation>, CallError> {
        let Some(cap) = self.day_cap.filter(|_| worst > NanoUsd::ZERO) else { return Ok(None) };
        match self.db.reserve(worst, cap).await? {
            Reserved::Yes(reservation) => Ok(Some(reservation)),
            Reserved::No { used } => Err(CallError::Budget { cap, used, needed: worst }),
        }
    }

    /// Makes and journals the call. Beside its outcome: what failed attempts may have cost.
    async fn make(
        &self,
        call: &Call<'_>,
        key: &str,
        route: &Route,
        request: &ChatRequest,
    ) -> Result<(Metered, NanoUsd), (CallError, NanoUsd)> {
        let none = |error: CallError| (error, NanoUsd::ZERO);
        let asked = serde_json::to_value(request).map_err(|e| none(CallError::bug(e)))?;
        let first = route.targets.first().map(Target::id).unwrap_or_default();
        let step = call.step.as_str();
        let start =
            CallStart { key, run: call.run, step, ordinal: call.ordinal, model: &first, request: &asked };
        let entry = self.db.begin_call(&start).await.map_err(|e| none(e.into()))?;
        let begun = Instant::now();
        let mut lost = NanoUsd::ZERO;
        let mut observe = |attempt: Attempt| {
            if let Outcome::Failed { may_have_cost: true, .. } = attempt.outcome {
                let target = route.targets.iter().find(|t| t.id() == attempt.target);
                lost = lost + target.map_or(NanoUsd::ZERO, |t| worst_cost(t, request));
            }
        };
        let answered = self.router.chat(route, request, key, call.deadline, &call.cancel, &mut observe).await;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answered {
            Ok(answered) => {
                let cost = cost(&answered);
                self.keep(call, entry, answered, ms).await.map(|m| (m, lost)).map_err(|e| (e, lost + cost))
            }
            Err(error) => {
                // One that was cut off may have been paid: it stays one whose end was not seen.
                if !call.cancel.is_cancelled()
                    && let Err(unwritten) = self.db.fail_call(entry, call.run, &error.to_string(), ms).await
                {
                    tracing::warn!(%unwritten, "a failed model call could not be written down as failed");
                }
                Err((error.into(), lost))
            }
        }
    }

    async fn keep(
        &self,
        call: &Call<'_>,
        entry: i64,
        answered: Answered,
        ms: u64,
    ) -> Result<Metered, CallError> {
        let cost = cost(&answered);
        let Answered { answer, target, .. } = answered;
        let Usage { tokens_in, tokens_cached, tokens_out, .. } = answer.usage;
        let journalled = serde_json::to_value(&answer).map_err(CallError::bug)?;
        let model = target.id();
        let end = FinishedCall {
            model: &model,
            answer: &journalled,
            tokens_in,
            tokens_cached,
            tokens_out,
            cost,
            ms,
        };
        // The answer is paid for: it is worth some patience.
        patiently(PATIENCE, &call.cancel, || self.db.finish_call(entry, call.run, &end)).await?;
        self.tally.add(call.step, Took { calls: 1, replayed: 0, tokens_in, tokens_out, cost });
        Ok(Metered {
            text: answer.text,
            finish: answer.finish,
            usage: answer.usage,
            model,
            cost,
            replayed: false,
        })
    }

    /// The route that calls of this role take, for whoever wants to know before.
    ///
    /// # Errors
    /// [`CallError::Provider`] if no model can take them.
    pub fn route(&self, role: Role, pin: Option<&str>) -> Result<Route, CallError> {
        Ok(self.router.route(role, pin, &Need::default())?)
    }
}

fn cost(answered: &Answered) -> NanoUsd {
    let Usage { tokens_in, tokens_cached, tokens_out, .. } = answered.answer.usage;
    answered.target.price.unwrap_or(Price::FREE).cost(tokens_in, tokens_cached, tokens_out)
}

fn replayed(known: JournalledCall) -> Result<Metered, CallError> {
    let answer: ChatAnswer = serde_json::from_value(known.answer).map_err(CallError::bug)?;
    let ChatAnswer { text, finish, usage, .. } = answer;
    Ok(Metered { text, finish, usage, model: known.model, cost: known.cost, replayed: true })
}

/// Tokens of the prompt, at the most: none is shorter than a byte.
fn prompt_tokens(request: &ChatRequest) -> u64 {
    let schema = request.response_format.as_ref().map_or(0, |f| f.schema.to_string().len() as u64);
    request.messages.iter().map(|m| m.content.len() as u64 + PER_MESSAGE).sum::<u64>() + schema
}

/// The request with a bound on its answer, and what it can cost at the most.
fn bounded(route: &Route, mut request: ChatRequest) -> (ChatRequest, NanoUsd) {
    let longest = route.targets.iter().filter_map(|t| t.max_output).max().unwrap_or(LONGEST_ANSWER);
    request.max_tokens.get_or_insert(longest);
    let worst = route.targets.iter().map(|t| worst_cost(t, &request)).max().unwrap_or(NanoUsd::ZERO);
    (request, worst)
}

fn worst_cost(target: &Target, request: &ChatRequest) -> NanoUsd {
    let answer = u64::from(request.max_tokens.unwrap_or(LONGEST_ANSWER));
    target.price.map_or(NanoUsd::ZERO, |price| price.cost(prompt_tokens(request), 0, answer))
}
