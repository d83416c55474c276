//! Calls of clients: made at once or not at all, streamed where they ask for it, and written into the ledger when they
//! have ended, however they ended.

use cofounder_domain::{CallId, NanoUsd, Timestamp};
use cofounder_providers::{Answer, Document, Need, ProviderError, Role, Route, Target, Verb};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field::Empty};

use crate::{
    CallError, ClientStream, Meter, Payer, budgets::Accounts, dearer, open::Open, tab::Tab, worst::Size,
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
    /// How long whoever asks may leave a piece of a streamed answer untaken, before nothing more of it is asked for.
    pub stall: Duration,
    /// Stops the call: [`Meter::cancellation`], or a token below it, so that the end of the program stops it too.
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

/// Where it is told what came of a call.
pub(crate) type Told<T> = oneshot::Sender<Result<T, CallError>>;

impl Meter {
    /// Makes a call and waits for the whole answer.
    ///
    /// # Errors
    /// [`CallError`]; the call's money is given back, but for attempts that a provider may charge for.
    pub async fn ask(self: &Arc<Self>, call: ClientCall) -> Result<ClientAnswer, CallError> {
        self.aside(call, Open::ask).await
    }

    /// Makes a call whose answer comes piece by piece; returns when it begins.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn open(self: &Arc<Self>, call: ClientCall) -> Result<ClientStream, CallError> {
        self.aside(call, Open::open).await
    }

    /// Does the work in a task of its own: a client that goes away cancels it, and it still settles what it has done.
    /// The end of the program waits for it.
    async fn aside<T, F>(
        self: &Arc<Self>,
        call: ClientCall,
        work: impl FnOnce(Open, Told<T>) -> F + Send + 'static,
    ) -> Result<T, CallError>
    where
        T: Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let gone = call.cancel.clone().drop_guard();
        let (tell, told) = oneshot::channel();
        let meter = Arc::clone(self);
        // In a box, since a future of this size is moved several times until it is a task (bench/gateway).
        // It is within the request still, though nobody may wait for it any more.
        let span = tracing::error_span!("call", call = Empty);
        let work = async move {
            match meter.begin_client(call).await {
                Ok(open) => {
                    Span::current().record("call", tracing::field::display(open.id));
                    work(open, tell).await;
                }
                // Who asked may be gone, and then nobody needs to know.
                Err(error) => drop(tell.send(Err(error))),
            }
        };
        self.running.spawn(Box::pin(work.instrument(span)));
        let told = told.await.map_err(CallError::bug)?;
        gone.disarm();
        told
    }

    /// Sets the call's money aside; what others have set aside is waited for as long as the call has patience.
    async fn wait_for_money(
        &self,
        call: &ClientCall,
        size: Size,
        route: &Route,
        at: Timestamp,
    ) -> Result<(Tab, Accounts), CallError> {
        let until = Instant::now() + call.patience;
        loop {
            match self.open_tab(size, route, &call.payer, at).await {
                Err(CallError::Held { .. }) if Instant::now() + LOOK < until => {
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Err(CallError::Stopping),
                        () = call.cancel.cancelled() => return Err(ProviderError::Cancelled.into()),
                        () = tokio::time::sleep(LOOK) => {}
                    }
                }
                other => return other,
            }
        }
    }

    async fn begin_client(self: Arc<Self>, call: ClientCall) -> Result<Open, CallError> {
        if self.stop.is_cancelled() {
            return Err(CallError::Stopping);
        }
        if !self.ledger.keeps_up() {
            return Err(CallError::Behind { waiting: self.ledger.waiting() });
        }
        let begun = Instant::now();
        let size = Size::of_document(call.verb, &call.document)?;
        let need = need(&call, size);
        let route = self.route(call.role, call.pin.as_deref(), &need)?;
        let place = match &call.payer.token {
            Some(terms) => self.turnstile.pass(terms, size, &route).await?,
            None => None,
        };
        if need.priced || self.budgets.any() {
            dearer::check(&call.document, &route)?;
        }
        let at = self.db.now();
        let (tab, accounts) = self.wait_for_money(&call, size, &route, at).await?;
        Ok(Open {
            id: CallId::new(at),
            at,
            begun,
            first_token: None,
            route: Arc::new(route),
            accounts,
            tab,
            place,
            target: None,
            ended: false,
            call,
            meter: self,
        })
    }
}

/// How often money that others have set aside is looked for again.
const LOOK: Duration = Duration::from_millis(100);

fn need(call: &ClientCall, size: Size) -> Need {
    let offers = |key: &str| call.document.raw(key).is_some_and(|raw| raw != "null" && raw != "[]");
    Need {
        verb: call.verb,
        context_tokens: size.likely,
        max_tokens: size
            .answer
            .filter(|_| call.verb == Verb::Chat)
            .map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        tools: offers("tools"),
        vision: size.pictures > 0,
        priced: call.payer.token.is_some_and(|token| token.day.is_some() || token.month.is_some()),
        ..Need::default()
    }
}
