//! One client's call under way: what it is asked, how it ends, and its line in the ledger.

use cofounder_domain::{CallId, FaultKind, NanoUsd, Timestamp};
use cofounder_providers::{
    Answered, Call as RouterCall, Opened, Place, ProviderError, Question, Route, Target, Usage, Verb,
};
use cofounder_storage::{CallKind, CallState, LedgerCall};
use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    CallError, ClientAnswer, ClientCall, ClientStream, Meter, Routed,
    budgets::Accounts,
    charge::Charge,
    clients::Told,
    meter::told,
    metrics::{Ended, name},
    streams::Pump,
    tab::Tab,
};

/// A call under way: the money that is set aside for it, and its line in the ledger. Told its end once.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) meter: Arc<Meter>,
    pub(crate) id: CallId,
    pub(crate) at: Timestamp,
    pub(crate) begun: Instant,
    pub(crate) first_token: Option<Duration>,
    pub(crate) call: ClientCall,
    pub(crate) route: Arc<Route>,
    pub(crate) accounts: Accounts,
    pub(crate) tab: Tab,
    /// In its token's minute.
    pub(crate) place: Option<Place>,
    pub(crate) target: Option<Arc<Target>>,
    pub(crate) ended: bool,
}

/// How a call ended.
pub(crate) struct End<'a> {
    pub(crate) state: CallState,
    pub(crate) error: Option<(String, FaultKind)>,
    pub(crate) usage: Usage,
    pub(crate) answer: Option<&'a str>,
}

impl Open {
    pub(crate) async fn ask(mut self, tell: Told<ClientAnswer>) {
        let (meter, route, id) = (Arc::clone(&self.meter), Arc::clone(&self.route), self.id.to_string());
        let call = router_call(&self.call, &route, &id, self.tab.bound);
        let told = match meter.router.ask(&call, &mut self.tab).await {
            Ok(Answered { answer, target, passed_over, .. }) => {
                let routed = self.answers(target, passed_over);
                let said = text(&answer.body);
                let (usage, error) = (answer.usage, None);
                let cost = self.end(End { state: CallState::Done, error, usage, answer: Some(&said) });
                Ok(ClientAnswer { answer, routed, cost })
            }
            Err(error) => Err(self.fail(error)),
        };
        // Who asked may be gone: it is in the ledger all the same.
        drop(tell.send(told));
    }

    pub(crate) async fn open(mut self, tell: Told<ClientStream>) {
        let (meter, route, id) = (Arc::clone(&self.meter), Arc::clone(&self.route), self.id.to_string());
        let call = router_call(&self.call, &route, &id, self.tab.bound);
        match meter.router.open(&call, &mut self.tab).await {
            Ok(Opened { stream, target, passed_over, .. }) => {
                let routed = self.answers(target, passed_over);
                self.first_token = Some(self.begun.elapsed());
                let (pump, stream) = Pump::new(stream, self, routed);
                // Nobody takes a piece if who asked is gone, and the pump sees that.
                drop(tell.send(Ok(stream)));
                pump.run().await;
            }
            Err(error) => drop(tell.send(Err(self.fail(error)))),
        }
    }

    /// This target answers.
    fn answers(&mut self, target: Arc<Target>, passed: Vec<(String, String)>) -> Routed {
        self.tab.passed = passed;
        self.target = Some(Arc::clone(&target));
        Routed {
            id: self.id,
            target,
            why: self.route.why.clone(),
            passed_over: self.route.passed_over.iter().chain(&self.tab.passed).cloned().collect(),
            attempts: self.tab.attempts.len(),
            bound: self.tab.bound,
        }
    }

    fn fail(&mut self, error: ProviderError) -> CallError {
        let error = self.seen(error);
        let state = match &error {
            CallError::Provider(ProviderError::Cancelled) => CallState::Abandoned,
            _ => CallState::Failed,
        };
        let told = Some((error.to_string(), error.kind()));
        self.end(End { state, error: told, usage: Usage::default(), answer: None });
        error
    }

    /// What was cancelled by the end of the program was not given up by who had asked.
    pub(crate) fn seen(&self, error: ProviderError) -> CallError {
        match error {
            ProviderError::Cancelled if self.meter.stop.is_cancelled() => CallError::Stopping,
            error => error.into(),
        }
    }

    /// Settles the money, counts the call, and hands its line to the ledger. Tells what it cost.
    pub(crate) fn end(&mut self, end: End<'_>) -> NanoUsd {
        self.ended = true;
        let meter = Arc::clone(&self.meter);
        let charge = self.target.as_ref().map(|target| self.tab.charge(target, &end.usage));
        let Charge { tokens, cost } = charge.unwrap_or_default();
        let spent = cost + self.tab.lost;
        self.tab.settle(spent);
        if let Some(place) = self.place.take() {
            place.took(end.usage.total());
        }
        let tried = || self.tab.attempts.last().map_or_else(|| name(None), |a| a.target.clone());
        let model = self.target.as_ref().map_or_else(tried, |target| target.id());
        let outcome = match end.state {
            CallState::Done => "done",
            CallState::Failed => "failed",
            CallState::Abandoned => "abandoned",
        };
        let (verb, took, first_token) = (self.call.verb, self.begun.elapsed(), self.first_token);
        let counted = Ended { model: &model, verb, outcome, tokens, cost: spent, took, first_token };
        meter.metrics.ended(&counted);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (error, fault) = end.error.map_or((None, None), |(error, fault)| (Some(error), Some(fault)));
        let line = LedgerCall {
            call_id: self.id,
            at: self.at,
            kind: kind(verb),
            role: self.call.role.as_str().to_owned(),
            token: self.call.payer.token.map(|token| token.id),
            step: self.call.step.to_owned(),
            model,
            state: end.state,
            error,
            fault,
            tokens,
            cost,
            lost: self.tab.lost,
            first_token_ms: first_token.map(millis),
            ms: millis(took),
            attempts: serde_json::to_string(&self.tab.attempts).unwrap_or_default(),
            route: told(&self.route, &self.tab.passed),
            request: self.question(),
            answer: end.answer.and_then(|answer| meter.texts.kept(answer)),
        };
        meter.ledger.add(line, self.accounts.spends(spent));
        cost
    }

    /// What is kept of the question.
    fn question(&self) -> String {
        let asked = ["messages", "input", "prompt"].iter().find_map(|key| self.call.document.raw(key));
        asked.and_then(|asked| self.meter.texts.kept(asked)).unwrap_or_default()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Only what was begun in a task that was ended from outside comes here without an end.
        if !self.ended {
            let error = Some(("the program ended it".to_owned(), FaultKind::Unavailable));
            self.end(End { state: CallState::Abandoned, error, usage: Usage::default(), answer: None });
        }
    }
}

/// An answer as text. What was read as JSON is UTF-8, which is seen at once; the standard library's lossy reading goes letter
/// by letter.
fn text(body: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

fn router_call<'a>(
    call: &'a ClientCall,
    route: &'a Route,
    id: &'a str,
    bound: Option<u32>,
) -> RouterCall<'a> {
    RouterCall {
        route,
        question: Question::Document(call.verb, &call.document),
        key: id,
        caller: call.payer.token.map_or_else(|| Arc::from("program"), |token| token.id.to_string().into()),
        bound,
        deadline: call.deadline,
        patience: call.patience,
        waits_it_out: false,
        cancel: &call.cancel,
    }
}

const fn kind(verb: Verb) -> CallKind {
    match verb {
        Verb::Chat => CallKind::Chat,
        Verb::Embeddings => CallKind::Embeddings,
        Verb::Images => CallKind::Images,
    }
}
