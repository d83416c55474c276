//! Calls of steps: answered from the journal if they were answered before; else journalled as soon as they end.

use cofounder_domain::{CallId, NanoUsd, StepPath};
use cofounder_providers::{
    Answered, Call as RouterCall, ChatAnswer, ChatRequest, Finish, Need, ProviderError, Question, Role,
    Route, Usage,
};
use cofounder_storage::{
    CallEnd, CallKind, CallStart, CallTokens, Claimed, FailedCall, FinishedCall, JournalledCall, Spend,
    patiently,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field::Empty};

use crate::{
    CallError, Meter, Payer, Took,
    budgets::Accounts,
    charge::Charge,
    key::key,
    meter::told,
    metrics::{Ended, name},
    tab::Tab,
    worst::Size,
};

/// How long a database that does not answer is asked again to keep an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a step waits for a target that asked for a pause.
const WAIT: Duration = Duration::from_secs(5);

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

/// One call on its way.
struct Course<'a> {
    meter: &'a Meter,
    call: &'a Call<'a>,
    id: CallId,
    entry: i64,
    begun: Instant,
    route: &'a Route,
    accounts: Accounts,
    tab: Tab,
}

impl Meter {
    /// Answers a question, from the journal if it was answered before.
    ///
    /// # Errors
    /// [`CallError`]; the call's money is given back, but for attempts that a provider may charge for.
    pub async fn chat(&self, call: Call<'_>) -> Result<Metered, CallError> {
        let span = tracing::error_span!("call", call = Empty);
        self.answered(call).instrument(span).await
    }

    async fn answered(&self, call: Call<'_>) -> Result<Metered, CallError> {
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
        let size = Size::of_chat(&call.request);
        let unlike = self.writer(&call).await?;
        let route = self.route(call.role, call.pin, &need(&call, size, unlike))?;
        let (now, payer) = (self.db.now(), Payer { task: call.run.map(|run| run.task), token: None });
        let (tab, accounts) = self.open_tab(size, &route, &payer, now).await?;
        let entry = self.begin(&call, &key, &route).await?;
        let (id, begun) = (CallId::new(now), Instant::now());
        Span::current().record("call", tracing::field::display(id));
        let mut course = Course { meter: self, call: &call, id, entry, begun, route: &route, accounts, tab };
        let asked = RouterCall {
            route: &route,
            question: Question::Chat(&call.request),
            key: &key,
            caller: call.run.map_or_else(|| Arc::from("program"), |run| run.task.to_string().into()),
            bound: course.tab.bound,
            deadline: call.deadline,
            patience: WAIT,
            waits_it_out: true,
            cancel: &call.cancel,
        };
        match self.router.ask(&asked, &mut course.tab).await {
            Ok(answered) => course.keep(answered).await,
            Err(error) => course.fail(error).await,
        }
    }

    /// Who wrote what this call is to judge, if it judges: a model of another family goes first.
    async fn writer(&self, call: &Call<'_>) -> Result<Option<String>, CallError> {
        match (call.role, call.run) {
            (Role::Critic, Some(run)) => Ok(self.db.model_of(run.task, Role::Draft.as_str()).await?),
            _ => Ok(None),
        }
    }

    async fn begin(&self, call: &Call<'_>, key: &str, route: &Route) -> Result<i64, CallError> {
        let asked = serde_json::to_value(&call.request).map_err(CallError::bug)?;
        let first = route.targets.first().map(|t| t.id()).unwrap_or_default();
        let start = CallStart {
            key,
            run: call.run,
            step: call.step.as_str(),
            ordinal: call.ordinal,
            kind: CallKind::Chat,
            role: call.role.as_str(),
            model: &first,
            request: &asked,
            owner: &self.owner,
        };
        Ok(self.db.begin_call(&start).await?)
    }
}

impl Course<'_> {
    async fn keep(mut self, answered: Answered) -> Result<Metered, CallError> {
        let Answered { answer, target, passed_over, .. } = answered;
        self.tab.passed = passed_over;
        let Charge { tokens, cost } = self.tab.charge(&target, &answer.usage);
        let answer =
            ChatAnswer { text: answer.text, finish: answer.finish, usage: answer.usage, model: answer.model };
        let spent = cost + self.tab.lost;
        self.tab.settle(spent);
        let spends = self.accounts.spends(spent);
        let journalled = serde_json::to_value(&answer).map_err(CallError::bug)?;
        let (model, attempts) = (target.id(), self.attempts()?);
        let route = told(self.route, &self.tab.passed);
        let end = self.end(&model, tokens, cost, &attempts, &route, &spends);
        let finished = FinishedCall { answer: &journalled, end };
        let (db, call) = (&self.meter.db, self.call);
        // The answer is paid for: it is worth some patience.
        patiently(PATIENCE, &call.cancel, || db.finish_call(self.entry, call.run, &finished)).await?;
        self.meter.purse.recorded(&spends);
        self.count(&model, "done", tokens, spent);
        let CallTokens { input: tokens_in, output: tokens_out, .. } = tokens;
        let unpriced = u64::from(tokens.unpriced);
        self.meter
            .tally
            .add(call.step, Took { calls: 1, replayed: 0, tokens_in, tokens_out, cost, unpriced });
        Ok(Metered {
            text: answer.text,
            finish: answer.finish,
            usage: answer.usage,
            model,
            cost,
            replayed: false,
        })
    }

    async fn fail(mut self, error: ProviderError) -> Result<Metered, CallError> {
        let lost = self.tab.lost;
        self.tab.settle(lost);
        let spends = self.accounts.spends(lost);
        let model = self.tab.attempts.last().map_or_else(|| name(None), |a| a.target.clone());
        let (attempts, said) = (self.attempts()?, error.to_string());
        let route = told(self.route, &self.tab.passed);
        let end = self.end(&model, CallTokens::default(), NanoUsd::ZERO, &attempts, &route, &spends);
        // One that was cut off may have been paid: it stays one whose end was not seen.
        let cut_off = self.call.cancel.is_cancelled();
        let failed = FailedCall { error: &said, fault: error.kind(), cut_off, end };
        match self.meter.db.fail_call(self.entry, self.call.run, &failed).await {
            Ok(()) => self.meter.purse.recorded(&spends),
            Err(unwritten) => {
                tracing::warn!(%unwritten, "a failed model call could not be written down as failed");
            }
        }
        self.count(&model, "failed", CallTokens::default(), lost);
        Err(error.into())
    }

    fn attempts(&self) -> Result<String, CallError> {
        serde_json::to_string(&self.tab.attempts).map_err(CallError::bug)
    }

    fn end<'a>(
        &'a self,
        model: &'a str,
        tokens: CallTokens,
        cost: NanoUsd,
        attempts: &'a str,
        route: &'a str,
        spends: &'a [Spend],
    ) -> CallEnd<'a> {
        CallEnd {
            call_id: self.id,
            owner: &self.meter.owner,
            model,
            tokens,
            cost,
            lost: self.tab.lost,
            first_token_ms: None,
            ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts,
            route,
            spends,
        }
    }

    fn count(&self, model: &str, outcome: &'static str, tokens: CallTokens, cost: NanoUsd) {
        let (verb, took) = (self.call.role.verb(), self.begun.elapsed());
        self.meter.metrics.ended(&Ended { model, verb, outcome, tokens, cost, took, first_token: None });
    }
}

fn need(call: &Call<'_>, size: Size, unlike: Option<String>) -> Need {
    Need { context_tokens: size.likely, max_tokens: call.request.max_tokens, unlike, ..Need::default() }
}

fn replayed(known: JournalledCall) -> Result<Metered, CallError> {
    let answer: ChatAnswer = serde_json::from_value(known.answer).map_err(CallError::bug)?;
    let ChatAnswer { text, finish, usage, .. } = answer;
    Ok(Metered { text, finish, usage, model: known.model, cost: known.cost, replayed: true })
}
