//! Calls of clients: made at once or not at all, streamed where they ask for it, and written into the ledger when they
//! have ended, however they ended.

use cofounder_domain::{CallId, FaultKind, NanoUsd, Timestamp};
use cofounder_providers::{
    Answer, Answered, Call as RouterCall, ChatStream, Chunk, Document, Finish, Need, Opened, Place,
    ProviderError, Question, Role, Route, Target, Usage, Verb,
};
use cofounder_storage::{CallKind, CallState, LedgerCall};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{
    CallError, Meter, Payer,
    budgets::Accounts,
    meter::{cost, tokens, told},
    metrics::{Ended, name},
    tab::Tab,
    worst::Size,
};

/// A client's question.
#[derive(Clone, Debug)]
pub struct ClientCall {
    /// What is asked for.
    pub verb: Verb,
    /// The question, in the words of OpenAI's API.
    pub document: Arc<Document>,
    /// What the model is to be.
    pub role: Role,
    /// The model that must be asked, if one must.
    pub pin: Option<String>,
    /// Who pays.
    pub payer: Payer,
    /// What asks, for the ledger: `gateway`.
    pub step: &'static str,
    /// When it must have ended.
    pub deadline: Option<Instant>,
    /// How long it may wait for a target that is free.
    pub patience: Duration,
    /// Stops the call.
    pub cancel: CancellationToken,
}

/// How a call was routed and bounded: for the headers of its answer.
#[derive(Clone, Debug)]
pub struct Routed {
    /// Names the call in the ledger.
    pub id: CallId,
    /// Who answers.
    pub target: Arc<Target>,
    /// Why.
    pub why: String,
    /// What else was thought of, and why it was not taken.
    pub passed_over: Vec<(String, String)>,
    /// How many requests it took.
    pub attempts: usize,
    /// The longest answer that the budget affords, if that bounds it.
    pub bound: Option<u32>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct ClientAnswer {
    /// The answer.
    pub answer: Answer,
    /// How it came.
    pub routed: Routed,
    /// What it cost.
    pub cost: NanoUsd,
}

/// An answer that comes piece by piece. However it ends, also by being dropped, it is settled and written down once.
#[derive(Debug)]
pub struct ClientStream {
    stream: ChatStream,
    open: Open,
    /// How it came.
    pub routed: Routed,
}

/// A call under way: the money that is set aside for it, and its line in the ledger. Told its end once.
#[derive(Debug)]
struct Open {
    meter: Arc<Meter>,
    id: CallId,
    at: Timestamp,
    begun: Instant,
    first_token: Option<Duration>,
    call: ClientCall,
    route: String,
    accounts: Accounts,
    tab: Tab,
    /// In its token's minute.
    place: Option<Place>,
    target: Option<Arc<Target>>,
    ended: bool,
}

/// How a call ended.
struct End<'a> {
    state: CallState,
    error: Option<(String, FaultKind)>,
    usage: Usage,
    answer: Option<&'a str>,
}

impl Meter {
    /// Makes a call and waits for the whole answer.
    ///
    /// # Errors
    /// [`CallError`]; the call's money is given back, but for attempts that a provider may charge for.
    pub async fn ask(self: &Arc<Self>, call: ClientCall) -> Result<ClientAnswer, CallError> {
        self.aside(call, |open, route| async move { open.ask(&route).await }).await
    }

    /// Makes a call whose answer comes piece by piece; returns when it begins.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn open(self: &Arc<Self>, call: ClientCall) -> Result<ClientStream, CallError> {
        self.aside(call, |open, route| async move { open.open(&route).await }).await
    }

    /// Does the work in a task of its own: a client that goes away cancels it, and it still settles what it has done.
    async fn aside<T, F>(
        self: &Arc<Self>,
        call: ClientCall,
        work: impl FnOnce(Open, Route) -> F + Send + 'static,
    ) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, CallError>> + Send,
    {
        let gone = call.cancel.clone().drop_guard();
        let meter = Arc::clone(self);
        // In a box, since a future of this size is moved several times until it is a task (bench/gateway).
        let done = tokio::spawn(Box::pin(async move {
            let (open, route) = meter.begin_client(call).await?;
            work(open, route).await
        }));
        let done = done.await.map_err(CallError::bug)?;
        gone.disarm();
        done
    }

    async fn begin_client(self: Arc<Self>, call: ClientCall) -> Result<(Open, Route), CallError> {
        if !self.ledger.keeps_up() {
            return Err(CallError::Behind { waiting: self.ledger.waiting() });
        }
        let begun = Instant::now();
        let size = Size::of_document(call.verb, &call.document)?;
        let place = match &call.payer.token {
            Some(terms) => self.turnstile.pass(terms, size).await?,
            None => None,
        };
        let route = self.route(call.role, call.pin.as_deref(), &need(&call, size))?;
        let at = self.db.now();
        let (tab, accounts) = self.open_tab(size, &route, &call.payer, at).await?;
        let open = Open {
            id: CallId::new(at),
            at,
            begun,
            first_token: None,
            route: told(&route),
            accounts,
            tab,
            place,
            target: None,
            ended: false,
            call,
            meter: self,
        };
        Ok((open, route))
    }
}

impl Open {
    async fn ask(mut self, route: &Route) -> Result<ClientAnswer, CallError> {
        let (meter, id) = (Arc::clone(&self.meter), self.id.to_string());
        let call = router_call(&self.call, route, &id, self.tab.bound);
        match meter.router.ask(&call, &mut self.tab).await {
            Ok(Answered { answer, target, .. }) => {
                let routed = self.routed(route, &target);
                self.target = Some(target);
                let said = String::from_utf8_lossy(&answer.body);
                let (usage, error) = (answer.usage, None);
                let cost = self.end(End { state: CallState::Done, error, usage, answer: Some(&said) });
                Ok(ClientAnswer { answer, routed, cost })
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    async fn open(mut self, route: &Route) -> Result<ClientStream, CallError> {
        let (meter, id) = (Arc::clone(&self.meter), self.id.to_string());
        let call = router_call(&self.call, route, &id, self.tab.bound);
        match meter.router.open(&call, &mut self.tab).await {
            Ok(Opened { stream, target, .. }) => {
                let routed = self.routed(route, &target);
                self.target = Some(target);
                self.first_token = Some(self.begun.elapsed());
                Ok(ClientStream { stream, open: self, routed })
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn routed(&self, route: &Route, target: &Arc<Target>) -> Routed {
        Routed {
            id: self.id,
            target: Arc::clone(target),
            why: route.why.clone(),
            passed_over: route.passed_over.clone(),
            attempts: self.tab.attempts.len(),
            bound: self.tab.bound,
        }
    }

    fn fail(&mut self, error: ProviderError) -> CallError {
        let state = if self.call.cancel.is_cancelled() { CallState::Abandoned } else { CallState::Failed };
        let told = Some((error.to_string(), error.kind()));
        self.end(End { state, error: told, usage: Usage::default(), answer: None });
        error.into()
    }

    /// Settles the money, counts the call, and hands its line to the ledger. Tells what it cost.
    fn end(&mut self, end: End<'_>) -> NanoUsd {
        self.ended = true;
        let meter = Arc::clone(&self.meter);
        let cost = self.target.as_ref().map_or(NanoUsd::ZERO, |target| cost(target, &end.usage));
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
        let counted =
            Ended { model: &model, verb, outcome, usage: end.usage, cost: spent, took, first_token };
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
            tokens: tokens(&end.usage),
            cost,
            lost: self.tab.lost,
            first_token_ms: first_token.map(millis),
            ms: millis(took),
            attempts: serde_json::to_string(&self.tab.attempts).unwrap_or_default(),
            route: std::mem::take(&mut self.route),
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

impl ClientStream {
    /// The next piece; none when the answer is complete.
    ///
    /// # Errors
    /// The answer broke off: what came of it is not the whole. What it cost is settled.
    pub async fn next(&mut self) -> Result<Option<Chunk>, ProviderError> {
        let next = self.stream.next().await;
        match &next {
            Ok(Some(_)) => {}
            Ok(None) => self.end(CallState::Done, None),
            Err(error) => self.end(CallState::Failed, Some((error.to_string(), error.kind()))),
        }
        next
    }

    /// Why the answer ended, if it did.
    #[must_use]
    pub fn finish(&self) -> Option<Finish> {
        self.stream.finish()
    }

    /// What it took so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.stream.usage()
    }

    fn end(&mut self, state: CallState, error: Option<(String, FaultKind)>) {
        if !self.open.ended {
            let (usage, answer) = (self.stream.usage(), Some(self.stream.text()));
            self.open.end(End { state, error, usage, answer });
        }
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        self.end(CallState::Abandoned, None);
    }
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
        cancel: &call.cancel,
    }
}

fn need(call: &ClientCall, size: Size) -> Need {
    let offers = |key: &str| call.document.raw(key).is_some_and(|raw| raw != "null" && raw != "[]");
    let shows = call.document.raw("messages").is_some_and(|m| m.contains("\"image_url\""));
    Need {
        verb: call.verb,
        context_tokens: size.likely,
        max_tokens: size
            .answer
            .filter(|_| call.verb == Verb::Chat)
            .map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        tools: offers("tools"),
        vision: shows,
        priced: call.payer.token.is_some_and(|token| token.day.is_some() || token.month.is_some()),
        ..Need::default()
    }
}

const fn kind(verb: Verb) -> CallKind {
    match verb {
        Verb::Chat => CallKind::Chat,
        Verb::Embeddings => CallKind::Embeddings,
        Verb::Images => CallKind::Images,
    }
}
